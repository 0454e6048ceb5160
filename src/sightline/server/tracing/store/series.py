# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""The charts over a trace list: counts, errors, latency percentiles and mean scores per step of time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.observations.percentiles import percentile
from sightline.server.tracing.records import Bucket, ProjectId, Series, TraceQuery
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.matching import (
    TIME,
    earliest,
    filters_of,
    matching_traces,
    span_of,
)
from sightline.server.tracing.store.rows import moment

SMALLEST_STEP = timedelta(seconds=1)
LATENCY_S = "dateDiff('microsecond', began, ended) / 1e6"
"""NULL for a trace without spans."""


class SeriesStore:
    """Series over the traces a query matches."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def of_traces(self, project_id: ProjectId, query: TraceQuery, buckets: int) -> Series:
        """`buckets` steps of equal length over the window or else over all that matches, and the whole as one."""
        settled = await self._is_settled(project_id, query)
        span = await self._span(project_id, query)
        if span is None:
            return Series()
        start, end = span
        # Rounded up to the microsecond, so that the last moment falls into the last step and not behind it.
        step = max(-((start - end) // buckets), SMALLEST_STEP)
        counts = await self._counts(project_id, query, start, step, settled=settled)
        scores = await self._scores(project_id, query, start, step, settled=settled)

        def bucket(index: int | None, since: datetime) -> Bucket:
            empty = Bucket(start=since, count=0, errors=0, p50_s=None, p95_s=None)
            return replace(counts.get(index, empty), start=since, score_mean=scores.get(index, {}))

        return Series([bucket(index, start + index * step) for index in range(buckets)], bucket(None, start))

    async def _is_settled(self, project_id: ProjectId, query: TraceQuery) -> bool:
        """Whether the engine's own merging finds the newest rows: nothing was sent again with another time."""
        where = Conditions(project_id)
        if query.window.end or query.before or filters_of(where, query):
            return False
        where.add("start_time >=", TIME, earliest(span_of(query)[0]))
        sql = (
            f"SELECT 1 AS moved FROM observations WHERE {where} "
            "GROUP BY cityHash64(trace_id, id) HAVING min(start_time) != max(start_time) LIMIT 1"
        )
        return not await self._engine.query(sql, where.params)

    async def _span(self, project_id: ProjectId, query: TraceQuery) -> tuple[datetime, datetime] | None:
        """From the window, its open ends filled from the data."""
        if query.window.start and query.window.end:
            return query.window.start, query.window.end
        where = Conditions(project_id)
        if filters_of(where, query):
            rows, time = f"({matching_traces(where, query, span_of(query))})", "timestamp"
        else:
            where.add_window(query.window, "start_time")
            rows, time = f"observations WHERE {where}", "start_time"
        sql = f"SELECT count() AS found, min({time}) AS first, max({time}) AS last FROM {rows}"
        row = (await self._engine.query(sql, where.params))[0]
        if not row["found"]:
            return None
        after_last = moment(row["last"]) + timedelta(microseconds=1)
        return query.window.start or moment(row["first"]), query.window.end or after_last

    async def _counts(
        self, project_id: ProjectId, query: TraceQuery, start: datetime, step: timedelta, *, settled: bool
    ) -> dict[int | None, Bucket]:
        """By the number of the step; that of the whole is None."""
        where = Conditions(project_id)
        sql = (
            f"SELECT {_bucket(where, start, step)} AS bucket, grouping(bucket) AS is_whole, count() AS traces, "
            "countIf(error_count > 0) AS errors, "
            f"{percentile(0.5, LATENCY_S)} AS p50_s, {percentile(0.95, LATENCY_S)} AS p95_s "
            f"FROM ({matching_traces(where, query, span_of(query), settled=settled)}) "
            "GROUP BY GROUPING SETS ((bucket), ())"
        )
        return {
            _number(row): Bucket(
                start=start,
                count=row["traces"],
                errors=row["errors"],
                p50_s=_not_negative(row["p50_s"]),
                p95_s=_not_negative(row["p95_s"]),
            )
            for row in await self._engine.query(sql, where.params)
        }

    async def _scores(
        self, project_id: ProjectId, query: TraceQuery, start: datetime, step: timedelta, *, settled: bool
    ) -> dict[int | None, dict[str, float]]:
        """Mean of each numeric or boolean score, on the step in which its trace began; of the whole by None."""
        where = Conditions(project_id)
        numbers = f"{where} AND trace_id != '' AND isNotNull(value)"
        if not await self._engine.query(f"SELECT 1 AS some FROM scores WHERE {numbers} LIMIT 1", where.params):
            return {}
        newest = f"SELECT trace_id, name, value FROM scores WHERE {numbers} ORDER BY row_version DESC LIMIT 1 BY id"
        matching = matching_traces(where, query, span_of(query), settled=settled)
        sql = (
            f"SELECT {_bucket(where, start, step)} AS bucket, grouping(bucket) AS is_whole, name, avg(value) AS mean "
            f"FROM ({newest}) AS scored INNER JOIN ({matching}) AS matched USING (trace_id) "
            "GROUP BY GROUPING SETS ((bucket, name), (name))"
        )
        means: dict[int | None, dict[str, float]] = {}
        for row in await self._engine.query(sql, where.params):
            means.setdefault(_number(row), {})[row["name"]] = row["mean"]
        return means


def _number(row: Mapping[str, Any]) -> int | None:
    return None if row["is_whole"] else int(row["bucket"])


def _not_negative(latency_s: float | None) -> float | None:
    """Spans that end before they start take no time."""
    return None if latency_s is None else max(latency_s, 0.0)


def _bucket(where: Conditions, start: datetime, step: timedelta) -> str:
    since, step_us = where.place(TIME, start), where.place("Int64", int(step.total_seconds() * 1e6))
    return f"intDiv(dateDiff('microsecond', {since}, timestamp), {step_us})"
