"""Score configs."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import Category, ConfigId, ScoreConfig
from sightline.server.tables.evals import score_configs


class ScoreConfigStore:
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        self._connection = connection
        self._mine = score_configs.c.project_id == project_id

    async def one(self, config_id: ConfigId) -> ScoreConfig | None:
        query = select(score_configs).where(self._mine, score_configs.c.id == config_id)
        row = (await self._connection.execute(query)).first()
        return _config(row) if row else None

    async def some(self, ids: Collection[ConfigId]) -> dict[ConfigId, ScoreConfig]:
        rows = await self._connection.execute(select(score_configs).where(self._mine, score_configs.c.id.in_(ids)))
        return {ConfigId(row.id): _config(row) for row in rows}

    async def add(self, config: ScoreConfig) -> None:
        await self._connection.execute(insert(score_configs).values(_values(config)))

    async def change(self, config: ScoreConfig) -> None:
        at = self._mine, score_configs.c.id == config.id
        await self._connection.execute(update(score_configs).where(*at).values(_values(config)))

    async def page(self, limit: int, offset: int) -> tuple[list[ScoreConfig], int]:
        """Newest first, archived ones too, and how many there are in all."""
        total = (await self._connection.execute(select(func.count()).where(self._mine))).scalar_one()
        newest_first = (
            select(score_configs).where(self._mine).order_by(score_configs.c.created_at.desc(), score_configs.c.id)
        )
        rows = (await self._connection.execute(newest_first.limit(limit).offset(offset))).all()
        return [_config(row) for row in rows], total


def _values(config: ScoreConfig) -> dict[str, Any]:
    categories = None if config.categories is None else [vars(category) for category in config.categories]
    return vars(config) | {"categories": categories}


def _config(row: Row[Any]) -> ScoreConfig:
    categories = None if row.categories is None else tuple(Category(**category) for category in row.categories)
    return ScoreConfig(
        id=ConfigId(row.id),
        project_id=ProjectId(row.project_id),
        name=row.name,
        data_type=row.data_type,
        is_archived=row.is_archived,
        categories=categories,
        min_value=row.min_value,
        max_value=row.max_value,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
