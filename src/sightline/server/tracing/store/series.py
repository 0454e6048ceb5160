# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""The charts over a trace list: counts, errors, latency percentiles and mean scores per step of time."""

from datetime import datetime, timedelta

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.observations.percentiles import percentile
from sightline.server.tracing.records import Bucket, ProjectId, TraceQuery
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.matching import TIME, matching_traces, span_of
from sightline.server.tracing.store.rows import moment

SMALLEST_STEP = timedelta(seconds=1)
LATENCY_S = "dateDiff('microsecond', began, ended) / 1e6"
"""NULL for a trace without spans."""


class SeriesStore:
    """Series over the traces a query matches."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine

    async def of_traces(self, project_id: ProjectId, query: TraceQuery, buckets: int) -> list[Bucket]:
        """`buckets` steps of equal length, empty ones included, over the window or else over all that matches."""
        span = await self._span(project_id, query)
        if span is None:
            return []
        start, end = span
        # Rounded up to the microsecond, so that the last moment falls into the last step and not behind it.
        step = max(-((start - end) // buckets), SMALLEST_STEP)
        counts = await self._counts(project_id, query, start, step)
        scores = await self._scores(project_id, query, start, step)
        series = []
        for index in range(buckets):
            empty = Bucket(start=start + index * step, count=0, errors=0, p50_s=None, p95_s=None)
            bucket = counts.get(index, empty)
            series.append(Bucket(**{**vars(bucket), "start": empty.start, "score_mean": scores.get(index, {})}))
        return series

    async def _span(self, project_id: ProjectId, query: TraceQuery) -> tuple[datetime, datetime] | None:
        """From the window, its open ends filled from the data."""
        if query.window.start and query.window.end:
            return query.window.start, query.window.end
        where = Conditions(project_id)
        sql = (
            "SELECT count() AS traces, min(timestamp) AS first, max(timestamp) AS last "
            f"FROM ({_matching(where, query)})"
        )
        row = (await self._engine.query(sql, where.params))[0]
        if not row["traces"]:
            return None
        after_last = moment(row["last"]) + timedelta(microseconds=1)
        return query.window.start or moment(row["first"]), query.window.end or after_last

    async def _counts(
        self, project_id: ProjectId, query: TraceQuery, start: datetime, step: timedelta
    ) -> dict[int, Bucket]:
        where = Conditions(project_id)
        sql = (
            f"SELECT {_bucket(where, start, step)} AS bucket, count() AS traces, countIf(error_count > 0) AS errors, "
            f"{percentile(0.5, LATENCY_S)} AS p50_s, {percentile(0.95, LATENCY_S)} AS p95_s "
            f"FROM ({_matching(where, query)}) GROUP BY bucket"
        )
        rows = await self._engine.query(sql, where.params)
        return {
            row["bucket"]: Bucket(
                start=start,
                count=row["traces"],
                errors=row["errors"],
                p50_s=_not_negative(row["p50_s"]),
                p95_s=_not_negative(row["p95_s"]),
            )
            for row in rows
        }

    async def _scores(
        self, project_id: ProjectId, query: TraceQuery, start: datetime, step: timedelta
    ) -> dict[int, dict[str, float]]:
        """Mean of each numeric or boolean score, on the step in which its trace began."""
        where = Conditions(project_id)
        newest = (
            f"SELECT trace_id, name, value FROM scores WHERE {where} AND trace_id != '' AND isNotNull(value) "
            "ORDER BY row_version DESC LIMIT 1 BY id"
        )
        sql = (
            f"SELECT {_bucket(where, start, step)} AS bucket, name, avg(value) AS mean "
            f"FROM ({newest}) AS scored INNER JOIN ({_matching(where, query)}) AS matched USING (trace_id) "
            "GROUP BY bucket, name"
        )
        means: dict[int, dict[str, float]] = {}
        for row in await self._engine.query(sql, where.params):
            means.setdefault(row["bucket"], {})[row["name"]] = row["mean"]
        return means


def _not_negative(latency_s: float | None) -> float | None:
    """Spans that end before they start take no time."""
    return None if latency_s is None else max(latency_s, 0.0)


def _bucket(where: Conditions, start: datetime, step: timedelta) -> str:
    since, step_us = where.place(TIME, start), where.place("Int64", int(step.total_seconds() * 1e6))
    return f"intDiv(dateDiff('microsecond', {since}, timestamp), {step_us})"


def _matching(where: Conditions, query: TraceQuery) -> str:
    return matching_traces(where, query, span_of(query))
