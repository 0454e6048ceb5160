"""A trace read by itself says the same as in a list, whatever was sent of it and in whatever order."""

import random
from dataclasses import replace

import pytest

from server.tracing.making import HERE, at, observation
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import Kind, Level, Observation, TraceQuery

TOKEN = "@@@langfuseMedia:type=image/png|id={}|source=bytes@@@"
TRACES = 40


def anything(rng: random.Random) -> list[Observation]:
    """Some observations of some traces: fields set here and there, roots missing or many, rows sent twice."""

    def maybe(*values):
        return rng.choice((None, *values))

    rows = []
    for place in range(6 * TRACES):
        in_trace = f"t{rng.randrange(TRACES)}"
        spans = rng.randrange(8)
        usage = rng.choice(({}, {"input": rng.randrange(9), "total": rng.randrange(9)}))
        rows.append(
            observation(
                in_trace,
                f"{in_trace}-{spans}",
                start=place / 10,
                end_time=maybe(at(place / 10 + 3)),
                is_root=rng.random() < 0.4,
                parent_id=maybe(f"{in_trace}-{rng.randrange(8)}"),
                kind=rng.choice((Kind.SPAN, Kind.GENERATION, Kind.AGENT)),
                level=rng.choice((Level.DEFAULT, Level.ERROR)),
                name=rng.choice(("ask", "call")),
                environment=rng.choice(("default", "staging")),
                version=maybe("1", "2"),
                input=maybe(f'"in {place}"', f'"{TOKEN.format(f"picture{place}")}"'),
                output=maybe(f'"out {place}"'),
                usage=usage,
                cost_usd={"total": float(rng.randrange(9))} if usage and rng.random() < 0.5 else {},
                stands_for_trace=rng.random() < 0.1,
                trace_name=maybe("told", "told again"),
                trace_user_id=maybe("ada", "alan"),
                trace_session_id=maybe("s1", "s2"),
                trace_tags=rng.choice(((), ("a",), ("b", "a"))),
                trace_public=maybe(True, False),
                trace_version=maybe("v1", "v2"),
                trace_release=maybe("r1"),
                trace_metadata=rng.choice(({}, {"k": str(place)}, {"k": "1", "l": str(place)})),
                metadata=rng.choice(({}, {"k": '"of root"', "resourceAttributes": "{}", "r": str(place)}, {"k": "0"})),
                trace_input=maybe(f'"asked {place}"'),
                trace_output=maybe(f'"said {place}"'),
            )
        )
    return rows


@pytest.mark.parametrize("whole", [True, False])
async def test_one_trace_is_the_same_as_in_a_list(tracing: Tracing, whole: bool):
    rows = anything(random.Random(7))
    for begin in range(0, len(rows), 60):
        await tracing.record(HERE, rows[begin : begin + 60])
    listed = (await tracing.traces(HERE, TraceQuery(limit=TRACES, whole=whole))).items
    assert len(listed) == len({row.trace_id for row in rows})
    for each in listed:
        one, observations = await (tracing.trace if whole else tracing.outline)(HERE, each.id)
        # A list shows no metadata unless it is asked for whole traces.
        shown = replace(one, metadata=one.metadata if whole else {}, cost_usd=0.0)
        assert shown == replace(each, cost_usd=0.0)
        assert one.cost_usd == pytest.approx(each.cost_usd)
        assert len(observations) == one.observation_count
