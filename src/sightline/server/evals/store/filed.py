"""Runs and items that clients filed, in the order and with the filters of experiments."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import FiledItem, FiledRun, ItemId, RunItem
from sightline.server.evals.store.runs import run_of
from sightline.server.tables.evals import dataset_items, dataset_run_items, dataset_runs, datasets
from sightline.server.tracing.records import ExperimentQuery, ObservationId, TraceId

ITEM_COLUMNS = ("id", "item_id", "trace_id", "observation_id", "created_at")
"""Columns of a filed item."""
_OF_RUN = (*dataset_runs.c, datasets.c.name.label("dataset_name"))
_FILED = dataset_run_items.join(dataset_runs, dataset_run_items.c.run_id == dataset_runs.c.id).join(
    datasets, dataset_runs.c.dataset_id == datasets.c.id
)
_RAN = and_(
    dataset_items.c.project_id == dataset_run_items.c.project_id,
    dataset_items.c.id == dataset_run_items.c.item_id,
    dataset_items.c.valid_from == dataset_run_items.c.item_valid_from,
)
"""Join condition: the version of the item that was run."""


class FiledStore:
    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        self._connection = connection
        self._mine = dataset_run_items.c.project_id == project_id

    async def runs(self, query: ExperimentQuery) -> list[FiledRun]:
        """Every run with items that match; the query's limit and cursor are for what they are joined with."""
        at = dataset_run_items.c.created_at
        found: Select[Any] = select(
            *_OF_RUN, func.min(at).label("first_at"), func.max(at).label("last_at"), func.count().label("items")
        )
        matching = (
            found.select_from(_FILED).where(self._mine, *_asked(query)).group_by(dataset_runs.c.id, datasets.c.name)
        )
        rows = await self._connection.execute(matching)
        return [FiledRun(run=run_of(row), first_at=row.first_at, last_at=row.last_at, items=row.items) for row in rows]

    async def items(self, query: ExperimentQuery) -> list[FiledItem]:
        """A page of matching items, last filed first."""
        filed = [dataset_run_items.c[name].label(f"filed_{name}") for name in ITEM_COLUMNS]
        state = (
            dataset_items.c.valid_from.label("version"),
            dataset_items.c.expected_output,
            dataset_items.c.metadata.label("item_metadata"),
        )
        latest = dataset_run_items.c.created_at.desc(), dataset_run_items.c.id.desc()
        found: Select[Any] = select(*_OF_RUN, *filed, *state).select_from(_FILED.join(dataset_items, _RAN))
        matching = found.where(self._mine, *_asked(query), *_after(query)).order_by(*latest).limit(query.limit)
        return [_filed_item(row) for row in await self._connection.execute(matching)]


def _asked(query: ExperimentQuery) -> Iterator[ColumnElement[bool]]:
    of_any: dict[Any, tuple[str, ...]] = {
        dataset_runs.c.id: query.ids,
        dataset_runs.c.name: query.names,
        dataset_runs.c.dataset_id: query.dataset_ids,
        dataset_run_items.c.item_id: query.item_ids,
    }
    yield from (column.in_(wanted) for column, wanted in of_any.items() if wanted)
    if query.window.start is not None:
        yield dataset_run_items.c.created_at >= query.window.start
    if query.window.end is not None:
        yield dataset_run_items.c.created_at < query.window.end


def _after(query: ExperimentQuery) -> Iterator[ColumnElement[bool]]:
    """Keyset condition: rows after the cursor, which is at a filed item, or at a traced one, first of its time."""
    if query.before is None:
        return
    moment, (trace_id, last) = query.before
    columns = dataset_run_items.c
    same_time = columns.created_at == moment if trace_id else and_(columns.created_at == moment, columns.id < last)
    yield or_(columns.created_at < moment, same_time)


def _filed_item(row: Row[Any]) -> FiledItem:
    run = run_of(row)
    ran = RunItem(
        id=row.filed_id,
        run_id=run.id,
        run_name=run.name,
        item_id=ItemId(row.filed_item_id),
        trace_id=TraceId(row.filed_trace_id),
        observation_id=ObservationId(row.filed_observation_id) if row.filed_observation_id else None,
        created_at=row.filed_created_at,
    )
    return FiledItem(
        run=run,
        ran=ran,
        version=row.version,
        expected_output=row.expected_output,
        metadata=row.item_metadata,
    )
