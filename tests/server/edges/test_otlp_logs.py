"""Log records in: messages find their spans in either order, agents' events become traces, the rest says why not."""

import gzip
import json
from collections.abc import Callable
from itertools import permutations
from math import inf
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.edges.logging_senders import (
    CLAUDE_CODE,
    agent_framework,
    claude_code,
    codex,
    export,
    genai_details,
    record,
    semantic_kernel,
)
from server.edges.running_site import ELSEWHERE, HERE, WRONG, Attributes, Sent, Site, one_span

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = ("/api/public/otel/v1/logs", "/v1/logs")
PROTOBUF = {**HERE, "Content-Type": "application/x-protobuf"}
CHAT: Attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which digits?"}]
PARTS = [{"content": "Which digits?", "type": "text"}]

Records = Callable[[Sent], list[LogRecord]]


async def log(site: Site, *records: LogRecord, path: str = PATHS[0], **origin: str) -> ExportLogsServiceResponse:
    answer = await site.client.post(path, content=export(*records, **origin).SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200, answer.text
    return ExportLogsServiceResponse.FromString(answer.content)


async def in_trace(site: Site, trace_id: str) -> list[dict[str, Any]]:
    found = await site.get(
        "/v2/observations", traceId=trace_id, fields="core,basic,io,metadata,model,usage,metrics,trace_context"
    )
    return sorted(found["data"], key=lambda each: each["startTime"])


async def in_session(site: Site, session_id: str) -> list[dict[str, Any]]:
    traces = await site.get("/traces", sessionId=session_id)
    assert len(traces["data"]) == 1
    return await in_trace(site, traces["data"][0]["id"])


def ids() -> Sent:
    return one_span()[1]


async def span(site: Site, sent: Sent, attributes: Attributes) -> None:
    export, _ = one_span(attributes, trace_id=sent.trace_id, span_id=bytes.fromhex(sent.span_id))
    answer = await site.client.post("/v1/traces", content=export.SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("spans_first", [True, False])
@pytest.mark.parametrize(
    ("records", "asked", "answered"),
    [
        (semantic_kernel, ASKED, [{"role": "assistant", "content": "Ten.", "finish_reason": "stop"}]),
        (agent_framework, ASKED, [{"role": "assistant", "content": "Ten.", "finish_reason": "stop", "index": 0}]),
        (
            genai_details,
            [
                {"role": "system", "parts": [{"content": "Be brief.", "type": "text"}]},
                {"role": "user", "parts": PARTS},
            ],
            [{"role": "assistant", "parts": [{"content": "Ten.", "type": "text"}], "finish_reason": "stop"}],
        ),
    ],
)
async def test_messages_become_the_input_and_output_of_their_span(
    site: Site, records: Records, asked: Any, answered: Any, spans_first: bool
):
    sent = ids()
    if spans_first:
        await span(site, sent, CHAT)
    await log(site, *records(sent))
    if not spans_first:
        await span(site, sent, CHAT)
    [observation] = await in_trace(site, sent.trace_id)
    assert observation["type"] == "GENERATION"
    assert json.loads(observation["input"]) == asked
    assert json.loads(observation["output"]) == answered
    trace = await site.get(f"/traces/{sent.trace_id}")
    assert (trace["input"], trace["output"]) == (asked, answered)
    listed = await site.get("/traces", limit=100)
    assert [each["output"] for each in listed["data"] if each["id"] == sent.trace_id] == [answered]


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_the_order_of_arrival_changes_nothing(site: Site, order: tuple[int, ...]):
    sent = ids()
    records = agent_framework(sent)
    for place in order:
        if place == 3:
            await span(site, sent, CHAT)
        else:
            await log(site, records[place])
    [observation] = await in_trace(site, sent.trace_id)
    assert json.loads(observation["input"]) == ASKED
    assert json.loads(observation["output"])[0]["content"] == "Ten."


async def test_what_is_sent_again_is_there_once(site: Site):
    sent = ids()
    for _ in range(2):
        await log(site, *semantic_kernel(sent), record("a line", sent=sent))
        await span(site, sent, CHAT)
    line, observation = await in_trace(site, sent.trace_id)
    assert (line["type"], observation["type"]) == ("EVENT", "GENERATION")
    assert json.loads(observation["input"]) == ASKED


async def test_what_a_span_says_itself_stays(site: Site):
    sent = ids()
    await log(site, *semantic_kernel(sent))
    await span(site, sent, {**CHAT, "langfuse.observation.input": "mine"})
    await log(site, record({"content": "more"}, sent=sent, at_ms=9, event_name="gen_ai.user.message"))
    [observation] = await in_trace(site, sent.trace_id)
    assert observation["input"] == "mine"
    assert json.loads(observation["output"])[0]["content"] == "Ten."


async def test_user_and_session_that_only_the_log_names_are_the_spans(site: Site):
    sent = ids()
    await log(site, *genai_details(sent))
    await span(site, sent, CHAT)
    [observation] = await in_trace(site, sent.trace_id)
    assert (observation["userId"], observation["sessionId"]) == ("ada", "visit-3")


async def test_records_whose_span_does_not_come_are_shown_in_its_place_until_it_does(site: Site):
    sent = ids()
    await log(site, *genai_details(sent))
    assert await in_trace(site, sent.trace_id) == []
    await site.app.state.services.tracing.logs.settle(until=inf)
    [observation] = await in_trace(site, sent.trace_id)
    assert (observation["id"], observation["name"], observation["type"]) == (
        sent.span_id,
        "chat gpt-4o-mini",
        "GENERATION",
    )
    assert observation["usageDetails"]["total"] == 14
    await log(site, record({"content": "Ten!"}, sent=sent, at_ms=9, event_name="gen_ai.choice"))
    [observation] = await in_trace(site, sent.trace_id)
    assert observation["startTime"].startswith("2026-12-01T13:00:36.020")
    await span(site, sent, CHAT)
    [observation] = await in_trace(site, sent.trace_id)
    assert observation["name"] == "work"
    assert "Which digits?" in observation["input"]
    counted = await site.get("/metrics", query=json.dumps(count_of(sent)))
    assert [int(row["count_count"]) for row in counted["data"]] == [1]


def count_of(sent: Sent) -> dict[str, Any]:
    return {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "filters": [{"column": "traceId", "operator": "=", "value": sent.trace_id, "type": "string"}],
        "fromTimestamp": "2020-01-01T00:00:00Z",
        "toTimestamp": "2030-01-01T00:00:00Z",
    }


async def test_other_records_are_events_under_their_span(site: Site):
    sent = ids()
    attributes = {"code.function.name": "run"}
    await log(site, record("disk is full", sent=sent, severity_number=17, attributes=attributes), scope="storage")
    [event] = await in_trace(site, sent.trace_id)
    assert (event["type"], event["name"], event["level"], event["input"]) == (
        "EVENT",
        "storage",
        "ERROR",
        "disk is full",
    )
    assert (event["parentObservationId"], event["endTime"]) == (sent.span_id, None)
    assert event["metadata"]["attributes"] == attributes


async def test_claude_codes_prompt_is_a_trace_with_its_calls(site: Site):
    await log(site, *claude_code("visit-claude"), scope=CLAUDE_CODE, service="claude-code")
    prompt, call, tool, failed, response = await in_session(site, "visit-claude")
    assert [each["type"] for each in (prompt, call, tool, response)] == ["EVENT", "GENERATION", "TOOL", "EVENT"]
    assert {each["parentObservationId"] for each in (call, tool, failed, response)} == {prompt["id"]}
    assert (failed["type"], failed["level"], failed["statusMessage"]) == ("GENERATION", "ERROR", "overloaded")
    assert (prompt["name"], prompt["input"], prompt["userId"]) == ("user_prompt", "Which digits?", "cc51fe9c")
    assert call["usageDetails"] == {
        "input": 10,
        "output": 4,
        "input_cached_tokens": 3,
        "input_cache_creation": 2,
        "total": 19,
    }
    assert (call["model"], call["totalCost"]) == ("claude-sonnet-4-5", pytest.approx(0.000164))
    assert call["latency"] == pytest.approx(0.019)
    assert (tool["name"], tool["level"], tool["statusMessage"]) == ("Bash", "ERROR", "no such file")
    assert json.loads(tool["input"]) == {"command": "ls"}
    trace = await site.get(f"/traces/{prompt['traceId']}")
    assert (trace["name"], trace["input"], trace["output"]) == ("claude-code", "Which digits?", "Ten.")
    assert trace["totalCost"] == pytest.approx(0.000164)


async def test_every_prompt_of_a_session_is_a_trace(site: Site):
    for prompt in ("p-1", "p-2", "p-1"):
        await log(site, *claude_code("visit-turns", prompt), scope=CLAUDE_CODE)
    traces = await site.get("/traces", sessionId="visit-turns")
    assert traces["meta"]["totalItems"] == 2


async def test_codex_names_events_in_an_attribute_and_counts_cached_tokens_within_the_input(site: Site):
    await log(site, *codex("visit-codex"), service="codex_exec")
    starts, prompt, call, tool = await in_session(site, "visit-codex")  # Not every piece of a stream.
    assert [each["name"] for each in (starts, prompt)] == ["codex.conversation_starts", "codex.user_prompt"]
    assert (call["type"], call["model"]) == ("GENERATION", "gpt-5-mini")
    assert call["usageDetails"] == {"input": 8, "input_cached_tokens": 2, "output": 4, "total": 14}
    assert (tool["type"], tool["name"], tool["output"]) == ("TOOL", "shell", "a")
    trace = await site.get(f"/traces/{prompt['traceId']}")
    assert (trace["name"], trace["input"]) == ("codex_exec", "Which digits?")


async def test_a_call_that_was_only_logged_is_a_trace(site: Site):
    await log(site, *genai_details(None, session="visit-alone"))
    [call] = await in_session(site, "visit-alone")
    assert (call["type"], call["usageDetails"]["total"], call["userId"]) == ("GENERATION", 14, "ada")
    assert "Which digits?" in call["input"]


async def test_lines_that_belong_nowhere_are_counted_and_not_stored(site: Site):
    answer = await log(site, record("starting"), *claude_code("visit-beside"))
    assert answer.partial_success.rejected_log_records == 1
    assert "set session.id" in answer.partial_success.error_message
    assert len(await in_session(site, "visit-beside")) == 5


@pytest.mark.parametrize("path", PATHS)
async def test_json_and_gzip_say_the_same(site: Site, path: str):
    sent = ids()
    document = MessageToDict(export(*agent_framework(sent)))
    for each in document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        each["traceId"], each["spanId"] = sent.trace_id, sent.span_id
    body = gzip.compress(json.dumps(document).encode())
    headers = {**HERE, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await site.client.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})
    await span(site, sent, CHAT)
    [observation] = await in_trace(site, sent.trace_id)
    assert json.loads(observation["input"]) == ASKED


async def test_another_project_gets_none_of_the_messages(site: Site):
    sent = ids()
    await log(site, *semantic_kernel(sent))
    theirs, _ = one_span(CHAT, trace_id=sent.trace_id, span_id=bytes.fromhex(sent.span_id))
    headers = {**ELSEWHERE, "Content-Type": "application/x-protobuf"}
    await site.client.post("/v1/traces", content=theirs.SerializeToString(), headers=headers)
    found = await site.client.get(f"/api/public/observations/{sent.span_id}", headers=ELSEWHERE)
    assert (found.status_code, found.json()["input"]) == (200, None)
    assert await in_trace(site, sent.trace_id) == []


@pytest.mark.parametrize("signal", ["logs", "metrics"])
@pytest.mark.parametrize("root", ["/api/public/otel", ""])
async def test_a_body_of_another_kind_is_refused_in_words(site: Site, root: str, signal: str):
    for content_type, body, said in (
        ("application/x-protobuf", b"\x0a\xff\xff", f"not an OTLP {signal} export"),
        ("application/json", b"[]", f"an object with resource{signal.capitalize()}"),
        ("text/csv", b"", "is not OTLP"),
    ):
        headers = {**HERE, "Content-Type": content_type}
        answer = await site.client.post(f"{root}/v1/{signal}", content=body, headers=headers)
        assert answer.status_code == 400
        assert said in answer.json()["message"]
    headers = {**WRONG, "Content-Type": "application/x-protobuf"}
    assert (await site.client.post(f"{root}/v1/{signal}", content=b"", headers=headers)).status_code == 401


@pytest.mark.parametrize("path", ["/api/public/otel/v1/metrics", "/v1/metrics"])
async def test_metrics_are_read_and_dropped(site: Site, path: str):
    answer = await site.client.post(path, content=b"", headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    headers = {**HERE, "Content-Type": "application/json"}
    answer = await site.client.post(path, json={"resourceMetrics": [{"scopeMetrics": []}]}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"time_unix_nano": 0},
        {"time_unix_nano": 2**64 - 1},
        {"attributes": {"duration_ms": 1e300, "session.id": "odd"}},
        {"attributes": {"duration_ms": "-5", "event.name": "api_request", "input_tokens": "many", "session.id": "odd"}},
        {"body": b"\xff\x00", "event_name": "gen_ai.user.message"},
        {"body": '{"message": 3}', "event_name": "gen_ai.choice"},
        {"body": "[1, 2", "event_name": "gen_ai.tool.message"},
    ],
)
async def test_odd_records_never_cost_the_batch(site: Site, given: dict[str, Any]):
    sent, beside = ids(), ids()
    odd = {"sent": sent, "body": "x"} | given
    await log(site, record(odd.pop("body"), **odd), record("a line", sent=beside))
    await site.app.state.services.tracing.logs.settle(until=inf)
    assert len(await in_trace(site, beside.trace_id)) == 1
    assert len(await in_trace(site, sent.trace_id)) == 1
