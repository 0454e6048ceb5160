"""Datasets: one row a name."""

from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import Dataset, DatasetId
from sightline.server.runtime.errors import Conflict
from sightline.server.tables.evals import datasets


class DatasetStore:
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        self._connection = connection
        self._mine = datasets.c.project_id == project_id

    async def named(self, name: str) -> Dataset | None:
        row = (await self._connection.execute(select(datasets).where(self._mine, datasets.c.name == name))).first()
        return _dataset(row) if row else None

    async def add(self, dataset: Dataset) -> None:
        """Insert. Conflict when another writer inserted the name first (unique constraint)."""
        try:
            await self._connection.execute(insert(datasets).values(vars(dataset)))
        except IntegrityError as problem:
            raise Conflict(
                f"dataset {dataset.name!r} was created by somebody else just now: send it again"
            ) from problem

    async def change(self, dataset: Dataset) -> None:
        at = self._mine, datasets.c.id == dataset.id
        await self._connection.execute(update(datasets).where(*at).values(vars(dataset)))

    async def page(self, limit: int, offset: int) -> tuple[list[Dataset], int]:
        """A page (limit/offset pagination), newest first, and the total count."""
        total = (await self._connection.execute(select(func.count()).where(self._mine))).scalar_one()
        newest_first = select(datasets).where(self._mine).order_by(datasets.c.created_at.desc(), datasets.c.id)
        rows = (await self._connection.execute(newest_first.limit(limit).offset(offset))).all()
        return [_dataset(row) for row in rows], total


def _dataset(row: Row[Any]) -> Dataset:
    return Dataset(
        id=DatasetId(row.id),
        project_id=ProjectId(row.project_id),
        name=row.name,
        description=row.description,
        metadata=row.metadata,
        input_schema=row.input_schema,
        expected_output_schema=row.expected_output_schema,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
