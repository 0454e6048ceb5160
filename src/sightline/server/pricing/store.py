"""All SQL of a project's own models."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.pricing.records import AttributeCondition, Condition, Model, ModelId, Tier, UsageCondition
from sightline.server.runtime.ids import digest_of
from sightline.server.runtime.rows import ProjectRows
from sightline.server.tables.pricing import models


class ModelStore(ProjectRows[Model]):
    """Models of one project, in one unit of work."""

    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, models, project_id, _model, _values)

    async def put(self, model: Model) -> Model:
        """Insert the model, or answer the one with the same natural key."""
        found, _ = await self.add_once(model, _key(model))
        return found

    async def add(self, model: Model) -> None:
        await super().add(model)
        await self.rekey(model.id, _key(model))

    async def change(self, model: Model) -> None:
        await super().change(model)
        await self.rekey(model.id, _key(model))


def _key(model: Model) -> str:
    """Natural key: a hash of all client fields, without ids and times."""
    made = ("id", "project_id", "created_at")
    tiers = [{name: value for name, value in asdict(tier).items() if name != "id"} for tier in model.tiers]
    return digest_of({name: value for name, value in (vars(model) | {"tiers": tiers}).items() if name not in made})


def _values(model: Model) -> dict[str, Any]:
    return vars(model) | {"tiers": [asdict(tier) for tier in model.tiers]}


def _model(row: Mapping[str, Any]) -> Model:
    fields = {
        **row,
        "id": ModelId(row["id"]),
        "project_id": ProjectId(row["project_id"]),
        "tiers": tuple(_tier(stored) for stored in row["tiers"]),
    }
    return Model(**fields)


def _tier(stored: Mapping[str, Any]) -> Tier:
    return Tier(**{**stored, "conditions": tuple(_condition(each) for each in stored["conditions"])})


def _condition(stored: Mapping[str, Any]) -> Condition:
    return UsageCondition(**stored) if "pattern" in stored else AttributeCondition(**stored)
