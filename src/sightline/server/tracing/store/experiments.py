# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Experiments and their items: what the spans that carry an experiment's id add up to."""

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.fields import OBSERVED, TRACE_ROW
from sightline.server.tracing.records import (
    Experiment,
    ExperimentQuery,
    Observation,
    ObservationId,
    Page,
    ProjectId,
    TracedItem,
    TraceId,
    Window,
)
from sightline.server.tracing.store.rows import WIDE, moment, observation_of
from sightline.server.tracing.store.summaries import rows_of_traces
from sightline.server.tracing.store.windows import add_window

IS_ITEM = "id = experiment['root_id']"
"""The root span represents an item's run."""
AT_ONCE = "mutations_sync = 2"
"""Synchronous mutation: deleted rows are gone when the call returns."""


class ExperimentStore:
    """Experiments of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def page(self, project_id: ProjectId, query: ExperimentQuery) -> Page[Experiment]:
        """By latest activity. A span's later rows change no count: items are counted by id."""
        where = _conditions(project_id, query)
        having = ""
        if query.before:
            ended, (last,) = query.before
            having = f"HAVING (ended, experiment_id) < ({where.place(TIME, ended)}, {where.place('String', last)})"
        texts = ", ".join(
            f"argMaxIf(experiment['{name}'], row_version, experiment['{name}'] != '') AS {name}"
            for name in ("name", "description", "metadata", "dataset_id")
        )
        sql = (
            f"SELECT experiment_id, {texts}, min(start_time) AS started, max(ifNull(end_time, start_time)) AS ended, "
            f"uniqExactIf(trace_id, id, {IS_ITEM}) AS items "
            f"FROM observations FINAL WHERE {where} AND {OBSERVED} GROUP BY experiment_id {having} "
            f"ORDER BY ended DESC, experiment_id DESC LIMIT {query.limit + 1}"
        )
        found = [_experiment(row) for row in await self._engine.query(sql, where.params)]
        return Page(found[: query.limit], more=len(found) > query.limit)

    async def items(self, project_id: ProjectId, query: ExperimentQuery) -> Page[Observation]:
        """The observations that stand for items, newest first."""
        where = _conditions(project_id, query)
        where.add_clause(IS_ITEM)
        if query.before:
            started, ids = query.before
            places = [where.place(TIME, started), *(where.place("String", each) for each in ids)]
            where.add_clause(f"(start_time, trace_id, id) < ({', '.join(places)})")
        sql = (
            f"SELECT {WIDE} FROM observations FINAL WHERE {where} AND {OBSERVED} "
            f"ORDER BY start_time DESC, trace_id DESC, id DESC LIMIT {query.limit + 1}"
        )
        found = [observation_of(row) for row in await self._engine.query(sql, where.params)]
        return Page(found[: query.limit], more=len(found) > query.limit)

    async def ran(
        self, project_id: ProjectId, experiment_ids: Sequence[str], window: Window, trace_ids: Sequence[TraceId] = ()
    ) -> list[TracedItem]:
        """Which items these experiments ran, all of them or those of some traces, newest first."""
        if not experiment_ids:
            return []
        where = Where(project_id)
        where.add("experiment_id IN", "Array(String)", list(experiment_ids))
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        add_window(where, window, "start_time")
        where.add_clause(IS_ITEM)
        sql = (
            "SELECT experiment_id, experiment['item_id'] AS item_id, trace_id, id, start_time AS started "
            f"FROM observations FINAL WHERE {where} AND {OBSERVED} ORDER BY started DESC, trace_id DESC, id DESC"
        )
        return [_traced(row) for row in await self._engine.query(sql, where.params)]

    async def of_traces(
        self, project_id: ProjectId, trace_ids: Sequence[TraceId], ids: Sequence[ObservationId]
    ) -> list[Observation]:
        """The roots of these traces, rows that stand for traces too, and their observations of these ids; by start."""
        if not trace_ids:
            return []
        where = Where(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        wanted = f"(is_root OR kind = '{TRACE_ROW}' OR id IN {where.place('Array(String)', list(ids))})"
        sql = f"SELECT {WIDE} FROM {rows_of_traces(where)} AND {wanted} ORDER BY start_time, id"
        return [observation_of(row) for row in await self._engine.query(sql, where.params)]

    async def forget(self, project_id: ProjectId, experiment_ids: Sequence[str]) -> None:
        """Take these experiments off their spans, which stay, and delete the scores on them as a whole."""
        if not experiment_ids:
            return
        where = Where(project_id)
        ids = where.place("Array(String)", list(experiment_ids))
        marked = f"{where} AND experiment_id IN {ids}"
        # A mutation rewrites parts of the whole table, so only for experiments that spans tell of.
        if await self._engine.query(f"SELECT 1 AS found FROM observations WHERE {marked} LIMIT 1", where.params):
            none = "experiment_id = '', experiment = CAST(map(), 'Map(LowCardinality(String), String)')"
            update = f"ALTER TABLE observations UPDATE {none} WHERE {marked} SETTINGS {AT_ONCE}"
            await self._engine.execute(update, where.params)
        await self._engine.execute(f"DELETE FROM scores WHERE {where} AND dataset_run_id IN {ids}", where.params)


def _conditions(project_id: ProjectId, query: ExperimentQuery) -> Where:
    where = Where(project_id)
    where.add_clause("experiment_id != ''")
    add_window(where, query.window, "start_time")
    where.add("experiment_id IN", "Array(String)", query.ids)
    where.add("experiment_id NOT IN", "Array(String)", query.without_ids)
    where.add("experiment['name'] IN", "Array(String)", query.names)
    where.add("experiment['dataset_id'] IN", "Array(String)", query.dataset_ids)
    where.add("experiment['item_id'] IN", "Array(String)", query.item_ids)
    return where


def _experiment(row: Mapping[str, Any]) -> Experiment:
    return Experiment(
        id=row["experiment_id"],
        name=row["name"] or row["experiment_id"],
        description=row["description"] or None,
        metadata=row["metadata"] or None,
        dataset_id=row["dataset_id"] or None,
        start_time=moment(row["started"]),
        end_time=moment(row["ended"]),
        item_count=row["items"],
    )


def _traced(row: Mapping[str, Any]) -> TracedItem:
    return TracedItem(
        experiment_id=row["experiment_id"],
        item_id=row["item_id"] or row["id"],
        trace_id=TraceId(row["trace_id"]),
        observation_id=ObservationId(row["id"]),
        start_time=moment(row["started"]),
    )
