"""Scores of one id are merged field by field, by when they were said."""

import asyncio
from dataclasses import replace
from itertools import permutations

import pytest

from server.tracing.making import HERE, at, score
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.merging import merged_score
from sightline.server.tracing.records import ObservationId, ScoreId, TraceId

FIRST = score(value=1.0, comment="keep", metadata={"a": {"x": 1}}, timestamp=at(10), updated_at=at(10))


@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_any_order_of_what_is_said_reads_the_same(tracing: Tracing, order: tuple[int, ...], in_one_batch: bool):
    said = [
        score(value=3.0, comment="now", metadata={"a": {"x": 1}, "b": 1}, updated_at=at(1)),
        score(value=2.0, metadata={"a": {"y": 2}}, queue_id="q", updated_at=at(2)),
        score(value=1.0, name="last", observation_id=ObservationId("o"), updated_at=at(3)),
    ]
    arriving = [said[place] for place in order]
    for batch in [arriving] if in_one_batch else [[each] for each in arriving]:
        await tracing.record_scores(HERE, batch)
    one = await tracing.score(HERE, ScoreId("s1"))
    assert (one.value, one.name, one.comment, one.queue_id, one.observation_id) == (1.0, "last", "now", "q", "o")
    assert one.metadata == {"a": {"x": 1, "y": 2}, "b": 1}


async def test_nothing_said_erases_nothing_and_an_empty_text_erases(tracing: Tracing):
    await tracing.record_scores(HERE, [FIRST])
    await tracing.record_scores(HERE, [score(value=2.0, updated_at=at(20))])
    one = await tracing.score(HERE, FIRST.id)
    assert (one.value, one.comment, one.metadata) == (2.0, "keep", {"a": {"x": 1}})
    await tracing.record_scores(HERE, [score(value=2.0, comment="", updated_at=at(30))])
    assert (await tracing.score(HERE, FIRST.id)).comment is None


async def test_a_score_stays_where_and_when_it_was_first_given(tracing: Tracing):
    await tracing.record_scores(HERE, [replace(FIRST, environment="e")])
    moved = score(trace_id=TraceId("t2"), environment="f", timestamp=at(0), created_at=at(50), updated_at=at(50))
    await tracing.record_scores(HERE, [moved])
    one = await tracing.score(HERE, FIRST.id)
    assert (one.trace_id, one.environment, one.timestamp, one.created_at) == ("t1", "e", at(10), at(0))


async def test_a_value_of_another_type_takes_the_old_one_along(tracing: Tracing):
    await tracing.record_scores(HERE, [FIRST])
    word = score(data_type="CATEGORICAL", value=None, string_value="good", updated_at=at(20))
    await tracing.record_scores(HERE, [word])
    one = await tracing.score(HERE, FIRST.id)
    assert (one.data_type, one.value, one.string_value) == ("CATEGORICAL", None, "good")


async def test_at_the_same_time_nothing_is_lost(tracing: Tracing):
    said = [score(metadata={f"m{place}": place}, updated_at=at(place)) for place in range(8)]
    await asyncio.gather(*(tracing.record_scores(HERE, [each, score(f"own-{each.updated_at}")]) for each in said))
    assert (await tracing.score(HERE, FIRST.id)).metadata == {f"m{place}": place for place in range(8)}


def test_a_score_that_is_said_again_is_itself():
    assert merged_score(FIRST, [FIRST]) == FIRST == merged_score(None, [FIRST, FIRST])
