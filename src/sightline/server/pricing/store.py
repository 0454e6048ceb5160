"""All SQL of a project's own models."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.pricing.records import AttributeCondition, Condition, Model, ModelId, Tier, UsageCondition
from sightline.server.tables.pricing import models


class ModelStore:
    """Models of one project, in one unit of work."""

    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        self._connection = connection
        self._mine = models.c.project_id == project_id

    async def every(self) -> list[Model]:
        rows = (await self._connection.execute(select(models).where(self._mine))).all()
        return [_model(row) for row in rows]

    async def page(self, limit: int, offset: int) -> tuple[list[Model], int]:
        """Newest first, and how many there are in all."""
        total = (await self._connection.execute(select(func.count()).where(self._mine))).scalar_one()
        newest_first = select(models).where(self._mine).order_by(models.c.created_at.desc(), models.c.id)
        rows = (await self._connection.execute(newest_first.limit(limit).offset(offset))).all()
        return [_model(row) for row in rows], total

    async def one(self, model_id: ModelId) -> Model | None:
        row = (await self._connection.execute(select(models).where(self._mine, models.c.id == model_id))).first()
        return _model(row) if row else None

    async def add(self, model: Model) -> None:
        await self._connection.execute(insert(models).values(_values(model)))

    async def change(self, model: Model) -> None:
        await self._connection.execute(update(models).where(self._mine, models.c.id == model.id).values(_values(model)))

    async def delete(self, model_id: ModelId) -> None:
        await self._connection.execute(delete(models).where(self._mine, models.c.id == model_id))


def _values(model: Model) -> dict[str, Any]:
    return vars(model) | {"tiers": [asdict(tier) for tier in model.tiers]}


def _model(row: Row[Any]) -> Model:
    fields = dict(row._mapping) | {
        "id": ModelId(row.id),
        "project_id": ProjectId(row.project_id),
        "tiers": tuple(_tier(stored) for stored in row.tiers),
    }
    return Model(**fields)


def _tier(stored: Mapping[str, Any]) -> Tier:
    return Tier(**{**stored, "conditions": tuple(_condition(each) for each in stored["conditions"])})


def _condition(stored: Mapping[str, Any]) -> Condition:
    return UsageCondition(**stored) if "pattern" in stored else AttributeCondition(**stored)
