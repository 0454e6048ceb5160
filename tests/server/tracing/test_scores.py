"""Scores: upserted by id, filtered on their newest row, deleted."""

from dataclasses import replace

import pytest

from server.tracing.making import HERE, at, observation, score
from sightline.server.runtime.errors import NotFound
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import ScoreId, ScoreQuery, TraceId, TraceQuery


async def ids(tracing: Tracing, **query) -> list[str]:
    return [one.id for one in (await tracing.scores(HERE, ScoreQuery(**query))).items]


async def test_a_score_comes_back_as_it_was_recorded(tracing: Tracing):
    whole = score(
        observation_id="o1",
        session_id="s",
        dataset_run_id="run",
        source="EVAL",
        environment="prod",
        comment="it's fine",
        metadata={"judge": {"seen": [1, 2]}},
        config_id="c",
        queue_id="q",
        author_user_id="ada",
        string_value="True",
        data_type="BOOLEAN",
    )
    await tracing.record_scores(HERE, [whole])
    assert await tracing.score(HERE, whole.id) == whole


async def test_the_same_id_replaces_the_score_and_keeps_its_creation(tracing: Tracing):
    await tracing.record_scores(HERE, [score(value=0.0, name="old")])
    await tracing.record_scores(HERE, [score(value=1.0, name="new", timestamp=at(60), created_at=at(60))])
    page = await tracing.scores(HERE, ScoreQuery(counted=True))
    assert page.total == 1
    [only] = page.items
    assert (only.value, only.name, only.created_at) == (1.0, "new", at(0))
    assert await ids(tracing, names=("old",)) == []


async def test_filters_and_values(tracing: Tracing):
    await tracing.record_scores(
        HERE,
        [
            score("a", value=0.2, timestamp=at(1)),
            score("b", value=0.9, timestamp=at(2), trace_id=TraceId("t2"), source="ANNOTATION"),
            score("c", name="mood", data_type="CATEGORICAL", value=None, string_value="calm", timestamp=at(3)),
        ],
    )
    assert await ids(tracing) == ["c", "b", "a"]
    assert await ids(tracing, value=(">", 0.5)) == ["b"]
    assert await ids(tracing, value_min=0.1, value_max=0.5) == ["a"]
    assert await ids(tracing, values=("calm",), data_types=("CATEGORICAL",)) == ["c"]
    assert await ids(tracing, trace_ids=(TraceId("t2"),)) == ["b"]
    assert await ids(tracing, sources=("ANNOTATION",)) == ["b"]
    assert await ids(tracing, ids=(ScoreId("a"), ScoreId("c"))) == ["c", "a"]
    assert await ids(tracing, limit=1, before=(at(3), ScoreId("c"))) == ["b"]
    assert await ids(tracing, limit=1, offset=2) == ["a"]


async def test_a_deleted_score_is_gone_and_deleting_again_is_fine(tracing: Tracing):
    await tracing.record_scores(HERE, [score("a"), score("b")])
    for _ in range(2):
        await tracing.delete_score(HERE, ScoreId("a"))
    assert await ids(tracing) == ["b"]
    with pytest.raises(NotFound):
        await tracing.score(HERE, ScoreId("a"))


async def test_deleting_traces_takes_observations_and_scores_with_them(tracing: Tracing):
    await tracing.record(HERE, [observation("t1"), observation("t2", start=1)])
    await tracing.record_scores(HERE, [score("a"), replace(score("b"), trace_id=TraceId("t2"))])
    await tracing.delete_traces(HERE, [TraceId("t1")])
    assert [trace.id for trace in (await tracing.traces(HERE, TraceQuery(counted=True))).items] == ["t2"]
    assert await ids(tracing) == ["b"]
    with pytest.raises(NotFound):
        await tracing.trace(HERE, TraceId("t1"))
