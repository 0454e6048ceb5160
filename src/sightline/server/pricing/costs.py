"""Which of its project's models an observation used, in which tier, and what that cost. Pure: no database."""

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from sightline.server.pricing.records import (
    AttributeCondition,
    Comparison,
    Condition,
    Metered,
    Model,
    Priced,
    Tier,
    UsageCondition,
)
from sightline.server.runtime.json_reading import NotJson, loads
from sightline.server.runtime.patterns import matches

COMPARE: Mapping[Comparison, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}
"""Comparison of a usage condition to its operator."""
WHOLES = ("input", "output")
"""Usage types that others are parts of, by prefix."""


def model_for(metered: Metered, models: Sequence[Model]) -> Model | None:
    """The model whose pattern matches and whose start date is the latest one not after the observation."""
    fitting = [
        model
        for model in models
        if (model.start_date is None or model.start_date <= metered.start_time)
        and matches(model.match_pattern, metered.model)
    ]
    return max(fitting, key=_newest, default=None)


def _newest(model: Model) -> tuple[bool, float, float]:
    started = model.start_date.timestamp() if model.start_date else 0.0
    return model.start_date is not None, started, model.created_at.timestamp()


def priced(metered: Metered, model: Model) -> Priced:
    """The first matching tier by priority, and units times price (US dollars) of every usage type that has a price."""
    tier = next((tier for tier in _conditional(model) if _holds(tier, metered)), model.default_tier)
    managed = model.project_id is None
    cost: dict[str, Decimal] = {}
    for name, units in metered.usage.items():
        price = _price(tier.prices, name, by_prefix=managed)
        if price is not None:
            cost[name] = units * Decimal(str(price))
    if cost and "total" not in cost:
        cost["total"] = sum(cost.values(), Decimal())
    return Priced(model=model, tier=tier, cost_usd={name: float(dollars) for name, dollars in cost.items()})


def _conditional(model: Model) -> list[Tier]:
    return sorted((tier for tier in model.tiers if not tier.is_default), key=lambda tier: tier.priority)


def _holds(tier: Tier, metered: Metered) -> bool:
    return all(_condition_holds(condition, metered) for condition in tier.conditions)


def _condition_holds(condition: Condition, metered: Metered) -> bool:
    match condition:
        case UsageCondition():
            units = sum(
                count
                for name, count in metered.usage.items()
                if matches(condition.pattern, name, case_sensitive=condition.case_sensitive)
            )
            return COMPARE[condition.operator](units, condition.value)
        case AttributeCondition(source="model_parameters"):
            return metered.model_parameters.get(condition.key) in condition.values
        case AttributeCondition():
            return _text(metered.metadata.get(condition.key)) in condition.values


def _text(stored: str | None) -> str | None:
    """A metadata value as a person would write it: JSON text without its quotes."""
    if stored is None or not stored.startswith('"'):
        return stored
    try:
        return str(loads(stored))
    except NotJson:
        return stored


def _price(prices: Mapping[str, float], name: str, *, by_prefix: bool) -> float | None:
    """The price of a usage type. A built-in model prices a part it does not name as the whole it is a part of."""
    if name in prices or not by_prefix:
        return prices.get(name)
    return next((prices.get(whole) for whole in WHOLES if name.startswith(f"{whole}_")), None)
