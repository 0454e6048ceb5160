# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Reading traces: rows of the index of traces, and the observations of one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sightline.server.questions.clickhouse import add_conditions
from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.fields import INDEXED, OBSERVED, TRACE_FIELDS, asked
from sightline.server.tracing.records import Condition, Observation, Page, ProjectId, Trace, TraceId, TraceQuery
from sightline.server.tracing.searching import named, ways
from sightline.server.tracing.store.rows import OUTLINE, WIDE, observation_of
from sightline.server.tracing.store.summaries import (
    LISTED,
    index_from_rows,
    rows_of_traces,
    text_of_trace,
    trace_of,
)
from sightline.server.tracing.store.windows import add_window

TEXTS = ("input", "output")
"""Columns whose whole text is read from the rows."""
FOUND_ROWS = (1_000, 30_000)
"""Over-fetch limits of a search: candidates among the newest observations, before all are scanned."""


class TraceSource:
    """Where the index is read from: its table, or during the backfill an aggregation of the rows."""

    def __init__(self, is_filled: Callable[[], bool]) -> None:
        self._is_filled = is_filled

    def of(self, where: Where) -> str:
        """FROM clause over the index of the project of `where`, with a WHERE that more can be added to."""
        if self._is_filled():
            return f"traces FINAL WHERE {where} AND {INDEXED}"
        return f"{index_from_rows(where.fork())} WHERE {where} AND {INDEXED}"


class TraceStore:
    """Traces of the analytics engine."""

    def __init__(self, engine: ObservationsEngine, source: TraceSource) -> None:
        self._engine = engine
        self._source = source

    async def one(self, project_id: ProjectId, trace_id: TraceId, *, whole: bool) -> Trace | None:
        """A trace; with `whole` its input and output are whole, else previews."""
        where = Where(project_id, by_id=True)
        where.add("trace_id =", "String", trace_id)
        sql = f"SELECT {LISTED}, metadata FROM {self._source.of(where)}"
        rows = await self._engine.query(sql, where.params)
        if whole:
            rows = await self._with_texts(project_id, rows)
        return trace_of(rows[0], project_id) if rows else None

    async def observations(self, project_id: ProjectId, trace_id: TraceId, *, whole: bool) -> list[Observation]:
        """All of a trace, by start; without `whole` without their texts."""
        where = Where(project_id, by_id=True)
        where.add("trace_id =", "String", trace_id)
        columns = WIDE if whole else OUTLINE
        sql = f"SELECT {columns} FROM observations FINAL WHERE {where} AND {OBSERVED} ORDER BY start_time, id"
        return [observation_of(row) for row in await self._engine.query(sql, where.params)]

    async def page(self, project_id: ProjectId, query: TraceQuery) -> Page[Trace]:
        """A page in the order asked for; over-fetches one row to tell whether another page follows."""
        rows = await (self._searched(project_id, query) if _newest_found(query) else self._rows(project_id, query))
        shown = rows[: query.limit]
        if query.whole:
            shown = await self._with_texts(project_id, shown)
        total = await self._count(project_id, query) if query.counted else None
        return Page([trace_of(row, project_id) for row in shown], total=total, more=len(rows) > query.limit)

    async def _searched(self, project_id: ProjectId, query: TraceQuery) -> list[dict[str, Any]]:
        """The newest traces that contain a text, by over-fetching the newest observations that do.

        A trace that begins after the oldest candidate has no earlier row, so none is missed. So a common word needs no
        full scan; each limit that is too small is retried with the next.
        """
        for most in FOUND_ROWS:
            where = Where(project_id)
            where.add("start_time >=", TIME, query.window.start)
            found = [
                await self._engine.query(
                    f"SELECT trace_id, start_time FROM observations FINAL WHERE {where} AND {way} "
                    f" ORDER BY start_time DESC LIMIT {most}",
                    where.params,
                )
                for way in ways(where, query.search or "")
            ]
            edges = [rows[-1]["start_time"] for rows in found if len(rows) == most]
            ids = {row["trace_id"] for rows in found for row in rows}
            rows = await self._rows(project_id, query, found=ids, since=max(edges, default=None))
            if not edges or len(rows) > query.offset + query.limit:
                return rows
        return await self._rows(project_id, query)

    async def _rows(
        self,
        project_id: ProjectId,
        query: TraceQuery,
        *,
        found: Collection[str] | None = None,
        since: str | None = None,
    ) -> list[dict[str, Any]]:
        where = matching(project_id, query, found)
        where.add("timestamp >=", TIME, since)
        direction = "ASC" if query.ascending else "DESC"
        order = f"timestamp {direction}, trace_id {direction}"
        if query.order_by != "timestamp":
            order = f"{TRACE_FIELDS[query.order_by].sql} {direction}, {order}"
        columns = f"{LISTED}, metadata" if query.whole else LISTED
        source = self._source.of(where)
        sql = f"SELECT {columns} FROM {source} ORDER BY {order} LIMIT {query.limit + 1} OFFSET {query.offset}"
        return await self._engine.query(sql, where.params)

    async def _count(self, project_id: ProjectId, query: TraceQuery) -> int:
        where = matching(project_id, query)
        rows = await self._engine.query(f"SELECT count() AS total FROM {self._source.of(where)}", where.params)
        return int(rows[0]["total"])

    async def _with_texts(self, project_id: ProjectId, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Rows of the index with whole texts in place of the previews; the index itself keeps none."""
        if not rows:
            return []
        where = Where(project_id)
        where.add("trace_id IN", "Array(String)", [row["trace_id"] for row in rows])
        where.add("start_time >=", TIME, min(row["timestamp"] for row in rows))
        where.add("start_time <=", TIME, max(row["last_start"] for row in rows))
        texts = ", ".join(f"{text_of_trace(column)} AS whole_{column}" for column in TEXTS)
        calls = (
            "argMinIf(input, start_time, kind = 'GENERATION' AND input != '') AS first_input, "
            "argMaxIf(output, start_time, kind = 'GENERATION' AND output != '') AS last_output"
        )
        sql = f"SELECT trace_id, {texts}, {calls} FROM {rows_of_traces(where)} GROUP BY trace_id"
        found = {row["trace_id"]: row for row in await self._engine.query(sql, where.params)}
        return [dict(row) | _texts(found.get(row["trace_id"], {})) for row in rows]


def matching(project_id: ProjectId, query: TraceQuery, found: Collection[str] | None = None) -> Where:
    """What a row of the index must hold; `found` are the traces whose observations hold what is searched for."""
    where = Where(project_id)
    add_window(where, query.window, "timestamp")
    where.add("trace_id IN", "Array(String)", list(query.ids))
    add_conditions(where, [*_conditions(query), *query.conditions], TRACE_FIELDS)
    if query.search:
        inside = where.place("Array(String)", sorted(found)) if found is not None else _holding(where, query)
        where.add_clause(f"({named(where, query.search)} OR trace_id IN {inside})")
    if query.before:
        places = where.place(TIME, query.before[0]), where.place("String", query.before[1])
        where.add_clause(f"timestamp <= {places[0]}")  # Prunes by the primary key; the keyset condition is next.
        where.add_clause(f"(timestamp, trace_id) < ({', '.join(places)})")
    return where


def _holding(where: Where, query: TraceQuery) -> str:
    """SELECT of the traces whose observations hold what is searched for."""
    rows = where.fork()
    rows.add("start_time >=", TIME, query.window.start)
    selects = (
        f"SELECT trace_id FROM observations FINAL WHERE {rows} AND {way}" for way in ways(where, query.search or "")
    )
    return f"({' UNION ALL '.join(selects)})"


def _newest_found(query: TraceQuery) -> bool:
    return bool(query.search) and query.order_by == "timestamp" and not query.ascending


def _conditions(query: TraceQuery) -> list[Condition]:
    """The simple parameters of a query as conditions."""
    equal = {
        "name": query.name,
        "userId": query.user_id,
        "sessionId": query.session_id,
        "version": query.version,
        "release": query.release,
    }
    found = asked(equal, query.tags)
    if query.errors_only:
        found.append(Condition(type="number", column="errorCount", operator=">", value=0))
    return found


def _texts(row: Mapping[str, Any]) -> dict[str, Any]:
    if not row:
        return {}
    return {
        "input_preview": row["whole_input"] or row["first_input"],
        "output_preview": row["whole_output"] or row["last_output"],
    }
