"""Langfuse's older batch endpoint: what events say is merged field by field, in whatever order they come."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import httpx2
import pytest

from server.edges.running_site import HERE, SCORES_ONLY, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOMENT = "2026-03-01T12:00:{:02d}.000Z"


def event(kind: str, second: int, body: Any, event_id: str | None = None) -> dict[str, Any]:
    identity = event_id or f"{kind}-{second}-{body.get('id') if isinstance(body, dict) else body}"
    return {"id": identity, "type": kind, "timestamp": MOMENT.format(second), "body": body}


async def send(site: Site, *events: Any, headers: dict[str, str] = HERE) -> httpx2.Response:
    return await site.client.post("/api/public/ingestion", json={"batch": list(events)}, headers=headers)


async def accepted(site: Site, *events: Any) -> None:
    answer = await send(site, *events)
    assert (answer.status_code, answer.json()["errors"]) == (207, []), answer.text
    assert [each["status"] for each in answer.json()["successes"]] == [201] * len(events)


async def test_a_trace_with_a_span_and_a_generation_reads_as_one(site: Site):
    trace = {"id": "tree", "name": "chat", "userId": "ada", "sessionId": "s", "tags": ["b", "a"], "input": {"q": 1}}
    span = {"id": "tree-span", "traceId": "tree", "name": "work", "startTime": MOMENT.format(1)}
    generation = {
        "id": "tree-gen",
        "traceId": "tree",
        "parentObservationId": "tree-span",
        "name": "answer",
        "startTime": MOMENT.format(2),
        "endTime": MOMENT.format(4),
        "completionStartTime": MOMENT.format(3),
        "model": "nobody-knows-it",
        "modelParameters": {"temperature": 0.5, "stop": ["a"]},
        "input": [{"role": "user", "content": "hi"}],
        "output": "hello",
        "usage": {"input": 3, "output": 2, "unit": "TOKENS", "totalCost": 0.5},
        "level": "WARNING",
        "statusMessage": "odd",
    }
    await accepted(
        site,
        event("trace-create", 0, trace),
        event("span-create", 1, span),
        event("generation-create", 2, generation),
        event("span-update", 5, {"id": "tree-span", "endTime": MOMENT.format(5), "output": "done"}),
    )
    whole = await site.get("/traces/tree")
    assert (whole["name"], whole["userId"], whole["sessionId"], whole["tags"]) == ("chat", "ada", "s", ["a", "b"])
    assert (whole["input"], whole["output"], whole["totalCost"]) == ({"q": 1}, "done", 0.5)
    work, answer = whole["observations"]
    assert (work["id"], work["type"], work["output"], work["latency"]) == ("tree-span", "SPAN", "done", 4)
    assert (answer["parentObservationId"], answer["type"], answer["level"]) == ("tree-span", "GENERATION", "WARNING")
    assert (answer["usageDetails"], answer["timeToFirstToken"]) == ({"input": 3, "output": 2, "total": 5}, 1)
    assert answer["modelParameters"] == {"temperature": "0.5", "stop": '["a"]'}
    [listed] = (await site.get("/traces", userId="ada"))["data"]
    assert (listed["id"], listed["observations"]) == ("tree", ["tree-span", "tree-gen"])
    assert (await site.get("/observations", traceId="tree"))["meta"]["totalItems"] == 2
    assert {row["id"] for row in (await site.get("/v2/observations", userId="ada"))["data"]} == {
        "tree-span",
        "tree-gen",
    }


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_order_of_arrival_does_not_matter(site: Site, order: tuple[int, ...]):
    name = "order-" + "".join(map(str, order))
    events = [
        event("span-create", 1, {"id": name, "traceId": f"t-{name}", "name": "first", "startTime": MOMENT.format(1)}),
        event("span-update", 2, {"id": name, "name": "second", "metadata": {"a": {"x": 1}, "b": 1}}),
        event("span-update", 3, {"id": name, "output": "out", "metadata": {"a": {"y": 2}}, "level": "ERROR"}),
    ]
    for place in order:
        await accepted(site, events[place])
    row = await site.get(f"/observations/{name}")
    assert (row["traceId"], row["name"], row["output"], row["level"]) == (f"t-{name}", "second", "out", "ERROR")
    assert row["metadata"] == {"a": {"x": 1, "y": 2}, "b": 1}
    assert row["startTime"] == MOMENT.format(1)
    assert (await site.get("/observations", traceId=f"t-{name}"))["meta"]["totalItems"] == 1
    assert len((await site.get("/v2/observations", filter=_id_is(name)))["data"]) == 1


def _id_is(identity: str) -> str:
    return json.dumps([{"type": "string", "column": "id", "operator": "=", "value": identity}])


async def test_a_repeated_event_changes_nothing(site: Site):
    first = event("trace-create", 1, {"id": "twice", "name": "one", "tags": ["a"], "metadata": {"k": 1}})
    await accepted(site, first)
    await accepted(site, event("trace-create", 2, {"id": "twice", "name": "two", "tags": ["b"]}))
    await accepted(site, first)
    trace = await site.get("/traces/twice")
    assert (trace["name"], trace["tags"], trace["metadata"]) == ("two", ["a", "b"], {"k": 1})
    assert (trace["observations"], trace["timestamp"]) == ([], MOMENT.format(1))
    assert (await site.get("/observations", traceId="twice"))["data"] == []


async def test_nothing_and_emptiness_erase_nothing(site: Site):
    full = {"id": "kept", "traceId": "kept-t", "name": "n", "input": "i", "metadata": {"m": 1}, "environment": "e-1"}
    empty = {"id": "kept", "name": None, "input": None, "metadata": {}, "usageDetails": {}, "environment": "e-2"}
    await accepted(site, event("generation-create", 1, full), event("generation-update", 2, empty))
    row = await site.get("/observations/kept")
    assert (row["name"], row["input"], row["metadata"], row["environment"]) == ("n", "i", {"m": 1}, "e-1")


async def test_a_span_that_came_by_otlp_can_be_updated(site: Site):
    sent = await site.send({"langfuse.observation.input": "from otlp"}, name="mixed")
    await accepted(site, event("span-update", 1, {"id": sent.span_id, "traceId": sent.trace_id, "output": "later"}))
    row = await site.get(f"/observations/{sent.span_id}")
    assert (row["name"], row["input"], row["output"]) == ("mixed", "from otlp", "later")


async def test_an_observation_of_no_trace_has_one_of_its_own_id(site: Site):
    await accepted(site, event("span-create", 1, {"id": "alone", "name": "alone"}))
    assert (await site.get("/observations/alone"))["traceId"] == "alone"
    assert (await site.get("/traces/alone"))["name"] == "alone"


async def test_an_observation_stays_in_the_trace_that_was_named_first(site: Site):
    for second, trace in enumerate(("one", "other")):
        await accepted(site, event("event-create", second, {"id": "same", "traceId": trace, "name": trace}))
    row = await site.get("/observations/same")
    assert (row["traceId"], row["name"], row["type"]) == ("one", "other", "EVENT")
    assert (await site.get("/observations", traceId="other"))["data"] == []


@pytest.mark.parametrize("kind", ["agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail"])
async def test_every_kind_can_be_created(site: Site, kind: str):
    await accepted(site, event(f"{kind}-create", 1, {"id": f"k-{kind}", "traceId": "kinds"}))
    assert (await site.get(f"/observations/k-{kind}"))["type"] == kind.upper()


async def test_the_oldest_events_say_their_type_in_the_body(site: Site):
    await accepted(
        site,
        event(
            "observation-create",
            1,
            {"id": "oldest", "traceId": "o", "type": "GENERATION", "usage": {"promptTokens": 4}},
        ),
        event("observation-update", 2, {"id": "oldest", "type": "GENERATION", "endTime": MOMENT.format(9)}),
    )
    row = await site.get("/observations/oldest")
    assert (row["type"], row["usageDetails"]) == ("GENERATION", {"input": 4, "total": 4})


@pytest.mark.parametrize("seconds", [(0, 1), (1, 0), (0, 825_681_600), (1, 825_681_600)])
async def test_a_start_that_is_corrected_from_about_2000_moves_the_observation(site: Site, seconds: tuple[int, int]):
    name = "early{}-{}".format(*seconds)
    trace = event("trace-create", 1, {"id": f"t-{name}"})
    for place, moment in enumerate(seconds):
        start = (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)).isoformat()
        body = {"id": name, "traceId": f"t-{name}", "startTime": start}
        await accepted(site, trace, event("span-create", 9 - place, body, f"{name}-{place}"))
    assert (await site.get("/observations", traceId=f"t-{name}"))["meta"]["totalItems"] == 1
    assert (await site.get(f"/observations/{name}"))["startTime"] == start.replace("+00:00", ".000Z")


async def test_every_event_gets_its_own_verdict(site: Site):
    answer = await send(
        site,
        event("trace-create", 1, {"id": "judged"}),
        event("span-create", 1, {"id": "bad", "level": "LOUD"}),
        event("moon-landing", 1, {"id": "x"}),
        event("score-create", 1, {"traceId": "judged", "name": "n", "value": 1}),
        event("sdk-log", 1, {"log": "hello"}),
        {"id": "torso"},
        "not an event",
    )
    body = answer.json()
    assert (answer.status_code, len(body["successes"]), [each["status"] for each in body["errors"]]) == (
        207,
        3,
        [400] * 4,
    )
    assert "moon-landing" in body["errors"][1]["message"]
    assert (await site.get("/traces/judged"))["scores"][0]["name"] == "n"


async def test_a_public_key_alone_may_only_score(site: Site):
    scored = event("score-create", 1, {"traceId": "t", "name": "n", "value": 1})
    answer = await send(site, scored, event("trace-create", 1, {"id": "sneaked"}), headers=SCORES_ONLY)
    assert (len(answer.json()["successes"]), answer.json()["errors"][0]["status"]) == (1, 401)
    assert (await site.client.get("/api/public/traces/sneaked", headers=HERE)).status_code == 404


async def test_what_was_deleted_does_not_come_back_with_a_late_event(site: Site):
    span = {"id": "gone-span", "traceId": "gone", "name": "was here"}
    await accepted(site, event("trace-create", 1, {"id": "gone", "name": "n"}), event("span-create", 1, span))
    assert (await site.client.delete("/api/public/traces/gone", headers=HERE)).status_code == 200
    assert (await site.client.get("/api/public/traces/gone", headers=HERE)).status_code == 404
    await accepted(site, event("span-update", 2, {"id": "gone-span", "traceId": "gone", "output": "late"}))
    [late] = (await site.get("/traces/gone"))["observations"]
    assert (late["name"], late["output"]) == ("", "late")


async def test_a_batch_is_a_list(site: Site):
    for body in ({}, {"batch": {}}, []):
        answer = await site.client.post("/api/public/ingestion", json=body, headers=HERE)
        assert answer.status_code == 400


async def test_a_trace_of_which_nothing_else_is_known_opens_on_its_page(site: Site, ada: httpx2.AsyncClient):
    await accepted(site, event("trace-create", 1, {"id": "lonely", "name": "only a name", "sessionId": "lonely-s"}))
    page = await ada.get("/api/web/projects/here/traces/lonely")
    assert (page.status_code, page.json()["observations"]) == (200, [])
    assert [trace["id"] for trace in (await site.get("/sessions/lonely-s"))["traces"]] == ["lonely"]


async def test_batches_at_the_same_time_lose_nothing_of_each_other(site: Site):
    await accepted(site, event("span-create", 0, {"id": "busy", "traceId": "busy-t"}))
    updates = [
        event("span-update", number, {"id": "busy", "metadata": {f"m{number}": number}}, f"busy-{number}")
        for number in range(8)
    ]
    await asyncio.gather(*(accepted(site, update) for update in updates))
    assert (await site.get("/observations/busy"))["metadata"] == {f"m{number}": number for number in range(8)}


async def test_a_trace_lasts_as_long_as_its_observations(site: Site):
    trace = event("trace-create", 0, {"id": "lasting", "name": "lasting", "timestamp": MOMENT.format(0)})
    span = {"id": "lasting-s", "traceId": "lasting", "startTime": MOMENT.format(10), "endTime": MOMENT.format(12)}
    late = event("trace-create", 50, {"id": "later", "name": "lasting", "timestamp": MOMENT.format(50)})
    await accepted(site, trace, event("span-create", 10, span))
    await accepted(site, event("span-create", 20, {**span, "id": "later-s", "traceId": "later"}), late)
    await accepted(site, event("trace-create", 3, {"id": "no-spans", "name": "lasting", "timestamp": MOMENT.format(3)}))
    expected = {"lasting": 2, "later": 2, "no-spans": 0}
    by_latency = json.dumps([{"type": "number", "column": "latency", "operator": "=", "value": 2}])
    found = {row["id"] for row in (await site.get("/traces", filter=by_latency, name="lasting"))["data"]}
    assert found == {"lasting", "later"}
    assert {row["id"]: row["latency"] for row in (await site.get("/traces", name="lasting"))["data"]} == expected
    for identity, seconds in expected.items():
        assert (await site.get(f"/traces/{identity}"))["latency"] == seconds
    assert (await site.get("/traces/lasting"))["timestamp"] == MOMENT.format(0)
    asked = {
        "view": "traces",
        "metrics": [{"measure": "latency", "aggregation": "max"}],
        "filters": [{"column": "name", "operator": "=", "value": "lasting", "type": "string"}],
        "fromTimestamp": MOMENT.format(0),
        "toTimestamp": MOMENT.format(59),
    }
    [measured] = (await site.get("/metrics", query=json.dumps(asked)))["data"]
    assert measured["max_latency"] == 2000
