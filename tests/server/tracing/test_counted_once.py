"""What counts, held against an independent sum over generated trees, resends and orders of arrival."""

import random
from collections.abc import Sequence

import pytest

from server.tracing.independent_sum import Node, total
from server.tracing.making import HERE, at, observation
from sightline.server.dashboards.actions.metrics import Metrics
from sightline.server.dashboards.records import Metric, MetricsQuery
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.metering import Report, counted, repeated, total_cost
from sightline.server.tracing.records import Kind, Observation, TraceId, TraceQuery

TREES = 200
"""By the store; the rule by itself is held against ten times as many."""
KINDS = (Kind.GENERATION, Kind.AGENT, Kind.CHAIN, Kind.TOOL, Kind.SPAN)


def tree(rng: random.Random, name: str) -> list[Node]:
    """Up to twelve spans: some report, some wrap, some parents never come."""
    size = rng.randrange(1, 13)
    nodes = []
    for place in range(size):
        parent = "" if place == 0 or rng.random() < 0.1 else f"{name}-{rng.randrange(place)}"
        parent = f"{name}-lost" if rng.random() < 0.03 else parent
        nodes.append(Node(f"{name}-{place}", parent, rng.choice((0, 0, 10, 20, 50, 100))))
    return nodes


def usage(units: int) -> dict[str, int]:
    return {"input": units - units // 10, "output": units // 10, "total": units} if units else {}


def rows(rng: random.Random, name: str, nodes: Sequence[Node]) -> list[Observation]:
    """The spans in any order, some sent twice, some of those with another start."""
    made = [
        observation(
            name,
            node.id,
            parent_id=node.parent or None,
            is_root=not node.parent,
            # A span is no call and no leaf's twin: what a record of usage is has a test of its own.
            kind=rng.choice(KINDS[:4]),
            start=rng.randrange(100),
            usage=usage(node.units),
        )
        for node in nodes
    ]
    again = [observation(name, each.id, **_said(each), start=rng.randrange(100)) for each in made if rng.random() < 0.2]
    rng.shuffle(made)
    return [*made, *again]


def _said(of: Observation) -> dict[str, object]:
    return {"parent_id": of.parent_id, "is_root": of.is_root, "kind": of.kind, "usage": of.usage}


def test_the_rule_counts_what_an_independent_sum_does():
    rng = random.Random(20261201)
    for number in range(10 * TREES):
        nodes = tree(rng, f"t{number}")
        reports = [
            Report(
                id=node.id,
                parent_id=node.parent,
                kind=rng.choice(KINDS[:4]),
                model="m",
                began=f"{rng.randrange(100):03}",
                usage=usage(node.units),
                cost_usd={},
                is_priced_here=False,
                call_id="",
            )
            for node in nodes
        ]
        rng.shuffle(reports)
        found = repeated(reports)
        rest = [counted(each.usage, found[each.id].usage if each.id in found else {}) for each in reports]
        assert sum(each.get("total", 0) for each in rest) == total(nodes)
        assert sum(each.get("input", 0) + each.get("output", 0) for each in rest) == total(nodes)


async def test_stored_traces_add_up_to_the_independent_sum_in_whatever_order_they_came(
    tracing: Tracing, engine: ObservationsEngine
):
    rng = random.Random(7)
    trees = {f"t{number}": tree(rng, f"t{number}") for number in range(TREES)}
    sent = [row for name, nodes in trees.items() for row in rows(rng, name, nodes)]
    # Neighbours change places, so that requests hold parts of several traces, and late parents and children come.
    for begin in range(0, len(sent), 150):
        window = sent[begin : begin + 300]
        await tracing.record(HERE, list(window[::2]))
        if begin % 450 == 0:
            await tracing.traces(HERE, TraceQuery(limit=1))
        await tracing.record(HERE, list(window[1::2]))
    wanted = {name: total(nodes) for name, nodes in trees.items()}
    listed = (await tracing.traces(HERE, TraceQuery(limit=TREES))).items
    assert {each.id: each.usage.get("total", 0) for each in listed} == wanted
    for name in list(wanted)[:20]:
        one, _ = await tracing.trace(HERE, TraceId(name))
        assert one.usage.get("total", 0) == wanted[name]
    metrics = Metrics(engine, tracing.index)
    for view in ("observations", "traces"):
        query = MetricsQuery(
            view=view, metrics=[Metric(measure="totalTokens", aggregation="sum")], start=at(-1), end=at(999)
        )
        assert list((await metrics.rows(HERE, query))[0].values()) == [sum(wanted.values())]


async def test_a_deleted_trace_gives_back_the_call_that_it_shared(tracing: Tracing):
    call = {"kind": Kind.GENERATION, "usage": usage(100), "call_id": "resp-1", "is_root": True}
    await tracing.record(HERE, [observation("first", start=0, **call), observation("second", start=1, **call)])
    listed = {each.id: each.usage.get("total", 0) for each in (await tracing.traces(HERE, TraceQuery())).items}
    assert listed == {"first": 100, "second": 0}
    await tracing.delete_traces(HERE, [TraceId("first")])
    [left] = (await tracing.traces(HERE, TraceQuery())).items
    assert (left.id, left.usage["total"]) == ("second", 100)


@pytest.mark.parametrize("parent_first", [True, False])
async def test_a_late_parent_or_child_changes_what_counts(tracing: Tracing, parent_first: bool):
    agent = observation("t", "agent", kind=Kind.AGENT, usage=usage(100), is_root=True)
    inner = observation("t", "inner", kind=Kind.GENERATION, usage=usage(100), parent_id="agent", start=0.1)
    for row in (agent, inner) if parent_first else (inner, agent):
        await tracing.record(HERE, [row])
        assert (await tracing.traces(HERE, TraceQuery())).items[0].usage["total"] == 100


def report(id_: str, parent: str = "", **said: object) -> Report:
    given: dict[str, object] = {
        "kind": "GENERATION",
        "model": "m",
        "began": id_,
        "usage": {},
        "cost_usd": {},
        "is_priced_here": False,
        "call_id": "",
    }
    return Report(id=id_, parent_id=parent, **(given | said))  # type: ignore[arg-type]


def test_a_circle_of_parents_counts_the_same_in_every_order():
    circle = [report("a", "b", usage={"total": 5}), report("b", "a", usage={"total": 3}), report("c", "a")]
    alone = [report("s", "s", kind="AGENT", usage={"total": 4}), report("t", "s", usage={"total": 3})]
    for reports in (circle, alone):
        answers = [repeated(order) for order in (reports, reports[::-1])]
        assert answers[0] == answers[1]


def test_a_chain_of_thousands_of_calls_is_walked_once():
    deep = [report(f"{n:05}", f"{n - 1:05}", usage={"total": 5}, call_id=f"call-{n}") for n in range(8_000)]
    found = repeated(deep)
    assert sum(5 - found[each.id].usage["total"] if each.id in found else 5 for each in deep) == 5


def test_what_is_given_back_is_subtracted_everywhere():
    rows_ = [report("a", cost_usd={"total": -1.0}), report("b", "a", cost_usd={"total": 0.25})]
    found = repeated(rows_)
    rest = (counted(each.cost_usd, found[each.id].cost_usd if each.id in found else {}) for each in rows_)
    assert sum(total_cost(each) for each in rest) == -0.75


async def test_an_id_that_comes_again_an_hour_later_is_another_call_in_one_batch_or_two(tracing: Tracing):
    call = {"kind": Kind.GENERATION, "usage": usage(100), "call_id": "again", "is_root": True}
    apart = [observation(name, start=start, **call) for name, start in (("one", 0), ("two", 3_000))]
    await tracing.record(HERE, apart)
    assert [each.usage["total"] for each in (await tracing.traces(HERE, TraceQuery())).items] == [100, 100]
