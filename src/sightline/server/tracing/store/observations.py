# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Reading, counting and deleting observations."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sightline.server.questions.clickhouse import add_conditions
from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables.observations import GONE
from sightline.server.tracing.fields import OBSERVATION_FIELDS, OBSERVED, asked
from sightline.server.tracing.metering import CALLS
from sightline.server.tracing.records import (
    Condition,
    Inherited,
    Observation,
    ObservationId,
    ObservationQuery,
    Page,
    ProjectId,
    TraceId,
)
from sightline.server.tracing.store.rows import WIDE, observation_of
from sightline.server.tracing.store.traces import TraceSource
from sightline.server.tracing.store.windows import add_window

NEWEST_FIRST = "ORDER BY start_time DESC, trace_id DESC, id DESC"
"""The primary key in reverse and nothing else, so that the engine reads in key order and stops at the LIMIT."""


class ObservationStore:
    """Observations of the analytics engine."""

    def __init__(self, engine: ObservationsEngine, source: TraceSource) -> None:
        self._engine = engine
        self._source = source

    async def one(
        self, project_id: ProjectId, observation_id: ObservationId, trace_id: TraceId | None
    ) -> Observation | None:
        where = Where(project_id, by_id=True)
        where.add("id =", "String", observation_id)
        where.add("trace_id =", "String", trace_id)
        sql = f"SELECT {WIDE} FROM observations FINAL WHERE {where} AND {OBSERVED} ORDER BY row_version DESC LIMIT 1"
        rows = await self._engine.query(sql, where.params)
        return observation_of(rows[0]) if rows else None

    async def newest(self, project_id: ProjectId, ids: Collection[ObservationId]) -> list[Observation]:
        """The newest row of each observation with one of these ids, whole; rows that stand for traces too.

        Rows just written may not be indexed yet, so the stale row of another start time may coexist.
        """
        if not ids:
            return []
        where = Where(project_id, by_id=True)
        where.add("id IN", "Array(String)", sorted(ids))
        sql = (
            f"SELECT {WIDE} FROM observations FINAL WHERE {where} AND kind != '{GONE}' "
            "ORDER BY row_version DESC LIMIT 1 BY trace_id, id"
        )
        return [observation_of(row) for row in await self._engine.query(sql, where.params)]

    async def delete_from_trace(self, project_id: ProjectId, old: Sequence[Observation]) -> None:
        """Delete observations that belong to another trace now."""
        for observation in old:
            where = Where(project_id)
            where.add("id =", "String", observation.id)
            where.add("trace_id =", "String", observation.trace_id)
            await self._engine.execute(f"DELETE FROM observations WHERE {where}", where.params)

    async def page(self, project_id: ProjectId, query: ObservationQuery) -> Page[Observation]:
        """A page, newest first. Late materialisation: narrow key columns first, whole rows only for the page."""
        where = _matching(project_id, query)
        sql = (
            f"SELECT trace_id, id, start_time FROM observations FINAL WHERE {where} {NEWEST_FIRST} "
            f"LIMIT {query.limit + 1} OFFSET {query.offset}"
        )
        keys = await self._engine.query(sql, where.params)
        total = await self._count(project_id, query) if query.counted else None
        items = await self._filled(project_id, query, await self._read(project_id, keys[: query.limit]))
        return Page(items, total=total, more=len(keys) > query.limit)

    async def ids_by_trace(
        self, project_id: ProjectId, trace_ids: Sequence[TraceId]
    ) -> dict[TraceId, list[ObservationId]]:
        """The ids of these traces' observations, each trace's by start."""
        if not trace_ids:
            return {}
        where = Where(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        sql = (
            "SELECT trace_id, arrayMap(pair -> pair.2, arraySort(groupArray((start_time, id)))) AS ids "
            f"FROM observations FINAL WHERE {where} AND {OBSERVED} GROUP BY trace_id"
        )
        rows = await self._engine.query(sql, where.params)
        return {TraceId(row["trace_id"]): [ObservationId(each) for each in row["ids"]] for row in rows}

    async def around_calls(
        self, project_id: ProjectId, trace_ids: Collection[TraceId]
    ) -> set[tuple[TraceId, ObservationId]]:
        """The ancestors of every model call of these traces: such a span wraps calls and is none itself."""
        where = Where(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", sorted(trace_ids))
        calls = ", ".join(f"'{kind}'" for kind in sorted(CALLS))
        sql = (
            f"SELECT trace_id, id, parent_id, kind IN ({calls}) AS is_call "
            f"FROM observations FINAL WHERE {where} AND {OBSERVED}"
        )
        rows = await self._engine.query(sql, where.params)
        parents = {(row["trace_id"], row["id"]): (row["trace_id"], row["parent_id"]) for row in rows}
        found: set[tuple[TraceId, ObservationId]] = set()
        for row in rows:
            above = parents[row["trace_id"], row["id"]] if row["is_call"] else None
            while above in parents and above not in found:
                found.add(above)
                above = parents[above]
        return found

    async def delete_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        where = Where(project_id)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        await self._engine.execute(f"DELETE FROM observations WHERE {where}", where.params)

    async def _read(self, project_id: ProjectId, keys: Sequence[dict[str, Any]]) -> list[Observation]:
        if not keys:
            return []
        where = Where(project_id)
        where.add("start_time >=", TIME, keys[-1]["start_time"])
        where.add("start_time <=", TIME, keys[0]["start_time"])
        where.add("trace_id IN", "Array(String)", [key["trace_id"] for key in keys])
        where.add("id IN", "Array(String)", [key["id"] for key in keys])
        sql = f"SELECT {WIDE} FROM observations FINAL WHERE {where} AND {OBSERVED}"
        by_key = {(row["trace_id"], row["id"]): row for row in await self._engine.query(sql, where.params)}
        places = [(key["trace_id"], key["id"]) for key in keys]
        return [observation_of(by_key[place]) for place in places if place in by_key]

    async def _filled(
        self, project_id: ProjectId, query: ObservationQuery, observations: list[Observation]
    ) -> list[Observation]:
        """With what the query wants of their traces, where they say nothing themselves."""
        traces = {each.trace_id for each in observations if _lacks(each, query.inherited)}
        if not traces:
            return observations
        where = Where(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", sorted(traces))
        columns = ", ".join(sorted(query.inherited))
        rows = await self._engine.query(f"SELECT trace_id, {columns} FROM {self._source.of(where)}", where.params)
        by_trace = {row["trace_id"]: row for row in rows}
        return [_with_inherited(each, query.inherited, by_trace.get(each.trace_id, {})) for each in observations]

    async def _count(self, project_id: ProjectId, query: ObservationQuery) -> int:
        where = _matching(project_id, replace(query, before=None))
        sql = f"SELECT count() AS total FROM observations FINAL WHERE {where}"
        return int((await self._engine.query(sql, where.params))[0]["total"])


def _matching(project_id: ProjectId, query: ObservationQuery) -> Where:
    where = Where(project_id)
    where.add_clause(OBSERVED)
    add_window(where, query.window, "start_time")
    where.add("id IN", "Array(String)", list(query.ids))
    where.add("is_root =", "UInt8", query.is_root)
    add_conditions(where, [*_conditions(query), *query.conditions], OBSERVATION_FIELDS)
    if query.before:
        start_time, trace_id, observation_id = query.before
        places = where.place(TIME, start_time), where.place("String", trace_id), where.place("String", observation_id)
        where.add_clause(f"start_time <= {places[0]}")  # Prunes by the primary key; the keyset condition is next.
        where.add_clause(f"(start_time, trace_id, id) < ({', '.join(places)})")
    return where


def _conditions(query: ObservationQuery) -> list[Condition]:
    """The simple parameters of a query as conditions."""
    equal = {
        "traceId": query.trace_id,
        "parentObservationId": query.parent_id,
        "name": query.name,
        "type": query.kind,
        "level": query.level,
        "version": query.version,
        "userId": query.user_id,
        "sessionId": query.session_id,
        "traceName": query.trace_name,
    }
    return asked(equal)


def _lacks(observation: Observation, fields: Collection[Inherited]) -> bool:
    return any(not getattr(observation.trace, field) for field in fields)


def _with_inherited(observation: Observation, fields: Collection[Inherited], row: dict[str, Any]) -> Observation:
    missing: dict[str, Any] = {
        field: tuple(row[field]) if field == "tags" else row[field]
        for field in fields
        if row.get(field) and not getattr(observation.trace, field)
    }
    return replace(observation, trace=replace(observation.trace, **missing)) if missing else observation
