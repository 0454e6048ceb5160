"""Older events about traces and spans that came by OTLP: they add to what is known and erase nothing."""

import random
from itertools import count, permutations
from typing import Any

import pytest

from server.edges.running_site import HERE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = count(1)
KNOWN: dict[str, Any] = {
    "user.id": "X1",
    "session.id": "S1",
    "langfuse.trace.name": "QN",
    "langfuse.trace.tags": '["b", "a"]',
    "langfuse.release": "r1",
    "langfuse.trace.public": True,
    "langfuse.trace.input": '"asked"',
    "langfuse.trace.output": '"said"',
    "langfuse.trace.metadata.tm": "1",
}


def event(kind: str, second: int, body: dict[str, Any]) -> dict[str, Any]:
    moment = f"2026-03-01T12:00:{second:02d}.000Z"
    return {"id": f"updated-{next(_numbers)}", "type": kind, "timestamp": moment, "body": body}


async def accepted(site: Site, *events: dict[str, Any]) -> None:
    answer = await site.client.post("/api/public/ingestion", json={"batch": events}, headers=HERE)
    assert (answer.status_code, answer.json()["errors"]) == (207, []), answer.text


async def test_an_update_of_a_root_keeps_what_it_said_of_its_trace(site: Site):
    sent = await site.send(KNOWN, name="root")
    await accepted(site, event("trace-create", 1, {"id": sent.trace_id, "metadata": {"x": 1}, "tags": ["c"]}))
    before = await site.get(f"/traces/{sent.trace_id}")
    await accepted(site, event("span-update", 2, {"id": sent.span_id, "traceId": sent.trace_id, "output": "o"}))
    after = await site.get(f"/traces/{sent.trace_id}")
    assert (after["userId"], after["sessionId"], after["name"]) == ("X1", "S1", "QN")
    assert (after["tags"], after["release"], after["public"]) == (["a", "b", "c"], "r1", True)
    assert (after["input"], after["output"]) == ("asked", "said")
    assert (after["metadata"]["tm"], after["metadata"]["x"]) == (1, 1)
    assert after["observations"][0]["output"] == "o"
    assert {name: value for name, value in after.items() if name not in ("observations", "updatedAt")} == {
        name: value for name, value in before.items() if name not in ("observations", "updatedAt")
    }


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_events_about_a_known_trace_reads_the_same(site: Site, seed: int):
    rng = random.Random(seed)
    sent = await site.send({name: KNOWN[name] for name in rng.sample(sorted(KNOWN), 5)} | {"user.id": "X1"}, name="r")
    expected = await site.get(f"/traces/{sent.trace_id}")
    trace, child = sent.trace_id, f"child-{sent.span_id}"
    events = [
        event("trace-create", 1, {"id": trace, "metadata": {"x": 1}, "tags": ["new"]}),
        event("trace-create", 2, {"id": trace, "metadata": {"y": 2}, "version": "v2"}),
        event("span-update", 3, {"id": sent.span_id, "traceId": trace, "output": "o", "metadata": {"m": 1}}),
        event("span-update", 4, {"id": sent.span_id, "traceId": trace, "level": "WARNING"}),
        event("span-create", 5, {"id": child, "traceId": trace, "parentObservationId": sent.span_id, "name": "c"}),
    ]
    rng.shuffle(events)
    cut = rng.randrange(len(events))
    await accepted(site, *events[:cut])
    for each in events[cut:]:
        await accepted(site, each)
    whole = await site.get(f"/traces/{trace}")
    for name in ("name", "userId", "sessionId", "release", "public", "input"):
        assert whole[name] == expected[name], name
    assert (whole["version"], whole["tags"]) == ("v2", sorted({*expected["tags"], "new"}))
    assert whole["output"] == (expected["output"] or "o")
    assert whole["metadata"].items() >= {"x": 1, "y": 2, **expected["metadata"]}.items()
    root = next(each for each in whole["observations"] if each["id"] == sent.span_id)
    assert (root["output"], root["level"], root["metadata"]["m"]) == ("o", "WARNING", 1)
    assert trace in {row["id"] for row in (await site.get("/traces", userId="X1", limit=100))["data"]}


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_was_said_last_of_a_trace_stays_so_when_its_root_is_updated(site: Site, order: tuple[int, ...]):
    steps = [
        {"name": "named", "userId": "U2", "input": "asked anew", "metadata": {"tm": 2}, "public": False},
        {"output": "said anew"},
        {"sessionId": "S2", "release": "r2", "tags": ["c"]},
    ]
    sent = await site.send(KNOWN, name="root")
    for second, place in enumerate(order):
        await accepted(site, event("trace-create", second, {"id": sent.trace_id, **steps[place]}))
        update = {"id": sent.span_id, "traceId": sent.trace_id, "metadata": {f"u{place}": 1}}
        await accepted(site, event("span-update", 10 + second, update))
    whole = await site.get(f"/traces/{sent.trace_id}")
    assert (whole["name"], whole["userId"], whole["sessionId"], whole["release"]) == ("named", "U2", "S2", "r2")
    assert (whole["input"], whole["output"], whole["metadata"]["tm"]) == ("asked anew", "said anew", 2)
    assert (whole["public"], whole["tags"]) == (False, ["a", "b", "c"])


async def test_a_span_that_comes_after_what_was_said_of_its_trace_adds_to_it(site: Site):
    trace = f"{next(_numbers):032x}".replace("0", "e", 1)
    await accepted(site, event("trace-create", 1, {"id": trace, "userId": "U0", "input": "old", "metadata": {"x": 1}}))
    sent = await site.send(KNOWN, trace_id=trace, name="root")
    await accepted(site, event("span-update", 2, {"id": sent.span_id, "traceId": trace, "output": "o"}))
    whole = await site.get(f"/traces/{trace}")
    assert (whole["userId"], whole["input"], whole["metadata"]["x"]) == ("X1", "asked", 1)


async def test_the_root_of_an_application_stays_one_when_it_is_updated(site: Site):
    sent = await site.send({"langfuse.internal.as_root": True}, parent="00000000000000aa", name="app")
    await accepted(site, event("span-update", 1, {"id": sent.span_id, "traceId": sent.trace_id, "output": "done"}))
    assert (await site.get(f"/traces/{sent.trace_id}"))["output"] == "done"


async def test_of_updates_at_one_moment_the_one_that_arrived_last_wins(site: Site):
    """Clocks of clients tick in milliseconds; the ids of events say nothing of their order."""
    sent = await site.send({}, name="root")
    body = {"id": sent.span_id, "traceId": sent.trace_id}
    ids = [f"{key}-{sent.span_id}" for key in ("m", "z", "a", "q", "b")]
    said = [
        event("span-update", 1, body | {"output": f"said {number}"}) | {"id": event_id}
        for number, event_id in enumerate(ids)
    ]
    await accepted(site, *said)
    assert (await site.get(f"/traces/{sent.trace_id}"))["observations"][0]["output"] == "said 4"
