"""Observations whose client did not say their usage get it a little later, unless somebody says it meanwhile."""

from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.conftest import HERE, Storage
from server.tracing.making import observation
from sightline.server.tracing.actions.counting import DELAY_S, MARK
from sightline.server.tracing.merging import Change
from sightline.server.tracing.records import Kind, Level, Observation, ObservationId, TraceId


def generation(**more: Any) -> Observation:
    fields: dict[str, Any] = {"kind": Kind.GENERATION, "model": "gpt-4o", "input": "hello world", "output": "hello"}
    return replace(observation("t1", "o1"), **fields | more)


async def counted(storage: Storage, *observations: Observation) -> Observation:
    await storage.tracing.record(HERE, observations)
    await storage.tracing.counting.count()
    return await storage.tracing.observation(HERE, ObservationId("o1"))


async def test_tokens_are_counted_and_priced_and_said_to_be(storage: Storage):
    found = await counted(storage, generation(metadata={"k": "1"}))
    assert found.usage == {"input": 2, "output": 1, "total": 3}
    assert found.cost_usd["total"] == pytest.approx(2 * 2.5e-6 + 1 * 10e-6)
    assert found.metadata["k"] == "1"
    assert '"encoding":"o200k_base"' in found.metadata[MARK]


@pytest.mark.parametrize(
    "more",
    [
        {"usage": {"input": 7}},
        {"cost_usd": {"total": 0.5}},
        {"level": Level.ERROR},
        {"kind": Kind.AGENT},
        {"model": "a-model-nobody-knows"},
        {"model": "o3-mini"},
        {"input": None, "output": None},
    ],
)
async def test_nothing_is_counted_where_it_was_said_or_cannot_be_known(storage: Storage, more: dict[str, Any]):
    before = generation(**more)
    found = await counted(storage, before)
    assert found.usage == before.usage
    assert MARK not in found.metadata


async def test_what_comes_before_the_count_is_not_written_over(storage: Storage):
    await storage.tracing.record(HERE, [generation()])
    found = await counted(storage, generation(usage={"input": 40, "output": 2}, output="longer"))
    assert (found.usage, found.output) == ({"input": 40, "output": 2}, "longer")


async def test_an_update_after_the_count_wins(storage: Storage):
    await counted(storage, generation())
    said = Change(
        event_id="e",
        subject="observation",
        subject_id="o1",
        trace_id=TraceId("t1"),
        occurred_at=observation().start_time,
        creates=False,
        fields={"kind": "GENERATION", "usage": {"input": 9, "output": 9, "total": 18}},
    )
    await storage.tracing.apply(HERE, [said])
    found = await storage.tracing.observation(HERE, ObservationId("o1"))
    assert found.usage == {"input": 9, "output": 9, "total": 18}
    assert found.cost_usd["total"] == pytest.approx(9 * 2.5e-6 + 9 * 10e-6)


async def test_nothing_is_counted_before_its_time(storage: Storage):
    await storage.tracing.record(HERE, [generation()])
    await storage.tracing.counting.count(until=monotonic())
    assert (await storage.tracing.observation(HERE, ObservationId("o1"))).usage == {}
    await storage.tracing.counting.count(until=monotonic() + DELAY_S)
    assert (await storage.tracing.observation(HERE, ObservationId("o1"))).usage["total"] == 3


async def test_what_waits_is_counted_when_the_server_stops(storage: Storage):
    storage.tracing.counting.start()
    await storage.tracing.record(HERE, [generation()])
    await storage.tracing.counting.stop()
    assert (await storage.tracing.observation(HERE, ObservationId("o1"))).usage["total"] == 3


async def test_an_inbox_that_is_full_forgets_and_says_so_once(storage: Storage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sightline.server.tracing.actions.counting.INBOX", 1)
    with capture_logs() as logged:
        for number in range(3):
            await storage.tracing.record(HERE, [replace(generation(), id=ObservationId(f"o{number}"))])
    assert ["not counted" in line["event"] for line in logged] == [True]
    await storage.tracing.counting.count()
    counted_ones = [
        bool((await storage.tracing.observation(HERE, ObservationId(f"o{number}"))).usage) for number in range(3)
    ]
    assert counted_ones == [True, False, False]


async def test_what_wraps_a_call_is_not_counted_however_deep_the_call_is_inside(storage: Storage):
    wrapper = generation()
    between = replace(observation("t1", "o2"), parent_id=ObservationId("o1"))
    call = replace(generation(usage={"input": 2, "output": 1}), id=ObservationId("o3"), parent_id=ObservationId("o2"))
    await storage.tracing.record(HERE, [call])
    await storage.tracing.record(HERE, [between])
    assert (await counted(storage, wrapper)).usage == {}
