# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""Time series over a trace list: counts, errors, latency percentiles (seconds) and mean scores per bucket."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sightline.server.questions.where import TIME, Where
from sightline.server.runtime.clock import now
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.observations.percentiles import percentile
from sightline.server.tracing.fields import seconds
from sightline.server.tracing.records import Bucket, ProjectId, Series, TraceQuery
from sightline.server.tracing.store.rows import moment
from sightline.server.tracing.store.traces import TraceSource, matching

SMALLEST_STEP = timedelta(seconds=1)
"""Shortest time bucket."""
LATENCY_S = seconds("began", "ended")
"""NULL for a trace without spans."""


class SeriesStore:
    """Series over the traces a query matches."""

    def __init__(self, engine: ObservationsEngine, source: TraceSource) -> None:
        self._engine = engine
        self._source = source

    async def of_traces(self, project_id: ProjectId, query: TraceQuery, buckets: int) -> Series:
        """`buckets` steps of equal length over the window or else over all that matches, and the whole as one."""
        span = await self._span(project_id, query)
        if span is None:
            return Series()
        start, end = span
        # Rounded up to the microsecond, so that the last moment falls into the last step and not behind it.
        step = max(-((start - end) // buckets), SMALLEST_STEP)
        counts = await self._counts(project_id, query, start, step)
        scores = await self._scores(project_id, query, start, step)

        def bucket(index: int | None, since: datetime) -> Bucket:
            empty = Bucket(start=since, count=0, errors=0, p50_s=None, p95_s=None)
            return replace(counts.get(index, empty), start=since, score_mean=scores.get(index, {}))

        return Series([bucket(index, start + index * step) for index in range(buckets)], bucket(None, start))

    async def _span(self, project_id: ProjectId, query: TraceQuery) -> tuple[datetime, datetime] | None:
        """From the window; without a start from the oldest match, without an end until the newest, or now.

        One clock that runs years ahead would otherwise stretch the charts to where it is.
        """
        if query.window.start and query.window.end:
            return query.window.start, query.window.end
        where = matching(project_id, query)
        sql = f"SELECT count() AS found, min(timestamp) AS first, max(timestamp) AS last FROM {self._source.of(where)}"
        [row] = await self._engine.query(sql, where.params)
        if not row["found"]:
            return None
        start = query.window.start or moment(row["first"])
        after_last = moment(row["last"]) + timedelta(microseconds=1)
        return start, query.window.end or max(min(after_last, now()), start + SMALLEST_STEP)

    async def _counts(
        self, project_id: ProjectId, query: TraceQuery, start: datetime, step: timedelta
    ) -> dict[int | None, Bucket]:
        """By the number of the step; that of the whole is None."""
        where = matching(project_id, query)
        sql = (
            f"SELECT {_bucket(where, start, step)} AS bucket, grouping(bucket) AS is_whole, count() AS traces, "
            "countIf(error_count > 0) AS errors, "
            f"{percentile(0.5, LATENCY_S)} AS p50_s, {percentile(0.95, LATENCY_S)} AS p95_s "
            f"FROM {self._source.of(where)} GROUP BY GROUPING SETS ((bucket), ())"
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
        self, project_id: ProjectId, query: TraceQuery, start: datetime, step: timedelta
    ) -> dict[int | None, dict[str, float]]:
        """Mean of each numeric or boolean score, on the step in which its trace began; of the whole by None."""
        numbers = Where(project_id)
        numbers.add_clause("trace_id != '' AND isNotNull(value)")
        if not await self._engine.query(f"SELECT 1 AS some FROM scores WHERE {numbers} LIMIT 1", numbers.params):
            return {}
        where = matching(project_id, query)
        newest = f"SELECT trace_id, name, value FROM scores WHERE {numbers} ORDER BY row_version DESC LIMIT 1 BY id"
        sql = (
            f"SELECT {_bucket(where, start, step)} AS bucket, grouping(bucket) AS is_whole, name, avg(value) AS mean "
            f"FROM ({newest}) AS scored "
            f"INNER JOIN (SELECT trace_id, timestamp FROM {self._source.of(where)}) AS matched USING (trace_id) "
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


def _bucket(where: Where, start: datetime, step: timedelta) -> str:
    since, step_us = where.place(TIME, start), where.place("Int64", int(step.total_seconds() * 1e6))
    return f"intDiv(dateDiff('microsecond', {since}, timestamp), {step_us})"
