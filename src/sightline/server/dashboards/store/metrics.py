# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""A metrics query compiled to one aggregate statement, and its rows."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.dashboards.records import (
    DEFAULT_ROWS,
    TIME,
    Aggregation,
    Granularity,
    Metric,
    MetricsQuery,
    Row,
)
from sightline.server.dashboards.store.sources import source
from sightline.server.dashboards.store.views import VIEWS, View
from sightline.server.questions import Field
from sightline.server.questions.clickhouse import holds
from sightline.server.questions.where import Where
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.observations.percentiles import percentile

AGGREGATIONS: Mapping[Aggregation, str] = {
    "sum": "sum({value})",
    "avg": "avg({value})",
    "count": "count({value})",
    "max": "max({value})",
    "min": "min({value})",
    "p50": percentile(0.5, "{value}"),
    "p75": percentile(0.75, "{value}"),
    "p90": percentile(0.9, "{value}"),
    "p95": percentile(0.95, "{value}"),
    "p99": percentile(0.99, "{value}"),
    "histogram": "histogram({bins})({value})",
    "uniq": "uniq({value})",
}
"""Aggregation to its SQL template; `{value}` is the measure."""
STEPS: Mapping[Granularity, tuple[str, timedelta]] = {
    "minute": ("1 MINUTE", timedelta(minutes=1)),
    "5m": ("5 MINUTE", timedelta(minutes=5)),
    "10m": ("10 MINUTE", timedelta(minutes=10)),
    "15m": ("15 MINUTE", timedelta(minutes=15)),
    "30m": ("30 MINUTE", timedelta(minutes=30)),
    "hour": ("1 HOUR", timedelta(hours=1)),
    "1h": ("1 HOUR", timedelta(hours=1)),
    "2h": ("2 HOUR", timedelta(hours=2)),
    "4h": ("4 HOUR", timedelta(hours=4)),
    "day": ("1 DAY", timedelta(days=1)),
    "1d": ("1 DAY", timedelta(days=1)),
    "week": ("1 WEEK", timedelta(weeks=1)),
    "month": ("1 MONTH", timedelta(days=30)),
}
"""Time bucket: its interval in the ClickHouse dialect, and its approximate length."""
AUTO_STEPS = 50
"""Buckets that granularity `auto` aims at."""
MOST_FILLED = 1_000
"""Beyond so many buckets empty ones are not filled in."""


class MetricsStore:
    """Aggregates over the analytics engine."""

    def __init__(self, engine: ObservationsEngine, traces: Callable[[Where], str]) -> None:
        """`traces` makes the FROM clause of the index of traces."""
        self._engine = engine
        self._traces = traces

    async def rows(self, project_id: ProjectId, query: MetricsQuery) -> list[Row]:
        """One row per combination of dimensions and time bucket, by the names the query uses."""
        where = Where(project_id)
        sql = statement(query, where, self._traces(where.fork()))
        rows = await self._engine.query(sql, where.params)
        names = [*query.dimensions, *((TIME,) if query.granularity else ()), *_aliases(query)]
        return [dict(zip(names, _values(row), strict=True)) for row in rows]


def statement(query: MetricsQuery, where: Where, traces: str) -> str:
    """The query compiled to SQL; names must have been checked against VIEWS, `traces` reads the index of traces.

    Parameters become those of `where`.
    """
    view = VIEWS[query.view]
    where.params |= {"start": query.start, "end": query.end}
    asked = [(condition, view.asked[condition.column]) for condition in query.filters]
    clauses = [holds(where, condition, field) for condition, field in asked]
    about = [field for _, field in asked if field.holds is None]
    about += [view.dimensions[name] for name in query.dimensions]
    about += [view.measures[metric.measure] for metric in query.metrics]
    needs = {each.needs for each in about if each.needs}
    columns = [f"{_shown(view.dimensions[name])} AS d{place}" for place, name in enumerate(query.dimensions)]
    groups = [f"d{place}" for place in range(len(columns))]
    if query.granularity:
        columns.append(f"{_step(query, view)} AS t")
        groups.append("t")
    columns += [f"{_aggregate(metric, view, query.bins)} AS m{place}" for place, metric in enumerate(query.metrics)]
    sql = f"SELECT {', '.join(columns)} FROM {source(query.view, needs, where, traces)}"
    if clauses:
        sql += f" WHERE {' AND '.join(clauses)}"
    if groups:
        sql += f" GROUP BY {', '.join(groups)}"
    return sql + _order(query) + f" LIMIT {_limit(query)}"


def step_of(query: MetricsQuery) -> Granularity:
    """The time bucket; `auto` is the shortest one that gives at most about AUTO_STEPS."""
    if query.granularity not in (None, "auto"):
        return query.granularity
    wanted = (query.end - query.start) / AUTO_STEPS
    return next((name for name, (_, long) in STEPS.items() if long >= wanted), "month")


def _step(query: MetricsQuery, view: View) -> str:
    interval = STEPS[step_of(query)][0]
    return f"toDateTime(toStartOfInterval({view.time}, INTERVAL {interval}, 'UTC'), 'UTC')"


def _shown(field: Field) -> str:
    """A dimension in the SELECT list: empty is NULL, booleans are `true` or `false`."""
    match field.kind:
        case "text":
            return f"nullIf(toString({field.sql}), '')"
        case "truth":
            return f"CAST({field.sql}, 'Bool')"
        case _:
            return f"({field.sql})"


def _aggregate(metric: Metric, view: View, bins: int) -> str:
    field = view.measures[metric.measure]
    if field.kind == "text":
        return f"uniqIf({field.sql}, ({field.sql}) != '')"
    return AGGREGATIONS[metric.aggregation].format(value=field.sql, bins=int(bins))


def _order(query: MetricsQuery) -> str:
    """ORDER BY as asked; else by time (gaps filled where it is all there is), or by the first metric, descending."""
    places = {name: f"d{place}" for place, name in enumerate(query.dimensions)}
    places |= {alias: f"m{place}" for place, alias in enumerate(_aliases(query))} | {TIME: "t"}
    if query.order_by:
        given = ", ".join(f"{places[name]} {direction.upper()}" for name, direction in query.order_by)
        return f" ORDER BY {given}"
    if query.granularity:
        return " ORDER BY t ASC" + ("" if query.dimensions else _filled(query))
    return " ORDER BY m0 DESC" if query.dimensions else ""


def _filled(query: MetricsQuery) -> str:
    """WITH FILL: empty time buckets too, unless there are very many."""
    interval, long = STEPS[step_of(query)]
    if (query.end - query.start) / long > MOST_FILLED:
        return ""
    first = f"toDateTime(toStartOfInterval({{start:DateTime64(6, 'UTC')}}, INTERVAL {interval}, 'UTC'), 'UTC')"
    return f" WITH FILL FROM {first} TO toDateTime({{end:DateTime64(6, 'UTC')}}, 'UTC') STEP INTERVAL {interval}"


def _limit(query: MetricsQuery) -> int:
    if query.row_limit:
        return query.row_limit
    return MOST_FILLED if query.granularity else DEFAULT_ROWS


def _aliases(query: MetricsQuery) -> list[str]:
    return [metric.alias for metric in query.metrics]


def _values(row: Mapping[str, Any]) -> list[Any]:
    return [_moment(value) if name == "t" else value for name, value in row.items()]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
