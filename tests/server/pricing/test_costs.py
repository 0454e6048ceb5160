"""What an observation costs: whose price counts, in which tier, and when the client's own word does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server.tracing.making import ELSEWHERE, HERE, at, observation
from sightline.server.pricing import listed
from sightline.server.pricing.actions import Prices
from sightline.server.pricing.costs import model_for, priced
from sightline.server.pricing.records import (
    AttributeCondition,
    Condition,
    Metered,
    Model,
    ModelId,
    Tier,
    UsageCondition,
)
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.ids import new_id
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import ObservationId, TraceId

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def tier(name: str = "standard", priority: int = 0, *conditions: Condition, **prices: float) -> Tier:
    return Tier(
        id=new_id(),
        name=name,
        is_default=not conditions,
        priority=priority,
        conditions=conditions,
        prices=prices or {"input": 1.0, "output": 2.0},
    )


def model(pattern: str = "^ours$", **fields: Any) -> Model:
    given: dict[str, Any] = {
        "id": ModelId(new_id()),
        "project_id": HERE,
        "name": "ours",
        "match_pattern": pattern,
        "tiers": (tier(),),
        "created_at": NOON,
    }
    return Model(**given | fields)


def metered(name: str = "ours", usage: dict[str, int] | None = None, **fields: Any) -> Metered:
    return Metered(model=name, start_time=NOON, usage=usage or {"input": 10, "output": 1, "total": 11}, **fields)


def test_the_cost_of_a_usage_type_is_units_times_price_and_the_total_is_their_sum():
    assert priced(metered(), model()).cost_usd == {"input": 10.0, "output": 2.0, "total": 12.0}


def test_a_price_for_the_total_alone_prices_the_total():
    assert priced(metered(), model(tiers=(tier(total=0.5),))).cost_usd == {"total": 5.5}


def test_a_usage_type_without_a_price_costs_nothing_and_no_price_at_all_is_no_cost():
    assert priced(metered(usage={"images": 3}), model()).cost_usd == {}
    assert priced(metered(usage={"input": 1, "images": 3}), model()).cost_usd == {"input": 1.0, "total": 1.0}


def test_decimal_prices_do_not_gather_binary_dust():
    assert priced(metered(usage={"input": 3}), model(tiers=(tier(input=0.1),))).cost_usd["input"] == 0.3


@pytest.mark.parametrize(("pattern", "fits"), [("^ours$", True), ("(?i)^OURS$", True), ("our", True), ("^our$", False)])
def test_a_model_is_found_by_its_pattern(pattern: str, fits: bool):
    assert (model_for(metered(), [model(pattern)]) is not None) == fits


def test_of_several_models_the_one_that_started_last_counts():
    undated, old, new = model(), model(start_date=at(-200)), model(start_date=at(-100))
    future = model(start_date=at(100))
    assert model_for(metered(), [undated, new, future, old]) is new
    assert model_for(metered(), [undated, future]) is undated


def test_tiers_are_tried_by_priority_and_all_their_conditions_count():
    long = UsageCondition(pattern="^INPUT", operator="gt", value=100)
    fast = AttributeCondition(source="model_parameters", key="service_tier", values=("fast", "faster"))
    tagged = AttributeCondition(source="metadata", key="batch", values=("yes",))
    tiers = (tier("both", 1, long, fast), tier("long", 2, long), tier("tagged", 3, tagged), tier())
    ours = model(tiers=tiers)

    def chosen(units: int, **fields: Any) -> str:
        return priced(metered(usage={"input": units, "input_cached_tokens": 1}, **fields), ours).tier.name

    assert chosen(99) == "standard"
    assert chosen(100) == "long"
    assert chosen(100, model_parameters={"service_tier": "fast"}) == "both"
    assert chosen(1, model_parameters={"service_tier": "fast"}) == "standard"
    assert chosen(1, metadata={"batch": '"yes"'}) == "tagged"


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [("gt", 10, False), ("gte", 10, True), ("lt", 10, False), ("lte", 10, True), ("eq", 10, True), ("neq", 10, False)],
)
def test_usage_compares_as_the_operator_says(operator: Any, value: float, holds: bool):
    conditional = tier("other", 1, UsageCondition(pattern="^input$", operator=operator, value=value))
    assert (priced(metered(), model(tiers=(conditional, tier()))).tier is conditional) == holds


def test_upper_case_matters_only_when_the_condition_says_so():
    strict = UsageCondition(pattern="^INPUT$", operator="gt", value=0, case_sensitive=True)
    assert priced(metered(), model(tiers=(tier("other", 1, strict), tier()))).tier.name == "standard"


def test_a_pattern_that_would_hang_other_engines_answers_at_once():
    assert model_for(metered("a" * 900 + "!"), [model("^(a+)+$")]) is None
    assert model_for(metered("x" * 5_000), [model("x")]) is None


@pytest.mark.parametrize("name", ["gpt-4o", "GPT-4o-2024-08-06", "openai/gpt-4o"])
def test_well_known_models_have_a_price_without_asking_anybody(name: str):
    found = listed.named(name, NOON)
    assert found is not None
    assert found.project_id is None
    assert 0 < found.default_tier.prices["input_cached_tokens"] < found.default_tier.prices["input"]


def test_a_built_in_model_prices_parts_it_does_not_name_as_the_whole():
    found = listed.named("gpt-4o", NOON)
    assert found is not None
    cost = priced(metered("gpt-4o", {"output": 10, "output_reasoning_tokens": 10, "total": 20}), found).cost_usd
    assert cost["output_reasoning_tokens"] == cost["output"]


def test_long_contexts_have_a_tier_where_the_library_knows_one():
    found = listed.named("gemini-2.5-pro", NOON)
    assert found is not None
    long = priced(metered("gemini-2.5-pro", {"input": 300_000}), found)
    assert long.tier.name == "standard above 200,000 input tokens"
    assert long.tier.prices["input"] > found.default_tier.prices["input"]


def test_every_built_in_model_has_one_default_tier_and_an_id_that_finds_it():
    everything = listed.everything(NOON)
    assert len(everything) > 1_000
    assert len({model.id for model in everything}) == len(everything)
    assert all(sum(tier.is_default for tier in model.tiers) == 1 for model in everything)
    assert listed.identified(everything[7].id, NOON) == everything[7]


def test_nobody_prices_an_unknown_name():
    assert listed.named("no-such-model", NOON) is None
    assert listed.named("nobody/no-such-model", NOON) is None


async def stored(tracing: Tracing, **fields: Any) -> Any:
    identity = fields.pop("identity", new_id()[:16])
    one = observation("costs", identity, **{"model": "ours", "usage": {"input": 10, "total": 10}} | fields)
    await tracing.record(HERE, [one])
    return await tracing.observation(HERE, ObservationId(identity), TraceId("costs"))


async def test_what_is_recorded_is_priced_by_the_projects_own_model_first(tracing: Tracing):
    own = await tracing.prices.create(HERE, model("^gpt-4o$"))
    found = await stored(tracing, model="gpt-4o")
    assert (found.cost_usd, found.model_id, found.pricing_tier) == ({"input": 10.0, "total": 10.0}, own.id, "standard")
    await tracing.prices.delete(HERE, own.id)
    again = await stored(tracing, model="gpt-4o")
    assert 0 < again.cost_usd["total"] < 0.01


async def test_a_cost_that_the_client_gives_wins(tracing: Tracing):
    own = await tracing.prices.create(HERE, model())
    found = await stored(tracing, cost_usd={"total": 0.25})
    assert (found.cost_usd, found.model_id, found.pricing_tier) == ({"total": 0.25}, own.id, None)


async def test_a_calculated_cost_follows_later_usage(tracing: Tracing):
    await tracing.prices.create(HERE, model())
    first = await stored(tracing, identity="grows")
    grown = await stored(
        tracing, identity="grows", usage={"input": 20}, cost_usd=first.cost_usd, pricing_tier=first.pricing_tier
    )
    assert grown.cost_usd == {"input": 20.0, "total": 20.0}


async def test_another_projects_prices_do_not_count(tracing: Tracing):
    await tracing.prices.create(ELSEWHERE, model(project_id=ELSEWHERE))
    found = await stored(tracing)
    assert (found.cost_usd, found.model_id) == ({}, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"match_pattern": "(?=a)"}, "RE2"),
        ({"match_pattern": "("}, "RE2"),
        ({"tiers": ()}, "exactly one default"),
        ({"tiers": (tier(), tier("other"))}, "exactly one default"),
        (
            {"tiers": (Tier(id="t", name="t", is_default=False, priority=1, prices={"input": 1}), tier())},
            "no conditions",
        ),
        ({"tiers": (Tier(id="t", name="t", is_default=True, priority=1, prices={"input": 1}),)}, "priority 0"),
        ({"tiers": (Tier(id="t", name="t", is_default=True, priority=0),)}, "no prices"),
        (
            {"tiers": (tier("standard", 1, UsageCondition(pattern="a", operator="gt", value=1)), tier())},
            "name is given twice",
        ),
    ],
)
async def test_a_model_that_makes_no_sense_is_refused(database: Database, changes: dict[str, Any], said: str):
    with pytest.raises(InvalidRequest, match=said):
        await Prices(database).create(HERE, model(**changes))


async def test_models_belong_to_their_project(tracing: Tracing):
    own = await tracing.prices.create(HERE, model())
    assert await tracing.prices.get(HERE, own.id) == own
    for act in (tracing.prices.get, tracing.prices.delete):
        with pytest.raises(NotFound):
            await act(ELSEWHERE, own.id)
    page, total = await tracing.prices.page(HERE, 2, 0)
    assert (page[0], page[1].project_id) == (own, None)
    _, others = await tracing.prices.page(ELSEWHERE, 2, 0)
    assert total == others + 1
    with pytest.raises(InvalidRequest, match="read-only"):
        await tracing.prices.delete(HERE, page[1].id)


async def test_pages_run_from_own_models_into_the_built_in_ones(tracing: Tracing):
    for number in range(3):
        await tracing.prices.create(HERE, model(name=f"ours {number}"))
    pages = [(await tracing.prices.page(HERE, 2, offset))[0] for offset in (0, 2, 4)]
    ids = [each.id for page in pages for each in page]
    assert len(set(ids)) == 6
    assert [each.project_id is None for page in pages for each in page] == [False] * 3 + [True] * 3
