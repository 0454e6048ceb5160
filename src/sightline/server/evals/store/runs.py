"""Runs over datasets, and which trace ran which item."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import DatasetId, ItemId, Run, RunId, RunItem
from sightline.server.runtime.errors import Conflict
from sightline.server.tables.evals import dataset_run_items, dataset_runs, datasets
from sightline.server.tracing.records import ObservationId, TraceId

_RUNS: Select[Any] = select(*dataset_runs.c, datasets.c.name.label("dataset_name")).join_from(
    dataset_runs, datasets, dataset_runs.c.dataset_id == datasets.c.id
)
_RUN_ITEMS: Select[Any] = select(*dataset_run_items.c, dataset_runs.c.name.label("run_name")).join_from(
    dataset_run_items, dataset_runs, dataset_run_items.c.run_id == dataset_runs.c.id
)


class RunStore:
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        self._connection = connection
        self._project_id = project_id

    async def named(self, dataset_id: DatasetId, name: str) -> Run | None:
        at = self._mine(), dataset_runs.c.dataset_id == dataset_id, dataset_runs.c.name == name
        row = (await self._connection.execute(_RUNS.where(*at))).first()
        return _run(row) if row else None

    async def add(self, run: Run) -> None:
        """Conflict when another writer made the run first."""
        try:
            await self._connection.execute(insert(dataset_runs).values(_values(run)))
        except IntegrityError as problem:
            raise Conflict(f"run {run.name!r} was created by somebody else just now: send it again") from problem

    async def change(self, run: Run) -> None:
        at = self._mine(), dataset_runs.c.id == run.id
        await self._connection.execute(update(dataset_runs).where(*at).values(_values(run)))

    async def remove(self, run_id: RunId) -> None:
        """The run and what it ran; traces stay."""
        await self._connection.execute(delete(dataset_runs).where(self._mine(), dataset_runs.c.id == run_id))

    async def page(self, dataset_id: DatasetId, limit: int, offset: int) -> tuple[list[Run], int]:
        """Newest first, and how many there are in all."""
        at = and_(self._mine(), dataset_runs.c.dataset_id == dataset_id)
        total = (await self._connection.execute(select(func.count()).select_from(dataset_runs).where(at))).scalar_one()
        newest_first = _RUNS.where(at).order_by(dataset_runs.c.created_at.desc(), dataset_runs.c.id)
        rows = (await self._connection.execute(newest_first.limit(limit).offset(offset))).all()
        return [_run(row) for row in rows], total

    async def add_item(self, item: RunItem, item_valid_from: datetime) -> None:
        values = {name: value for name, value in vars(item).items() if name != "run_name"}
        row = values | {"project_id": self._project_id, "item_valid_from": item_valid_from}
        await self._connection.execute(insert(dataset_run_items).values(row))

    async def items(self, run_id: RunId) -> list[RunItem]:
        """All of a run, newest first."""
        rows = (await self._connection.execute(self._items(run_id))).all()
        return [_run_item(row) for row in rows]

    async def items_page(self, run_id: RunId, limit: int, offset: int) -> tuple[list[RunItem], int]:
        at = and_(dataset_run_items.c.project_id == self._project_id, dataset_run_items.c.run_id == run_id)
        counted = select(func.count()).select_from(dataset_run_items).where(at)
        total = (await self._connection.execute(counted)).scalar_one()
        rows = (await self._connection.execute(self._items(run_id).limit(limit).offset(offset))).all()
        return [_run_item(row) for row in rows], total

    def _mine(self) -> ColumnElement[bool]:
        return dataset_runs.c.project_id == self._project_id

    def _items(self, run_id: RunId) -> Select[Any]:
        at = dataset_run_items.c.project_id == self._project_id, dataset_run_items.c.run_id == run_id
        return _RUN_ITEMS.where(*at).order_by(dataset_run_items.c.created_at.desc(), dataset_run_items.c.id)


def _values(run: Run) -> dict[str, Any]:
    return {name: value for name, value in vars(run).items() if name != "dataset_name"}


def _run(row: Row[Any]) -> Run:
    return Run(
        id=RunId(row.id),
        project_id=ProjectId(row.project_id),
        dataset_id=DatasetId(row.dataset_id),
        dataset_name=row.dataset_name,
        name=row.name,
        description=row.description,
        metadata=row.metadata,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _run_item(row: Row[Any]) -> RunItem:
    return RunItem(
        id=row.id,
        run_id=RunId(row.run_id),
        run_name=row.run_name,
        item_id=ItemId(row.item_id),
        trace_id=TraceId(row.trace_id),
        observation_id=ObservationId(row.observation_id) if row.observation_id else None,
        created_at=row.created_at,
    )
