"""Spans in: every form OTLP allows, and every way a body can be wrong."""

import base64
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from server.edges.running_site import HERE, WRONG, Site, one_span

pytestmark = pytest.mark.asyncio(loop_scope="module")

LANGFUSE = "/api/public/otel/v1/traces"
STANDARD = "/v1/traces"
PROTOBUF = {**HERE, "Content-Type": "application/x-protobuf"}
JSON = {**HERE, "Content-Type": "application/json"}


async def stored(site: Site, trace_id: str) -> list[dict[str, Any]]:
    found = await site.get("/v2/observations", traceId=trace_id, fields="core,basic,io,metadata")
    return list(found["data"])


@pytest.mark.parametrize("path", [LANGFUSE, STANDARD])
@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
async def test_protobuf_is_stored_and_readable_at_once(site: Site, path: str, encoding: str | None):
    export, sent = one_span({"langfuse.observation.input": "hello"})
    body = export.SerializeToString()
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding or "", bytes)(body)
    headers = {**PROTOBUF, "Content-Encoding": encoding} if encoding else PROTOBUF
    answer = await site.client.post(path, content=packed, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-protobuf"
    [observation] = await stored(site, sent.trace_id)
    assert (observation["id"], observation["input"]) == (sent.span_id, "hello")


@pytest.mark.parametrize("write_id", [lambda raw: raw, lambda raw: base64.b64encode(bytes.fromhex(raw)).decode()])
async def test_json_with_either_spelling_of_ids_arrives_in_chunks(site: Site, write_id: Any):
    _, sent = one_span()
    span = {
        "traceId": write_id(sent.trace_id),
        "spanId": write_id(sent.span_id),
        "name": "from a browser",
        "kind": 1,
        "startTimeUnixNano": "1700000000123000000",
        "endTimeUnixNano": 1700000000223000000,
        "attributes": [
            {"key": "langfuse.observation.output", "value": {"stringValue": "yes"}},
            {"key": "tokens", "value": {"intValue": "12"}},
        ],
        "status": {"code": 2, "message": "no"},
        "aNewField": True,
    }
    document = json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(document), 100):
            yield document[start : start + 100]

    answer = await site.client.post(LANGFUSE, content=chunks(), headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    [observation] = await stored(site, sent.trace_id)
    assert (observation["id"], observation["output"], observation["level"]) == (sent.span_id, "yes", "ERROR")
    assert observation["startTime"] == "2023-11-14T22:13:20.123Z"
    assert observation["metadata"]["attributes"] == {"tokens": 12}


@pytest.mark.parametrize(("headers", "body"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b'{"resourceSpans":[]}')])
async def test_an_empty_export_is_fine(site: Site, headers: dict[str, str], body: bytes):
    assert (await site.client.post(LANGFUSE, content=body, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        (PROTOBUF, b"\x0a\xff\xff", "not an OTLP trace export"),
        (JSON, b"{", "not JSON"),
        (JSON, b"[]", "an export is an object"),
        (JSON, b'{"resourceSpans":{"a":1}}', "not an OTLP trace export"),
        ({**PROTOBUF, "Content-Encoding": "gzip"}, b"not gzip", "not valid gzip"),
        ({**PROTOBUF, "Content-Encoding": "gzip"}, gzip.compress(b"x" * 500, mtime=0)[:-12], "cut off"),
        ({**PROTOBUF, "Content-Encoding": "zstd"}, b"", "not supported"),
        ({**HERE, "Content-Type": "text/csv"}, b"", "is not OTLP"),
        ({**PROTOBUF, "x-langfuse-ingestion-version": "5"}, b"", "speaks up to 4"),
    ],
)
async def test_a_body_that_cannot_be_read_says_why(site: Site, headers: dict[str, str], body: bytes, said: str):
    answer = await site.client.post(LANGFUSE, content=body, headers=headers)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert answer.json()["error"] == "InvalidRequestError"


async def test_a_protobuf_cut_short_is_refused_and_the_server_goes_on(site: Site):
    body = one_span({"input": "x" * 300})[0].SerializeToString()
    answer = await site.client.post(STANDARD, content=body[:-7], headers=PROTOBUF)
    assert answer.status_code == 400
    await site.send()


async def test_a_body_over_the_limit_is_refused_before_it_is_read(site: Site):
    answer = await site.client.post(LANGFUSE, content=b"x" * 2_000_001, headers=PROTOBUF)
    assert (answer.status_code, answer.json()["error"]) == (413, "PayloadTooLargeError")


async def test_a_bomb_is_refused_without_being_inflated(site: Site):
    bomb = gzip.compress(bytes(50_000_000))
    answer = await site.client.post(LANGFUSE, content=bomb, headers={**PROTOBUF, "Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert "inflates to more than 4,000,000 bytes" in answer.json()["message"]


async def test_a_wrong_key_stores_nothing(site: Site):
    export, sent = one_span()
    headers = {**WRONG, "Content-Type": "application/x-protobuf"}
    assert (await site.client.post(LANGFUSE, content=export.SerializeToString(), headers=headers)).status_code == 401
    assert await stored(site, sent.trace_id) == []


async def test_a_key_pair_may_be_percent_encoded_as_the_environment_variable_spells_it(site: Site):
    export, sent = one_span()
    encoded = HERE["Authorization"].replace(" ", "%20").replace("=", "%3D")
    headers = {"Authorization": encoded, "Content-Type": "application/x-protobuf"}
    assert (await site.client.post(LANGFUSE, content=export.SerializeToString(), headers=headers)).status_code == 200
    assert len(await stored(site, sent.trace_id)) == 1


def good_and_bad() -> tuple[bytes, str]:
    export, sent = one_span()
    spans = export.resource_spans[0].scope_spans[0].spans
    spans.add(name="broken", trace_id=b"short", span_id=b"12345678", start_time_unix_nano=1)
    return export.SerializeToString(), sent.trace_id


async def test_at_langfuses_path_one_wrong_id_refuses_the_batch_by_name(site: Site):
    body, trace_id = good_and_bad()
    answer = await site.client.post(LANGFUSE, content=body, headers=PROTOBUF)
    assert answer.status_code == 400
    assert "'broken'" in answer.json()["message"]
    assert await stored(site, trace_id) == []


async def test_at_the_standard_path_the_rest_of_the_batch_is_kept(site: Site):
    body, trace_id = good_and_bad()
    answer = await site.client.post(STANDARD, content=body, headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert "'broken'" in partial.error_message
    assert len(await stored(site, trace_id)) == 1


async def test_the_same_span_sent_twice_is_there_once(site: Site):
    export, sent = one_span()
    for _ in range(2):
        await site.client.post(STANDARD, content=export.SerializeToString(), headers=PROTOBUF)
    assert len(await stored(site, sent.trace_id)) == 1


@pytest.mark.parametrize(
    ("attributes", "times"),
    [
        ({}, (0, 0)),
        ({}, (1, 2**64 - 1)),
        ({}, (2**64 - 1, 2**64 - 1)),
        ({"gen_ai.server.time_to_first_token": 1e300}, (1, 2)),
        ({"langfuse.observation.completion_start_time": "1e30"}, (1, 2)),
        ({"langfuse.observation.usage_details": '{"input":1e40,"output":-3,"total":"many"}'}, (1, 2)),
        ({"langfuse.observation.cost_details": '{"total":1e308}', "langfuse.observation.level": "?"}, (1, 2)),
        ({"langfuse.observation.prompt.version": "9" * 40, "langfuse.observation.type": "generation"}, (1, 2)),
        ({"text": "\x00\u2028 \U0001f600", "langfuse.trace.tags": '[1,{"a":2}]'}, (1, 2)),
        ({"user.id": "u" * 5000, "session.id": "\x00"}, (1, 2)),
    ],
)
async def test_odd_values_never_cost_the_batch(site: Site, attributes: dict[str, Any], times: tuple[int, int]):
    export, sent = one_span(attributes, start_time_unix_nano=times[0], end_time_unix_nano=times[1])
    neighbour, beside = one_span()
    export.resource_spans.extend(neighbour.resource_spans)
    answer = await site.client.post(STANDARD, content=export.SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200, answer.text
    assert len(await stored(site, beside.trace_id)) == 1
    [observation] = await stored(site, sent.trace_id)
    assert observation["id"] == sent.span_id


async def test_a_text_nested_very_deep_costs_nobody_the_batch(site: Site):
    deep = "[" * 400 + "]" * 400
    sent = await site.send({"langfuse.trace.metadata.deep": deep, "langfuse.observation.input": deep})
    assert (await site.get(f"/traces/{sent.trace_id}"))["id"] == sent.trace_id


async def test_an_id_of_other_letters_is_refused_and_not_an_error_of_ours(site: Site):
    span = {"traceId": "é" * 16, "spanId": "00" * 8, "name": "x", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = await site.client.post("/api/public/otel/v1/traces", json=body, headers=HERE)
    assert answer.status_code == 400


async def test_a_time_beyond_the_calendar_is_refused(site: Site):
    query = {"fromTimestamp": "0001-01-01T00:00:00+14:00"}
    answer = await site.client.get("/api/public/traces", params=query, headers=HERE)
    assert answer.status_code == 400
