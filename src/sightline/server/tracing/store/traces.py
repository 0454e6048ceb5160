# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Reading traces: aggregations of observation rows, found through narrow columns in slices of time.

The newest traces of a project are among those that the newest rows belong to. A slice of rows from `since` on holds a
row of every trace that began in it, so of its traces those that began in it are complete and in their final order;
only when they are fewer than wanted the next, larger slice is read. A search does the same over the newest rows that
hold its text.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import Page, ProjectId, Trace, TraceId, TraceQuery
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.rows import moment
from sightline.server.tracing.store.search import WAYS, rows_holding
from sightline.server.tracing.store.summaries import (
    AGGREGATES,
    COLUMNS,
    TRACE_COLUMNS,
    text_aggregate,
    trace_holds,
    trace_of,
)

FIRST_SLICE_ROWS = 2_000
SLICE_GROWTH = 8
FILTERED_SLICE_ROWS = 20_000
"""With filters a slice says little about how far to go on: after one of this size everything is read."""
SEARCHED_ROWS = 1_000
LONGEST_TRACE = timedelta(days=1)
"""In a window that has ended, texts are looked for in rows that began up to so long after it."""
TIME = "DateTime64(6, 'UTC')"
TICK = timedelta(microseconds=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(2260, 1, 1, tzinfo=UTC)

RowKey = tuple[str, str, int]
"""Trace id, observation id and version of a row."""


class TraceStore:
    """Traces of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def one(self, project_id: ProjectId, trace_id: TraceId, *, whole: bool) -> Trace | None:
        found = await self._summaries(project_id, [trace_id], whole=whole)
        return found[0] if found else None

    async def page(self, project_id: ProjectId, query: TraceQuery) -> Page[Trace]:
        wanted = query.offset + query.limit + 1
        ids = await self._find(project_id, query, wanted)
        chosen = ids[query.offset : query.offset + query.limit]
        traces = {trace.id: trace for trace in await self._summaries(project_id, chosen, whole=query.whole)}
        total = await self._count(project_id, query) if query.counted else None
        return Page([traces[one] for one in chosen if one in traces], total=total, more=len(ids) == wanted)

    async def _find(self, project_id: ProjectId, query: TraceQuery, wanted: int) -> list[TraceId]:
        """The first `wanted` trace ids in the order asked for."""
        newest_first = not query.ascending
        since, until = query.window.start or BEGINNING, query.window.end or END
        if query.before:
            until = min(until, query.before[0] + TICK)
        if query.search and newest_first and query.order_by == "timestamp":
            return await self._search(project_id, query, (since, until), wanted)
        filtered = bool(_filters(Conditions(project_id), query))
        rows: int | None = FILTERED_SLICE_ROWS if filtered else FIRST_SLICE_ROWS
        if query.order_by != "timestamp":
            rows = None
        while True:
            edge = rows and await self._slice_edge(project_id, (since, until), rows, newest_first=newest_first)
            low, high = (edge or since, until) if newest_first else (since, edge or until)
            found = await self._found_in(project_id, query, (low, high), wanted)
            if not edge or len(found) >= wanted:
                return found
            rows = None if filtered or rows is None else rows * SLICE_GROWTH

    async def _slice_edge(
        self, project_id: ProjectId, span: tuple[datetime, datetime], rows: int, *, newest_first: bool
    ) -> datetime | None:
        """The time at which a slice of so many rows ends; None when all rows of the span fit into it."""
        where = Conditions(project_id)
        where.add("start_time >=", TIME, span[0])
        where.add("start_time <", TIME, span[1])
        direction = "DESC" if newest_first else "ASC"
        sql = f"SELECT start_time FROM observations WHERE {where} ORDER BY start_time {direction} LIMIT 1 OFFSET {rows}"
        answer = await self._engine.query(sql, where.params)
        if not answer:
            return None
        edge = moment(answer[0]["start_time"])
        return edge if newest_first else edge + TICK

    async def _search(
        self, project_id: ProjectId, query: TraceQuery, span: tuple[datetime, datetime], wanted: int
    ) -> list[TraceId]:
        """The newest matching traces, found through the newest rows that hold the text."""
        rows = SEARCHED_ROWS
        while True:
            edge, holding = await self._rows_holding(project_id, query.search or "", span, rows)
            found = await self._found_in(project_id, query, (edge or span[0], span[1]), wanted, holding)
            if edge is None or len(found) >= wanted:
                return found
            rows *= SLICE_GROWTH

    async def _rows_holding(
        self, project_id: ProjectId, text: str, span: tuple[datetime, datetime], limit: int
    ) -> tuple[datetime | None, list[RowKey]]:
        """The newest rows that hold `text`, and the time from which on none is left out; None when none is."""
        edge: datetime | None = None
        keys: list[RowKey] = []
        for way in WAYS:
            where = Conditions(project_id)
            where.add("start_time >=", TIME, span[0])
            where.add("start_time <", TIME, min(span[1], END - LONGEST_TRACE) + LONGEST_TRACE)
            where.add_clause(way(where, text))
            sql = (
                f"SELECT trace_id, id, row_version, start_time FROM observations WHERE {where} "
                f"ORDER BY start_time DESC LIMIT {int(limit)}"
            )
            rows = await self._engine.query(sql, where.params)
            keys += [(row["trace_id"], row["id"], row["row_version"]) for row in rows]
            if len(rows) == limit:
                last = moment(rows[-1]["start_time"]) + TICK
                edge = max(edge or last, last)
        return edge, keys

    async def _found_in(
        self,
        project_id: ProjectId,
        query: TraceQuery,
        span: tuple[datetime, datetime],
        limit: int,
        holding: Sequence[RowKey] | None = None,
    ) -> list[TraceId]:
        """Matching traces that began within `span`, in order; `holding` are the rows that hold the text, if known."""
        where = Conditions(project_id)
        matching = matching_traces(where, query, span, holding)
        direction = "ASC" if query.ascending else "DESC"
        order = f"ordered {direction}, timestamp {direction}, trace_id {direction}"
        sql = f"SELECT trace_id FROM ({matching}) ORDER BY {order} LIMIT {int(limit)}"
        return [TraceId(row["trace_id"]) for row in await self._engine.query(sql, where.params)]

    async def _count(self, project_id: ProjectId, query: TraceQuery) -> int:
        where = Conditions(project_id)
        span = (query.window.start or BEGINNING, query.window.end or END)
        matching = matching_traces(where, replace(query, before=None), span)
        rows = await self._engine.query(f"SELECT count() AS total FROM ({matching})", where.params)
        return int(rows[0]["total"])

    async def _summaries(self, project_id: ProjectId, trace_ids: Sequence[TraceId], *, whole: bool) -> list[Trace]:
        if not trace_ids:
            return []
        where = Conditions(project_id)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        suffix = "" if whole else "_preview"
        texts = [f"{kind}{side}{suffix}" for kind in ("", "trace_") for side in ("input", "output")]
        fields = ", ".join(f"{sql} AS f_{name}" for name, sql in AGGREGATES.items())
        sql = (
            f"SELECT trace_id, {fields}, {text_aggregate('input' + suffix)} AS f_input, "
            f"{text_aggregate('output' + suffix)} AS f_output "
            f"FROM ({newest(COLUMNS, str(where), texts)}) GROUP BY trace_id"
        )
        rows = await self._engine.query(sql, where.params)
        return [trace_of({key.removeprefix("f_"): value for key, value in row.items()}, project_id) for row in rows]


def newest(columns: str, where: str, more: Sequence[str] = ()) -> str:
    """The newest row of each observation."""
    listed = ", ".join((columns, *more))
    return f"SELECT {listed} FROM observations WHERE {where} ORDER BY row_version DESC LIMIT 1 BY trace_id, id"


def matching_traces(
    where: Conditions,
    query: TraceQuery,
    span: tuple[datetime, datetime],
    holding: Sequence[RowKey] | None = None,
) -> str:
    """SELECT of `trace_id, timestamp, ended, error_count, ordered` of the traces that match and began within `span`.

    Each filter first narrows the trace ids through the rows' indexes, then is checked on the newest rows. `holding` are
    the rows that hold the text of a search, where that was found out before.
    """
    project = str(where)
    low, high = where.place(TIME, span[0]), where.place(TIME, span[1])
    from_low = f"{project} AND start_time >= {low}"
    ids = [f"SELECT trace_id FROM observations WHERE {from_low} AND start_time < {high}"]
    having = [f"timestamp >= {low} AND timestamp < {high}"]
    for rows_hold, all_hold in _filters(where, query):
        having.append(all_hold)
        if rows_hold:
            ids.append(f"SELECT trace_id FROM observations WHERE {from_low} AND {rows_hold}")
    if query.search:
        rows = rows_holding(where, query.search, from_low) if holding is None else _listed(where, holding)
        ids.append(f"SELECT trace_id FROM ({rows})")
        having.append(f"countIf((trace_id, id, row_version) IN ({rows})) > 0")
    if query.before:
        cursor = f"{where.place(TIME, query.before[0])}, {where.place('String', query.before[1])}"
        having.append(f"(timestamp, trace_id) < ({cursor})")
    rows = newest(COLUMNS, " AND ".join((project, *(f"trace_id IN ({sql})" for sql in ids))))
    fields = ", ".join(f"{AGGREGATES[name]} AS {name}" for name in ("timestamp", "error_count"))
    more = f"{AGGREGATES['end_time']} AS ended, {TRACE_COLUMNS[query.order_by]} AS ordered"
    return f"SELECT trace_id, {fields}, {more} FROM ({rows}) GROUP BY trace_id HAVING {' AND '.join(having)}"


def _filters(where: Conditions, query: TraceQuery) -> list[tuple[str | None, str]]:
    """For each filter: what some row of the trace must hold, if an index can help, and what the trace must hold."""
    filters: list[tuple[str | None, str]] = []
    equal: dict[str, tuple[str | None, str | None]] = {
        "name": (query.name, "(trace_name = {0} OR name = {0})"),
        "user_id": (query.user_id, "user_id = {0}"),
        "session_id": (query.session_id, "session_id = {0}"),
        "version": (query.version, None),
        "release": (query.release, "release = {0}"),
    }
    for field, (value, rows_hold) in equal.items():
        if value is not None:
            place = where.place("String", value)
            filters.append((rows_hold and rows_hold.format(place), f"{AGGREGATES[field]} = {place}"))
    if query.ids:
        place = where.place("Array(String)", list(query.ids))
        filters.append((f"trace_id IN {place}", f"trace_id IN {place}"))
    if query.window.environments:
        place = where.place("Array(String)", list(query.window.environments))
        filters.append((None, f"{AGGREGATES['environment']} IN {place}"))
    if query.tags:
        place = where.place("Array(String)", list(query.tags))
        filters.append((f"hasAny(tags, {place})", f"hasAll({AGGREGATES['tags']}, {place})"))
    if query.errors_only:
        filters.append(("level = 'ERROR'", "error_count > 0"))
    filters += [(None, trace_holds(where, condition)) for condition in query.conditions]
    return filters


def _listed(where: Conditions, rows: Sequence[RowKey]) -> str:
    """SELECT of these very rows."""
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    kinds = ("Array(String)", "Array(String)", "Array(UInt64)")
    places = [where.place(kind, list(column)) for kind, column in zip(kinds, columns, strict=True)]
    keys = f"SELECT arrayJoin(arrayZip({', '.join(places)})) AS key"
    return f"SELECT key.1 AS trace_id, key.2 AS id, key.3 AS row_version FROM ({keys})"
