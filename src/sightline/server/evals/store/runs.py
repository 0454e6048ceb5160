"""Runs over datasets, and which trace ran which item."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import DatasetId, ItemId, Run, RunId, RunItem
from sightline.server.runtime.errors import Conflict
from sightline.server.tables.evals import dataset_run_items, dataset_runs, datasets
from sightline.server.tracing.records import ObservationId, TraceId

LONGEST_ID = 64
"""Width of the id column."""
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
        return run_of(row) if row else None

    async def is_free(self, run_id: RunId) -> bool:
        """Whether no run of any project has this id, and it fits."""
        if len(run_id) > LONGEST_ID:
            return False
        taken = select(dataset_runs.c.id).where(dataset_runs.c.id == run_id)
        return (await self._connection.execute(taken)).first() is None

    async def add(self, run: Run) -> None:
        """Insert. Conflict when another writer inserted the run first (unique constraint)."""
        try:
            await self._connection.execute(insert(dataset_runs).values(_values(run)))
        except IntegrityError as problem:
            raise Conflict(f"run {run.name!r} was created by somebody else just now: send it again") from problem

    async def change(self, run: Run) -> None:
        at = self._mine(), dataset_runs.c.id == run.id
        await self._connection.execute(update(dataset_runs).where(*at).values(_values(run)))

    async def remove(self, run_id: RunId) -> None:
        """Delete the run and its items; traces stay."""
        await self._connection.execute(delete(dataset_runs).where(self._mine(), dataset_runs.c.id == run_id))

    async def of_dataset(self, dataset_id: DatasetId) -> list[Run]:
        at = self._mine(), dataset_runs.c.dataset_id == dataset_id
        return [run_of(row) for row in await self._connection.execute(_RUNS.where(*at))]

    async def filed(self, item: RunItem) -> RunItem | None:
        """The same item, filed before."""
        row = (await self._connection.execute(_RUN_ITEMS.where(self._items_mine(), _same(item)))).first()
        return _run_item(row) if row else None

    async def add_item(self, item: RunItem, item_valid_from: datetime) -> None:
        """Insert. Conflict when another writer filed it first (unique constraint)."""
        values = {name: value for name, value in vars(item).items() if name != "run_name"}
        row = values | {"project_id": self._project_id, "item_valid_from": item_valid_from}
        try:
            await self._connection.execute(insert(dataset_run_items).values(row))
        except IntegrityError as problem:
            raise Conflict(f"item {item.item_id!r} was filed by somebody else just now: send it again") from problem

    async def items(self, run_id: RunId) -> list[RunItem]:
        """All that was filed under a run."""
        at = self._items_mine(), dataset_run_items.c.run_id == run_id
        return [_run_item(row) for row in await self._connection.execute(_RUN_ITEMS.where(*at))]

    def _mine(self) -> ColumnElement[bool]:
        return dataset_runs.c.project_id == self._project_id

    def _items_mine(self) -> ColumnElement[bool]:
        return dataset_run_items.c.project_id == self._project_id


def _same(item: RunItem) -> ColumnElement[bool]:
    columns = dataset_run_items.c
    observation = (
        columns.observation_id.is_(None)
        if item.observation_id is None
        else (columns.observation_id == item.observation_id)
    )
    at = columns.run_id == item.run_id, columns.item_id == item.item_id, columns.trace_id == item.trace_id
    return and_(*at, observation)


def _values(run: Run) -> dict[str, Any]:
    return {name: value for name, value in vars(run).items() if name != "dataset_name"}


def run_of(row: Row[Any]) -> Run:
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
