"""Calculated costs of observations whose client reported none."""

from collections.abc import Sequence
from typing import Any

from sightline.server.pricing.actions import Prices
from sightline.server.pricing.records import Metered, Priced
from sightline.server.runtime.frozen import filled
from sightline.server.tracing.records import Observation, ProjectId


async def with_costs(
    prices: Prices, project_id: ProjectId, observations: Sequence[Observation]
) -> Sequence[Observation]:
    """The observations with their model of the price table, and with a calculated cost (US dollars) unless reported.

    Idempotent: a calculated cost is recalculated, since usage may have changed.
    """
    named = [(place, observation) for place, observation in enumerate(observations) if observation.model]
    if not named:
        return observations
    found = await prices.price(project_id, [_metered(observation) for _, observation in named])
    priced = list(observations)
    for (place, observation), price in zip(named, found, strict=True):
        priced[place] = _with_cost(observation, price)
    return priced


def _metered(observation: Observation) -> Metered:
    return Metered(
        model=observation.model or "",
        start_time=observation.start_time,
        usage=observation.usage,
        model_parameters=observation.model_parameters,
        metadata=observation.metadata,
    )


def _with_cost(observation: Observation, price: Priced | None) -> Observation:
    provided = observation.cost_usd and not observation.pricing_tier
    if price is None:
        cost = observation.cost_usd if provided else {}
        return _priced(observation, model_id=None, pricing_tier=None, cost_usd=cost)
    if provided or not price.cost_usd:
        cost = observation.cost_usd if provided else {}
        return _priced(observation, model_id=price.model.id, pricing_tier=None, cost_usd=cost)
    return _priced(observation, model_id=price.model.id, pricing_tier=price.tier.name, cost_usd=price.cost_usd)


def _priced(observation: Observation, **fields: Any) -> Observation:
    return filled(Observation, {**vars(observation), **fields})
