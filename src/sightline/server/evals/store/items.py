"""Items with history (slowly changing dimension, type 2): an update closes the current row and inserts another."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import DatasetId, Item, ItemId, ItemQuery
from sightline.server.runtime.errors import Conflict
from sightline.server.tables.evals import dataset_items, dataset_run_items, datasets

_ITEMS: Select[Any] = select(*dataset_items.c, datasets.c.name.label("dataset_name")).join_from(
    dataset_items, datasets, dataset_items.c.dataset_id == datasets.c.id
)


class ItemStore:
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        self._connection = connection
        self._mine = dataset_items.c.project_id == project_id
        self._run_items_mine = dataset_run_items.c.project_id == project_id

    async def latest(self, item_id: ItemId) -> Item | None:
        """The item's last version, closed when the item was deleted."""
        query = _ITEMS.where(self._mine, dataset_items.c.id == item_id).order_by(dataset_items.c.valid_from.desc())
        row = (await self._connection.execute(query.limit(1))).first()
        return _item(row) if row else None

    async def one(self, item_id: ItemId, at: datetime | None = None) -> Item | None:
        """The item now, or as of a time; None when it does not exist then."""
        query = _ITEMS.where(self._mine, dataset_items.c.id == item_id, _valid(at))
        row = (await self._connection.execute(query)).first()
        return _item(row) if row else None

    async def page(self, query: ItemQuery) -> tuple[list[Item], int]:
        """A page of active items (limit/offset pagination), newest first, and the total count."""
        wanted = and_(self._mine, _valid(query.at), dataset_items.c.status == "ACTIVE", *_asked(query))
        counted = select(func.count()).select_from(dataset_items.join(datasets)).where(wanted)
        total = (await self._connection.execute(counted)).scalar_one()
        newest_first = _ITEMS.where(wanted).order_by(dataset_items.c.created_at.desc(), dataset_items.c.id)
        rows = (await self._connection.execute(newest_first.limit(query.limit).offset(query.offset))).all()
        return [_item(row) for row in rows], total

    async def contents(self, dataset_id: DatasetId) -> list[tuple[str, Any, Any]]:
        """Id, input and expected output of every item of a dataset, archived ones too."""
        query = select(dataset_items.c.id, dataset_items.c.input, dataset_items.c.expected_output).where(
            self._mine, dataset_items.c.dataset_id == dataset_id, _valid(None)
        )
        return [(row.id, row.input, row.expected_output) for row in await self._connection.execute(query)]

    async def add(self, item: Item) -> None:
        """Insert a version. Conflict when another writer did at the same time (unique constraint)."""
        values = {name: value for name, value in vars(item).items() if name != "dataset_name"}
        try:
            await self._connection.execute(insert(dataset_items).values(values))
        except IntegrityError as problem:
            raise Conflict(
                f"dataset item {item.id!r} was changed by somebody else just now: send it again"
            ) from problem

    async def close(self, item_id: ItemId, at: datetime) -> None:
        """Close the current version at this time."""
        current = self._mine, dataset_items.c.id == item_id, dataset_items.c.valid_to.is_(None)
        await self._connection.execute(update(dataset_items).where(*current).values(valid_to=at))

    async def remove_from_runs(self, item_id: ItemId) -> None:
        gone = self._run_items_mine, dataset_run_items.c.item_id == item_id
        await self._connection.execute(delete(dataset_run_items).where(*gone))


def _valid(at: datetime | None) -> ColumnElement[bool]:
    """The version that is current, or was valid at a time."""
    if at is None:
        return dataset_items.c.valid_to.is_(None)
    not_over = or_(dataset_items.c.valid_to.is_(None), dataset_items.c.valid_to > at)
    return and_(dataset_items.c.valid_from <= at, not_over)


def _asked(query: ItemQuery) -> Iterator[ColumnElement[bool]]:
    if query.dataset_name is not None:
        yield datasets.c.name == query.dataset_name
    if query.source_trace_id is not None:
        yield dataset_items.c.source_trace_id == query.source_trace_id
    if query.source_observation_id is not None:
        yield dataset_items.c.source_observation_id == query.source_observation_id


def _item(row: Row[Any]) -> Item:
    return Item(
        project_id=ProjectId(row.project_id),
        id=ItemId(row.id),
        dataset_id=DatasetId(row.dataset_id),
        dataset_name=row.dataset_name,
        status=row.status,
        input=row.input,
        expected_output=row.expected_output,
        metadata=row.metadata,
        source_trace_id=row.source_trace_id,
        source_observation_id=row.source_observation_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )
