"""What is recorded is there at once, whole, and once."""

from dataclasses import replace

import pytest

from server.tracing.making import ELSEWHERE, HERE, at, observation
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import Kind, Level, ObservationQuery, TraceFields, TraceQuery


async def test_an_observation_comes_back_as_it_was_recorded(tracing: Tracing):
    whole = observation(
        "t1",
        "o1",
        parent_id="p",
        is_root=True,
        kind=Kind.GENERATION,
        name="answer – 日本",
        completion_start_time=at(0.25),
        level=Level.ERROR,
        status_message="it's \\ broken\n\tand\0",
        environment="staging",
        version="1.2",
        input='{"question":"what is it?"}',
        output='"a \\"three\\""',
        metadata={"k": '"v"', "n": "0"},
        model="sightline-tiny",
        model_parameters={"temperature": "0.5"},
        usage={"input": 32, "output": 3, "total": 35},
        cost_usd={"total": 0.001},
        prompt_name="vqa",
        prompt_version=3,
        service="demo",
        scope="langfuse-sdk",
        trace=TraceFields(
            name="ask",
            user_id="ada",
            session_id="s",
            tags=("b", "a"),
            public=True,
            version="9",
            release="r1",
            metadata={"m": "1"},
            input='"in"',
            output='"out"',
        ),
    )
    await tracing.record(HERE, [whole])
    assert await tracing.observation(HERE, whole.id, whole.trace_id) == whole
    assert (await tracing.trace(HERE, whole.trace_id))[1] == [whole]
    assert list((await tracing.observations(HERE, ObservationQuery())).items) == [whole]


async def test_what_is_absent_stays_absent_and_empty_text_is_none(tracing: Tracing):
    bare = observation("t1", "o1", end_time=None, output="")
    await tracing.record(HERE, [bare])
    assert await tracing.observation(HERE, bare.id) == replace(bare, output=None)


async def test_a_retried_batch_is_present_exactly_once(tracing: Tracing):
    batch = [observation("t1", f"o{n}", start=n, usage={"total": 10}, kind=Kind.GENERATION) for n in range(5)]
    for _ in range(3):
        await tracing.record(HERE, batch)
    trace, observations = await tracing.trace(HERE, batch[0].trace_id)
    assert [one.id for one in observations] == [one.id for one in batch]
    assert trace.observation_count == 5
    assert trace.usage == {"total": 50}
    page = await tracing.observations(HERE, ObservationQuery(counted=True))
    assert (len(page.items), page.total) == (5, 5)
    assert (await tracing.traces(HERE, TraceQuery(counted=True))).total == 1


async def test_a_later_version_replaces_an_earlier_one_also_for_filters(tracing: Tracing):
    first = observation("t1", "o1", level=Level.ERROR, name="old", input='"zebra"', trace_user_id="ada")
    await tracing.record(HERE, [first])
    await tracing.record(HERE, [replace(first, level=Level.DEFAULT, name="new", input='"horse"')])
    assert (await tracing.observation(HERE, first.id)).name == "new"
    assert not (await tracing.observations(HERE, ObservationQuery(level=Level.ERROR))).items
    assert not (await tracing.traces(HERE, TraceQuery(errors_only=True))).items
    assert not (await tracing.traces(HERE, TraceQuery(search="zebra"))).items
    assert len((await tracing.traces(HERE, TraceQuery(search="horse"))).items) == 1


async def test_one_request_may_span_months_and_the_same_id_two_traces(tracing: Tracing):
    month_s = 31 * 24 * 3600
    await tracing.record(HERE, [observation("a", "o", start=0), observation("b", "o", start=month_s)])
    assert [trace.id for trace in (await tracing.traces(HERE, TraceQuery())).items] == ["b", "a"]
    assert len((await tracing.observations(HERE, ObservationQuery())).items) == 2


async def test_a_batch_for_two_projects_is_refused(tracing: Tracing):
    with pytest.raises(InvalidRequest, match="another project"):
        await tracing.record(HERE, [observation(project_id=ELSEWHERE)])
