# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""The index of traces: what it is made from, and what it is made into. Reading it is for the stores that list."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.writer import Row
from sightline.server.tables.observations import GONE
from sightline.server.tracing.fields import INDEXED
from sightline.server.tracing.metering import CALLS, Repeated, Report
from sightline.server.tracing.records import ProjectId, TraceId
from sightline.server.tracing.store.rows import moment, partition_of
from sightline.server.tracing.store.summaries import SUMMARY, rows_of_traces, summary_columns

Span = tuple[datetime, datetime]
"""The first and the last start of rows, both inclusive."""

SAME_CALL = timedelta(minutes=10)
"""Two reports of one call in different traces start within this time."""
METERED = "(notEmpty(usage) OR notEmpty(cost_usd))"
_IS_CALL = f"kind IN ({', '.join(f'{kind!r}' for kind in sorted(CALLS))})"
SIGNS: Mapping[str, str] = {
    "moved": "count() - uniqExact(id)",
    "calls": f"countIf(call_id != '' AND {METERED})",
    "repeats": (
        "countIf(notEmpty(repeated_usage) OR notEmpty(repeated_cost_usd)) > 0 OR "
        f"(countIf({METERED}) > 1 AND (countIf({METERED} AND NOT {_IS_CALL}) > 0 "
        f"OR hasAny(groupArrayIf(id, {METERED}), groupUniqArray(parent_id)) "
        f"OR uniqExactIf(call_id, call_id != '' AND {METERED}) < countIf(call_id != '' AND {METERED})))"
    ),
    "first_call": "argMinIf(id, start_time, kind = 'GENERATION')",
    "last_call": "argMaxIf(id, start_time, kind = 'GENERATION')",
}
"""What tells, without looking at single rows, that a trace needs a closer look."""

COPIED = "SETTINGS min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 268435456, max_threads = 1"
"""Rows that are written again make one part, not one for each block that was read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the index has a trace, and until when its rows start."""

    timestamp: datetime
    last_start: datetime
    row_version: int


@dataclass(frozen=True, slots=True)
class Told:
    """A report with what was found repeated in it so far."""

    report: Report
    repeated: Repeated
    start_time: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What is repeated in an observation now."""

    trace_id: TraceId
    told: Told
    repeated: Repeated


class TraceIndexStore:
    """Rows of observations to rows of the index."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def places(self, project_id: ProjectId, trace_ids: Collection[TraceId]) -> dict[TraceId, Place]:
        """Those of the traces that the index knows."""
        where = Where(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", sorted(trace_ids))
        sql = f"SELECT trace_id, timestamp, last_start, row_version FROM traces FINAL PREWHERE {where} WHERE {INDEXED}"
        rows = await self._engine.query(sql, where.params)
        return {
            TraceId(row["trace_id"]): Place(moment(row["timestamp"]), moment(row["last_start"]), row["row_version"])
            for row in rows
        }

    async def summaries(
        self, project_id: ProjectId, trace_ids: Collection[TraceId], span: Span
    ) -> dict[TraceId, dict[str, Any]]:
        """What the rows of each trace add up to, with `SIGNS`."""
        where = _rows(project_id, trace_ids, span)
        signs = ", ".join(f"{sql} AS f_{name}" for name, sql in SIGNS.items())
        sql = f"SELECT trace_id, {summary_columns()}, {signs} FROM {rows_of_traces(where)} GROUP BY trace_id"
        rows = await self._engine.query(sql, where.params)
        return {TraceId(row["trace_id"]): {key.removeprefix("f_"): value for key, value in row.items()} for row in rows}

    async def reports(
        self, project_id: ProjectId, trace_ids: Collection[TraceId], span: Span
    ) -> dict[TraceId, list[Told]]:
        """Every observation of these traces: those that report nothing connect those that do."""
        where = _rows(project_id, trace_ids, span)
        sql = (
            "SELECT trace_id, id, parent_id, kind, model, start_time, usage, cost_usd, pricing_tier, call_id, "
            f"repeated_usage, repeated_cost_usd FROM {rows_of_traces(where)}"
        )
        found: dict[TraceId, list[Told]] = defaultdict(list)
        for row in await self._engine.query(sql, where.params):
            found[TraceId(row["trace_id"])].append(_told(row))
        return found

    async def calls_elsewhere(
        self, project_id: ProjectId, trace_ids: Collection[TraceId], span: Span
    ) -> dict[TraceId, set[str]]:
        """By trace, the reports of calls that count in another trace: there where the first report of it is.

        Named are all traces that share a call with one of those asked for; one that keeps all its calls has none.
        """
        where = _rows(project_id, trace_ids, span)
        near = where.fork()
        near.add("start_time >=", TIME, span[0] - SAME_CALL)
        near.add("start_time <=", TIME, span[1] + SAME_CALL)
        calls = f"SELECT call_id FROM observations WHERE {where} AND call_id != ''"
        sql = (
            f"SELECT arraySort(groupArray((start_time, trace_id, id))) AS reports FROM {rows_of_traces(near)} "
            f"AND {METERED} AND call_id IN ({calls}) GROUP BY call_id HAVING uniqExact(trace_id) > 1"
        )
        found: dict[TraceId, set[str]] = defaultdict(set)
        for row in await self._engine.query(sql, where.params):
            for reports in _of_one_call(row["reports"]):
                keeper = reports[0][1]
                for _, trace_id, id_ in reports:
                    found[TraceId(trace_id)].update(() if trace_id == keeper else (id_,))
        return found

    async def repeat(self, project_id: ProjectId, changes: Sequence[Change]) -> None:
        """Write observations again with what is repeated in them.

        The next version up: what a client sends meanwhile is later, and wins.
        """
        for month in sorted({partition_of(each.told.start_time) for each in changes}):
            some = [each for each in changes if partition_of(each.told.start_time) == month]
            starts = [each.told.start_time for each in some]
            where = _rows(project_id, {each.trace_id for each in some}, (min(starts), max(starts)))
            where.add("id IN", "Array(String)", sorted({each.told.report.id for each in some}))
            keys = where.place("Array(String)", [f"{each.trace_id} {each.told.report.id}" for each in some])
            usage = where.place("Array(String)", [_json(each.repeated.usage) for each in some])
            cost = where.place("Array(String)", [_json(each.repeated.cost_usd) for each in some])
            place = f"indexOf({keys}, concat(trace_id, ' ', id))"
            await self._engine.execute(
                "INSERT INTO observations SELECT * REPLACE(row_version + 1 AS row_version, "
                f"JSONExtract({usage}[{place}], 'Map(LowCardinality(String), Int64)') AS repeated_usage, "
                f"JSONExtract({cost}[{place}], 'Map(LowCardinality(String), Float64)') AS repeated_cost_usd) "
                f"FROM {rows_of_traces(where)} AND {place} > 0 AND toYYYYMM(start_time) = {int(month)} {COPIED}",
                where.params,
            )

    async def bury(self, project_id: ProjectId, trace_ids: Collection[TraceId], span: Span) -> None:
        """Tombstones for all but the newest row of every observation that was sent again with another start."""
        where = _rows(project_id, trace_ids, span)
        newest = f"SELECT trace_id, id, max(row_version) FROM {rows_of_traces(where)} GROUP BY trace_id, id"
        old = f"{rows_of_traces(where)} AND (trace_id, id, row_version) NOT IN ({newest})"
        months = await self._engine.query(f"SELECT DISTINCT toYYYYMM(start_time) AS month FROM {old}", where.params)
        for month in sorted(row["month"] for row in months):
            await self._engine.execute(
                # From a subquery: in one SELECT the conditions would be about the new values.
                f"INSERT INTO observations SELECT {_TOMBSTONE} FROM (SELECT * FROM {old} "
                f"AND toYYYYMM(start_time) = {int(month)}) {COPIED}",
                where.params,
            )

    async def texts(
        self, project_id: ProjectId, column: str, calls: Iterable[tuple[TraceId, str]], span: Span
    ) -> dict[TraceId, str]:
        """Input or output of these observations, by trace."""
        wanted = dict(calls)
        where = _rows(project_id, wanted, span)
        where.add("id IN", "Array(String)", sorted(wanted.values()))
        sql = f"SELECT trace_id, id, {column} AS text FROM {rows_of_traces(where)}"
        rows = await self._engine.query(sql, where.params)
        return {TraceId(row["trace_id"]): row["text"] for row in rows if wanted[TraceId(row["trace_id"])] == row["id"]}

    async def unindexed(self, margin_ns: int) -> list[tuple[ProjectId, TraceId, Span]]:
        """Traces with rows that the index has not seen, among those not much older than the newest it has seen.

        Project by project: one whose traces could not be indexed for a while must not be passed over for another's.
        """
        newest = "SELECT project_id, max(row_version) AS seen FROM traces GROUP BY project_id"
        late = f"LEFT ANY JOIN ({newest}) AS indexed USING (project_id) WHERE row_version + {{margin:UInt64}} >= seen"
        sql = (
            "SELECT project_id, trace_id, min(start_time) AS first, max(start_time) AS last, "
            f"max(observations.row_version) AS newest FROM observations {late} AND kind != '{GONE}' "
            "GROUP BY project_id, trace_id HAVING (project_id, trace_id, newest) NOT IN "
            f"(SELECT project_id, trace_id, row_version FROM traces {late})"
        )
        return [_unindexed(row) for row in await self._engine.query(sql, {"margin": margin_ns})]

    async def unindexed_on(self, day: datetime) -> list[tuple[ProjectId, TraceId, Span]]:
        """Traces with a row that starts on this day which the index does not know."""
        sql = (
            "SELECT project_id, trace_id, min(start_time) AS first, max(start_time) AS last FROM observations "
            f"WHERE start_time >= {{day:{TIME}}} AND start_time < {{day:{TIME}}} + INTERVAL 1 DAY AND kind != '{GONE}' "
            "AND (project_id, trace_id) NOT IN (SELECT project_id, trace_id FROM traces) GROUP BY project_id, trace_id"
        )
        return [_unindexed(row) for row in await self._engine.query(sql, {"day": day})]

    async def over_several_days(self) -> dict[tuple[ProjectId, TraceId], Span]:
        """Traces with rows on more than one day, whatever replaced them since."""
        sql = (
            "SELECT project_id, trace_id, min(start_time) AS first, max(start_time) AS last FROM observations "
            "GROUP BY project_id, trace_id HAVING toDate(first) != toDate(last)"
        )
        found = (_unindexed(row) for row in await self._engine.query(sql))
        return {(project_id, trace_id): span for project_id, trace_id, span in found}

    async def reach(self, project_id: ProjectId, trace_ids: Collection[TraceId]) -> dict[TraceId, Span]:
        """From when to when rows of these traces start, by the rows: for traces the index does not know."""
        where = Where(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", sorted(trace_ids))
        sql = (
            "SELECT project_id, trace_id, min(start_time) AS first, max(start_time) AS last FROM observations "
            f"WHERE {where} GROUP BY project_id, trace_id"
        )
        found = (_unindexed(row) for row in await self._engine.query(sql, where.params))
        return {trace_id: span for _, trace_id, span in found}

    async def days(self) -> list[datetime]:
        """Days on which observations start, the latest first."""
        sql = "SELECT DISTINCT toStartOfDay(start_time) AS day FROM observations ORDER BY day DESC"
        return [moment(row["day"]) for row in await self._engine.query(sql)]

    async def is_filled(self) -> bool:
        """Whether the index was found to have every trace of the folder."""
        sql = f"SELECT count() AS filled FROM applied_changes WHERE name = '{FILLED}'"
        return bool((await self._engine.query(sql))[0]["filled"])

    async def has_observations(self) -> bool:
        return bool(await self._engine.query("SELECT 1 AS one FROM observations LIMIT 1"))

    async def delete(self, project_id: ProjectId, trace_ids: Collection[TraceId]) -> None:
        where = Where(project_id)
        where.add("trace_id IN", "Array(String)", sorted(trace_ids))
        await self._engine.execute(f"DELETE FROM traces WHERE {where}", where.params)

    async def delete_before(self, project_id: ProjectId, moment_: datetime) -> None:
        """Traces that ended being written before a time."""
        where = Where(project_id)
        where.add("timestamp <", TIME, moment_)
        where.add("last_start <", TIME, moment_)
        if await self._engine.query(f"SELECT 1 AS one FROM traces WHERE {where} LIMIT 1", where.params):
            await self._engine.execute(f"DELETE FROM traces WHERE {where}", where.params)

    async def begun_before(self, project_id: ProjectId, moment_: datetime) -> list[tuple[TraceId, Span]]:
        """Traces that begin before a time and go on afterwards."""
        where = Where(project_id)
        where.add("timestamp <", TIME, moment_)
        where.add("last_start >=", TIME, moment_)
        sql = f"SELECT trace_id, timestamp, last_start FROM traces FINAL WHERE {where} AND {INDEXED}"
        rows = await self._engine.query(sql, where.params)
        return [(TraceId(row["trace_id"]), (moment(row["timestamp"]), moment(row["last_start"]))) for row in rows]


FILLED = "traces_filled"
"""The change that says, once applied, that every trace is in the index."""


def filled_row() -> Row:
    return Row("applied_changes", "", orjson.dumps({"name": FILLED}))


def index_row(project_id: ProjectId, summary: Mapping[str, Any], row_version: int) -> Row:
    """A trace on its way into the index."""
    line = {name: summary[name] for name in SUMMARY} | {
        "project_id": project_id,
        "trace_id": summary["trace_id"],
        "row_version": row_version,
        "gone": 0,
    }
    return Row("traces", partition_of(moment(summary["timestamp"])), orjson.dumps(line))


def tombstone(project_id: ProjectId, trace_id: TraceId, place: Place) -> Row:
    """Says that a trace is no longer where the index had it."""
    line = {
        "project_id": project_id,
        "trace_id": trace_id,
        "timestamp": place.timestamp,
        "last_start": place.last_start,
        "row_version": place.row_version + 1,
        "gone": 1,
    }
    return Row("traces", partition_of(place.timestamp), orjson.dumps(line))


_TOMBSTONE = "* REPLACE(row_version + 1 AS row_version, '" + GONE + "' AS kind, '' AS input, '' AS output)"


def _rows(project_id: ProjectId, trace_ids: Collection[TraceId], span: Span) -> Where:
    where = Where(project_id)
    where.add("trace_id IN", "Array(String)", sorted(trace_ids))
    where.add("start_time >=", TIME, span[0])
    where.add("start_time <=", TIME, span[1])
    return where


def _told(row: Mapping[str, Any]) -> Told:
    report = Report(
        id=row["id"],
        parent_id=row["parent_id"],
        kind=row["kind"],
        model=row["model"],
        began=row["start_time"],
        usage=row["usage"],
        cost_usd=row["cost_usd"],
        is_priced_here=bool(row["pricing_tier"]),
        call_id=row["call_id"],
    )
    return Told(report, Repeated(row["repeated_usage"], row["repeated_cost_usd"]), moment(row["start_time"]))


def _unindexed(row: Mapping[str, Any]) -> tuple[ProjectId, TraceId, Span]:
    return (
        ProjectId(row["project_id"]),
        TraceId(row["trace_id"]),
        (moment(row["first"]), moment(row["last"])),
    )


def _of_one_call(reports: Sequence[tuple[str, str, str]]) -> Iterator[list[tuple[str, str, str]]]:
    """Reports with one id, by start, parted where more than `SAME_CALL` lies between two: an id may come again."""
    group: list[tuple[str, str, str]] = []
    for report in reports:
        if group and moment(report[0]) - moment(group[-1][0]) > SAME_CALL:
            yield group
            group = []
        group.append(report)
    yield group


def _json(amounts: Mapping[str, float]) -> str:
    return orjson.dumps(dict(amounts)).decode()
