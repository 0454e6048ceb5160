"""Score configs."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import Category, ConfigId, ScoreConfig
from sightline.server.runtime.ids import digest_of
from sightline.server.runtime.rows import ProjectRows
from sightline.server.tables.evals import score_configs


class ScoreConfigStore(ProjectRows[ScoreConfig]):
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, score_configs, project_id, _config, _values)

    async def some(self, ids: Collection[ConfigId]) -> dict[ConfigId, ScoreConfig]:
        return {config.id: config for config in await self.every(score_configs.c.id.in_(ids))}

    async def put(self, config: ScoreConfig) -> ScoreConfig:
        """Insert the config, or answer the active one with the same natural key: scores refer to configs by id."""
        found, _ = await self.add_once(config, _key(config))
        return found

    async def change(self, config: ScoreConfig) -> None:
        await super().change(config)
        await self.rekey(config.id, None if config.is_archived else _key(config))


def _key(config: ScoreConfig) -> str:
    stored = _values(config)
    names = ("name", "data_type", "description", "categories", "min_value", "max_value")
    return digest_of(*(stored[name] for name in names))


def _values(config: ScoreConfig) -> dict[str, Any]:
    categories = None if config.categories is None else [vars(category) for category in config.categories]
    return vars(config) | {"categories": categories}


def _config(row: Mapping[str, Any]) -> ScoreConfig:
    stored = row["categories"]
    categories = None if stored is None else tuple(Category(**category) for category in stored)
    return ScoreConfig(**{**row, "categories": categories})
