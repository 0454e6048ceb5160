"""CRUD of models, and pricing of metered usage."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from sightline.server.accounts.records import ProjectId
from sightline.server.pricing import listed
from sightline.server.pricing.costs import model_for, priced
from sightline.server.pricing.records import Metered, Model, ModelId, Priced, Tier, UsageCondition
from sightline.server.pricing.store import ModelStore
from sightline.server.runtime.cache import ExpiringCache
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.patterns import checked

CACHE_S = 10.0
"""TTL of the cached models of a project."""
CACHED_PROJECTS = 10_000
"""Projects in the cache before eviction."""
CACHED_NAMES = 10_000
"""Built-in model names in the cache before eviction: names come from clients."""


class Prices:
    """Models and prices of one installation; every method is scoped to the project it is given."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._own: ExpiringCache[ProjectId, list[Model]] = ExpiringCache(size=CACHED_PROJECTS, keep_s=CACHE_S)
        self._listed: ExpiringCache[tuple[str, int, int], Model | None] = ExpiringCache(
            size=CACHED_NAMES, keep_s=3600.0
        )

    async def load(self) -> None:
        """Warm up: load the built-in models before a request needs them."""
        await asyncio.to_thread(listed.identities)

    async def price(self, project_id: ProjectId, metered: Sequence[Metered]) -> list[Priced | None]:
        """Model, tier and cost of each; None where no model of the project and no built-in one has that name."""
        if not metered:
            return []
        own = await self._models(project_id)
        found: list[Priced | None] = []
        for each in metered:
            model = model_for(each, own) or await self._built_in(each)
            found.append(priced(each, model) if model else None)
        return found

    async def page(self, project_id: ProjectId, limit: int, offset: int) -> tuple[list[Model], int]:
        """The project's own models, newest first, then the built-in ones; and how many there are in all."""
        async with self._database.reading() as connection:
            own, count = await ModelStore(connection, project_id).page(limit, offset)
        identities = await asyncio.to_thread(listed.identities)
        skip = max(0, offset - count)
        moment = now()
        built_in = [listed.identified(each, moment) for each in identities[skip : skip + limit - len(own)]]
        return own + [model for model in built_in if model], count + len(identities)

    async def get(self, project_id: ProjectId, model_id: ModelId) -> Model:
        async with self._database.reading() as connection:
            own = await ModelStore(connection, project_id).one(model_id)
        found = own or await asyncio.to_thread(listed.identified, model_id, now())
        if found is None:
            raise _unknown(model_id)
        return found

    async def create(self, project_id: ProjectId, model: Model) -> Model:
        """Create a model. Idempotent by natural key: an equal one is answered instead."""
        _check(model)
        async with self._database.work() as work:
            made = await ModelStore(work.connection, project_id).put(model)
            work.after_commit(self._own.clear)
        return made

    async def put(self, project_id: ProjectId, model: Model) -> Model:
        """Upsert a model by id; a full replacement but for its creation time."""
        _check(model)
        await self._check_not_built_in(model.id)
        async with self._database.work() as work:
            store = ModelStore(work.connection, project_id)
            old = await store.one(model.id)
            if old is None:
                await store.add(model)
            else:
                model = replace(model, created_at=old.created_at)
                await store.change(model)
            work.after_commit(self._own.clear)
        return model

    async def delete(self, project_id: ProjectId, model_id: ModelId) -> None:
        await self._check_not_built_in(model_id)
        async with self._database.work() as work:
            store = ModelStore(work.connection, project_id)
            if await store.one(model_id) is None:
                raise _unknown(model_id)
            await store.delete(model_id)
            work.after_commit(self._own.clear)

    async def _check_not_built_in(self, model_id: ModelId) -> None:
        if await asyncio.to_thread(listed.identified, model_id, now()):
            raise InvalidRequest(f"model {model_id!r} is built in and read-only: make one of your own of its name")

    async def _models(self, project_id: ProjectId) -> list[Model]:
        known = self._own.get(project_id)
        if known:
            return known[0]
        async with self._database.reading() as connection:
            own = await ModelStore(connection, project_id).every()
        self._own.put(project_id, own)
        return own

    async def _built_in(self, metered: Metered) -> Model | None:
        """Cached per name and hour of the observations: a miss scans thousands of rules."""
        key = (metered.model, metered.start_time.toordinal(), metered.start_time.hour)
        known = self._listed.get(key)
        if known:
            return known[0]
        model = await asyncio.to_thread(listed.named, metered.model, metered.start_time)
        self._listed.put(key, model)
        return model


def _check(model: Model) -> None:
    checked(model.match_pattern)
    for tier in model.tiers:
        _check_tier(tier)
    if sum(tier.is_default for tier in model.tiers) != 1:
        raise InvalidRequest("a model needs exactly one default tier: isDefault true, priority 0, no conditions")
    for said, given in (("name", [tier.name for tier in model.tiers]), ("priority", [t.priority for t in model.tiers])):
        if len(set(given)) != len(given):
            raise InvalidRequest(f"tier {said} is given twice: each tier of a model has its own")


def _check_tier(tier: Tier) -> None:
    if tier.is_default and (tier.conditions or tier.priority != 0):
        raise InvalidRequest(
            f"default tier {tier.name!r} has priority 0 and no conditions: it holds when no other does"
        )
    if not tier.is_default and not tier.conditions:
        raise InvalidRequest(f"tier {tier.name!r} has no conditions: give some, or make it the default one")
    if not tier.prices:
        raise InvalidRequest(f"tier {tier.name!r} has no prices: give at least one, by usage type")
    for condition in tier.conditions:
        if isinstance(condition, UsageCondition):
            checked(condition.pattern)


def _unknown(model_id: ModelId) -> NotFound:
    return NotFound(f"model {model_id!r} does not exist in this project and is not built in")
