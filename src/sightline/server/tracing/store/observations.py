# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Reading, counting and deleting observations. A row counts only if it is the newest of its id."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import (
    EPOCH,
    Condition,
    Observation,
    ObservationId,
    ObservationQuery,
    Page,
    ProjectId,
    TraceId,
)
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.filters import OBSERVATION_COLUMNS, holds
from sightline.server.tracing.store.inherited import INHERITED_COLUMNS, filled, inherits, lacking, near, summed
from sightline.server.tracing.store.matching import BEGINNING, END, TICK, TIME, Span
from sightline.server.tracing.store.rows import TRACE_ROW, WIDE, observation_of
from sightline.server.tracing.store.slices import Slicing

IS_OBSERVATION = f"kind != '{TRACE_ROW}'"
COUNTED_EXACTLY = 1_000_000
CANDIDATES = 50
"""Rows looked at beyond those wanted, so that a few replaced ones rarely cost another query."""


class ObservationStore:
    """Observations of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine
        self._slicing = Slicing(engine)

    async def one(
        self, project_id: ProjectId, observation_id: ObservationId, trace_id: TraceId | None
    ) -> Observation | None:
        where = Conditions(project_id, by_id=True)
        where.add("id =", "String", observation_id)
        where.add("trace_id =", "String", trace_id)
        where.add_clause(IS_OBSERVATION)
        sql = f"SELECT {WIDE} FROM observations WHERE {where} ORDER BY row_version DESC LIMIT 1"
        rows = await self._engine.query(sql, where.params)
        return observation_of(rows[0]) if rows else None

    async def newest(self, project_id: ProjectId, ids: Collection[ObservationId]) -> list[Observation]:
        """The newest row of each observation with one of these ids, whole; rows that stand for traces too."""
        if not ids:
            return []
        where = Conditions(project_id, by_id=True)
        where.add("id IN", "Array(String)", sorted(ids))
        sql = f"SELECT {WIDE} FROM observations WHERE {where} ORDER BY row_version DESC LIMIT 1 BY trace_id, id"
        return [observation_of(row) for row in await self._engine.query(sql, where.params)]

    async def delete_moved(self, project_id: ProjectId, old: Sequence[Observation]) -> None:
        """Delete the rows of observations that now begin at another time or belong to another trace.

        The engine replaces rows of the same time only.
        """
        for observation in old:
            where = Conditions(project_id)
            where.add("id =", "String", observation.id)
            where.add("trace_id =", "String", observation.trace_id)
            # As a number: the engine keeps the condition as text, and a time near 1970 does not read back from it.
            microseconds = (observation.start_time - EPOCH) // timedelta(microseconds=1)
            where.add("toUnixTimestamp64Micro(start_time) =", "Int64", microseconds)
            await self._engine.execute(f"DELETE FROM observations WHERE {where}", where.params)

    async def page(self, project_id: ProjectId, query: ObservationQuery) -> Page[Observation]:
        """Newest first. Keys are found through narrow columns, whole rows are read only for the page."""
        wanted = query.offset + query.limit + 1
        keys = await self._newest_keys(project_id, query, wanted)
        chosen = keys[query.offset : query.offset + query.limit]
        total = await self._count(project_id, query) if query.counted else None
        items = await self._filled(project_id, query, await self._read(project_id, chosen))
        return Page(items, total=total, more=len(keys) == wanted)

    async def ids_by_trace(
        self, project_id: ProjectId, trace_ids: Sequence[TraceId]
    ) -> dict[TraceId, list[ObservationId]]:
        """The ids of these traces' observations, each trace's by start."""
        if not trace_ids:
            return {}
        where = Conditions(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        where.add_clause(IS_OBSERVATION)
        sql = (
            "SELECT trace_id, arrayMap(pair -> pair.2, arraySort(groupArray((started, id)))) AS ids FROM "
            f"(SELECT trace_id, id, min(start_time) AS started FROM observations WHERE {where} GROUP BY trace_id, id) "
            "GROUP BY trace_id"
        )
        rows = await self._engine.query(sql, where.params)
        return {TraceId(row["trace_id"]): [ObservationId(each) for each in row["ids"]] for row in rows}

    async def delete_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        where = Conditions(project_id)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        await self._engine.execute(f"DELETE FROM observations WHERE {where}", where.params)

    async def _newest_keys(self, project_id: ProjectId, query: ObservationQuery, wanted: int) -> list[dict[str, Any]]:
        """Up to `wanted` keys of matching rows that no later row of the same id and start has replaced."""
        span = _span(query)
        slices = await self._slicing.of(project_id, span)
        while True:
            found = await self._newest_since(project_id, query, slices.low, wanted)
            if len(found) >= wanted or slices.is_last:
                return found[:wanted]
            slices.grow()

    async def _newest_since(
        self, project_id: ProjectId, query: ObservationQuery, low: datetime, wanted: int
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        skip, step = 0, wanted + CANDIDATES
        where = await self._matching(project_id, query, low)
        where.add("start_time >=", TIME, low)
        while len(found) < wanted:
            # Ordered by the table's own key, and by no more: the engine then reads no further than it must.
            sql = (
                f"SELECT trace_id, id, start_time, row_version FROM observations WHERE {where} "
                f"ORDER BY start_time DESC, trace_id DESC, id DESC LIMIT {step} OFFSET {skip}"
            )
            candidates = await self._engine.query(sql, where.params)
            newest = await self._newest_versions(project_id, candidates)
            found += [row for row in candidates if newest[row["trace_id"], row["id"]] == row["row_version"]]
            if len(candidates) < step:
                break
            skip += step
        return found

    async def _matching(self, project_id: ProjectId, query: ObservationQuery, low: datetime = BEGINNING) -> Conditions:
        """What an observation that begins at `low` or later must hold; `low` itself is left to others.

        Other rows of its trace are looked at only where some observation does not say itself what is asked.
        """
        where = _conditions(project_id, query)
        begin, end = _span(query)
        for condition in _inherited(query):
            field = INHERITED_COLUMNS[condition.column]
            lacking = where.fork()
            lacking.add("start_time >=", TIME, low)
            sql = f"SELECT 1 AS found FROM observations WHERE {where} AND {lacking} AND {field.missing} LIMIT 1"
            if await self._engine.query(sql, where.params):
                rows = near(where.fork(), (max(begin, low), end))
                rows.add("trace_id =", "String", query.trace_id)
                where.add_clause(inherits(where, condition, rows))
            else:
                where.add_clause(holds(where, condition, field.own))
        return where

    async def _newest_versions(
        self, project_id: ProjectId, rows: Sequence[dict[str, Any]]
    ) -> dict[tuple[str, str], int]:
        """The newest version of each of these rows, newest first, among those that start within their time."""
        if not rows:
            return {}
        where = Conditions(project_id)
        where.add("start_time >=", TIME, rows[-1]["start_time"])
        where.add("start_time <=", TIME, rows[0]["start_time"])
        where.add("id IN", "Array(String)", sorted({row["id"] for row in rows}))
        sql = f"SELECT trace_id, id, max(row_version) AS newest FROM observations WHERE {where} GROUP BY trace_id, id"
        answer = await self._engine.query(sql, where.params)
        return {(row["trace_id"], row["id"]): row["newest"] for row in answer}

    async def _read(self, project_id: ProjectId, keys: Sequence[dict[str, Any]]) -> list[Observation]:
        if not keys:
            return []
        where = Conditions(project_id)
        where.add("start_time >=", TIME, keys[-1]["start_time"])
        where.add("start_time <=", TIME, keys[0]["start_time"])
        where.add("id IN", "Array(String)", [key["id"] for key in keys])
        where.add("row_version IN", "Array(UInt64)", [key["row_version"] for key in keys])
        rows = await self._engine.query(f"SELECT {WIDE} FROM observations WHERE {where}", where.params)
        by_key = {(row["trace_id"], row["id"], row["row_version"]): row for row in rows}
        places = [(key["trace_id"], key["id"], key["row_version"]) for key in keys]
        return [observation_of(by_key[place]) for place in places if place in by_key]

    async def _filled(
        self, project_id: ProjectId, query: ObservationQuery, observations: list[Observation]
    ) -> list[Observation]:
        """With what the query wants of their traces."""
        traces = lacking(observations, query.inherited)
        if not traces:
            return observations
        times = [observation.start_time for observation in observations]
        where = near(Conditions(project_id), (min(times), max(times) + TICK))
        where.add("trace_id IN", "Array(String)", traces)
        rows = await self._engine.query(summed(where, query.inherited), where.params)
        by_trace = {row["trace_id"]: row for row in rows}
        return [filled(each, by_trace.get(each.trace_id, {})) for each in observations]

    async def _count(self, project_id: ProjectId, query: ObservationQuery) -> int:
        """Exact up to a million rows; of more, rows that were replaced but not merged yet count too."""
        matching = await self._matching(project_id, query)
        [rows] = await self._engine.query(
            f"SELECT count() AS total FROM observations WHERE {matching}", matching.params
        )
        if rows["total"] > COUNTED_EXACTLY:
            return int(rows["total"])
        everything = Conditions(project_id)
        sql = (
            f"SELECT count() AS total FROM (SELECT argMax({matching}, row_version) AS matches "
            f"FROM observations WHERE {everything} AND id IN (SELECT id FROM observations WHERE {matching}) "
            "GROUP BY trace_id, id) WHERE matches"
        )
        return int((await self._engine.query(sql, matching.params))[0]["total"])


def _span(query: ObservationQuery) -> Span:
    """The time in which observations that match begin."""
    until = query.window.end or END
    if query.before:
        until = min(until, query.before[0] + TICK)
    return query.window.start or BEGINNING, until


def _conditions(project_id: ProjectId, query: ObservationQuery) -> Conditions:
    """What an observation itself must hold."""
    where = Conditions(project_id)
    where.add_clause(IS_OBSERVATION)
    where.add_window(query.window, "start_time")
    texts = {
        "trace_id": query.trace_id,
        "parent_id": query.parent_id,
        "name": query.name,
        "kind": query.kind,
        "level": query.level,
        "version": query.version,
    }
    for column, value in texts.items():
        where.add(f"{column} =", "String", None if value is None else str(value))
    where.add("id IN", "Array(String)", list(query.ids))
    where.add("is_root =", "UInt8", query.is_root)
    for condition in query.conditions:
        if condition.column in OBSERVATION_COLUMNS:
            where.add_clause(holds(where, condition, OBSERVATION_COLUMNS[condition.column]))
    if query.before:
        start_time, trace_id, observation_id = query.before
        places = (
            where.place(TIME, start_time),
            where.place("String", trace_id),
            where.place("String", observation_id),
        )
        where.add_clause(f"start_time <= {places[0]}")  # Lets the primary key end the scan; the next line is exact.
        where.add_clause(f"(start_time, trace_id, id) < ({', '.join(places)})")
    return where


def _inherited(query: ObservationQuery) -> list[Condition]:
    """The conditions on what observations may have from their trace."""
    equal = {"userId": query.user_id, "sessionId": query.session_id, "traceName": query.trace_name}
    conditions = [
        Condition(type="string", column=column, operator="=", value=value)
        for column, value in equal.items()
        if value is not None
    ]
    return conditions + [each for each in query.conditions if each.column in INHERITED_COLUMNS]
