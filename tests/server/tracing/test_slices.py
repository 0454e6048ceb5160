"""Slices say where to look first; what a project's newest rows were a moment ago hides nothing."""

from unittest.mock import AsyncMock

import pytest

from server.tracing.making import ELSEWHERE, HERE, at, observation
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import ObservationQuery, TraceQuery, Window
from sightline.server.tracing.store import slices
from sightline.server.tracing.store.matching import BEGINNING, END
from sightline.server.tracing.store.slices import SAMPLE_ROWS, Slicing


async def test_what_came_after_a_list_is_in_the_next_one_however_old_it_says_it_is(tracing: Tracing):
    many = [observation(f"t{n}", start=1_000 + n, trace_user_id="ada") for n in range(3 * SAMPLE_ROWS)]
    await tracing.record(HERE, many)
    query = TraceQuery(user_id="bea")
    assert (await tracing.traces(HERE, query)).items == []
    assert (await tracing.observations(HERE, ObservationQuery(user_id="bea"))).items == []
    late = [observation(f"late{n}", start=start, trace_user_id="bea") for n, start in enumerate((9_000, 1_100, 1))]
    await tracing.record(HERE, late)
    assert [trace.id for trace in (await tracing.traces(HERE, query)).items] == ["late0", "late1", "late2"]
    found = await tracing.observations(HERE, ObservationQuery(user_id="bea"))
    assert [each.trace_id for each in found.items] == ["late0", "late1", "late2"]
    since = TraceQuery(user_id="bea", window=Window(start=at(1_050)))
    assert [trace.id for trace in (await tracing.traces(HERE, since)).items] == ["late0", "late1"]


async def test_the_newest_rows_are_read_once_in_a_while_and_of_each_project(
    tracing: Tracing, engine: ObservationsEngine, monkeypatch: pytest.MonkeyPatch
):
    await tracing.record(HERE, [observation(f"t{n}", start=n) for n in range(SAMPLE_ROWS)])
    reading = AsyncMock(wraps=engine.query)
    monkeypatch.setattr(engine, "query", reading)
    slicing = Slicing(engine)
    first = await slicing.of(HERE, (BEGINNING, END))
    assert await slicing.of(HERE, (BEGINNING, END)) == first
    assert reading.await_count == 1
    assert (await slicing.of(ELSEWHERE, (BEGINNING, END))).last is None
    assert (await slicing.of(HERE, (at(50), END))).last is None
    assert (await slicing.of(HERE, (BEGINNING, at(99)))).last is None
    assert reading.await_count == 4
    monkeypatch.setattr(slices, "REMEMBERED_S", -1.0)
    await slicing.of(HERE, (BEGINNING, END))
    assert reading.await_count == 5
