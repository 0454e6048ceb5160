"""Score configs: created, updated, archived (soft delete); never deleted, since scores refer to them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import Category, ConfigId, ScoreConfig
from sightline.server.evals.store import ScoreConfigStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.tracing.records import Page

TRUTHS = (Category(label="True", value=1), Category(label="False", value=0))
"""Categories of a BOOLEAN config."""


class ScoreConfigs:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, config: ScoreConfig) -> ScoreConfig:
        """Create a config; a boolean one gets its two categories. Idempotent: an equal active one is answered."""
        if config.data_type == "BOOLEAN":
            if config.categories is not None:
                raise InvalidRequest("a BOOLEAN config has the categories True and False: leave categories out")
            config = replace(config, categories=TRUTHS)
        _check(config)
        async with self._database.work() as work:
            return await ScoreConfigStore(work.connection, config.project_id).put(config)

    async def get(self, project_id: ProjectId, config_id: ConfigId) -> ScoreConfig:
        async with self._database.reading() as connection:
            return await _existing(ScoreConfigStore(connection, project_id), config_id)

    async def some(self, project_id: ProjectId, ids: Collection[ConfigId]) -> dict[ConfigId, ScoreConfig]:
        """These configs by id; those that do not exist are left out."""
        if not ids:
            return {}
        async with self._database.reading() as connection:
            return await ScoreConfigStore(connection, project_id).some(ids)

    async def page(self, project_id: ProjectId, limit: int, offset: int) -> Page[ScoreConfig]:
        async with self._database.reading() as connection:
            items, total = await ScoreConfigStore(connection, project_id).page(limit, offset)
        return Page(items=items, total=total, more=offset + len(items) < total)

    async def change(self, project_id: ProjectId, config_id: ConfigId, changes: Mapping[str, Any]) -> ScoreConfig:
        """Partial update; the result is validated like a new config."""
        async with self._database.work() as work:
            store = ScoreConfigStore(work.connection, project_id)
            changed = replace(await _existing(store, config_id), **changes, updated_at=now())
            _check(changed)
            await store.change(changed)
        return changed


def _check(config: ScoreConfig) -> None:
    """InvalidRequest when the config's fields contradict each other."""
    _check_range(config)
    if config.data_type == "BOOLEAN":
        if tuple(config.categories or ()) != TRUTHS:
            raise InvalidRequest("a BOOLEAN config has the categories True (1) and False (0): they cannot be changed")
    elif config.data_type == "CATEGORICAL":
        _check_categories(config.categories)
    elif config.categories is not None:
        raise InvalidRequest(f"a {config.data_type} config has no categories: leave them out, or make it CATEGORICAL")


def _check_range(config: ScoreConfig) -> None:
    low, high = config.min_value, config.max_value
    if config.data_type != "NUMERIC" and (low is not None or high is not None):
        raise InvalidRequest(f"a {config.data_type} config has no minValue or maxValue: leave them out")
    if low is not None and high is not None and high <= low:
        raise InvalidRequest(f"maxValue {high:g} is not greater than minValue {low:g}")


def _check_categories(categories: Sequence[Category] | None) -> None:
    if not categories:
        raise InvalidRequest("a CATEGORICAL config needs categories: a list of {label, value}")
    for name in ("label", "value"):
        given = Counter(getattr(category, name) for category in categories)
        twice, times = given.most_common(1)[0]
        if times > 1:
            raise InvalidRequest(f"category {name} {twice!r} is given {times} times: each one is unique")


async def _existing(store: ScoreConfigStore, config_id: ConfigId) -> ScoreConfig:
    found = await store.one(config_id)
    if found is None:
        raise NotFound(f"Score config not found: {config_id!r} does not exist in this project")
    return found
