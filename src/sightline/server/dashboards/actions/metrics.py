"""Metrics: a query is validated, then compiled to one aggregate statement."""

from collections.abc import Iterable
from dataclasses import replace

from sightline.server.accounts.records import ProjectId
from sightline.server.dashboards.records import TIME, DailyQuery, Day, MetricsQuery, Row
from sightline.server.dashboards.store import DailyStore, MetricsStore
from sightline.server.dashboards.store.metrics import AGGREGATIONS
from sightline.server.dashboards.store.views import VIEWS, View
from sightline.server.questions import Field, conditions_of
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions.indexing import TraceIndex

MOST_BINS = 100
"""Bins of a histogram."""
MOST_ROWS = 1_000
"""Rows of an answer."""
ON_TEXTS = ("uniq", "count")
"""Aggregations of measures that are texts: they count distinct values."""


class Metrics:
    """Every method is scoped to the project it is given."""

    def __init__(self, engine: ObservationsEngine, index: TraceIndex) -> None:
        self._index = index
        self._metrics = MetricsStore(engine, index.source.of)
        self._daily = DailyStore(engine, index.source.of)

    async def rows(self, project_id: ProjectId, query: MetricsQuery, *, crowded: bool = False) -> list[Row]:
        """Run the query; `crowded` allows GROUP BY on high-cardinality dimensions without the top-N limits."""
        checked = check(query, crowded=crowded)
        await self._index.settled(project_id)
        return await self._metrics.rows(project_id, checked)

    async def daily(self, project_id: ProjectId, query: DailyQuery) -> tuple[list[Day], int]:
        """A page of daily totals, latest day first, and the total number of days."""
        await self._index.settled(project_id)
        return await self._daily.page(project_id, query)


def check(query: MetricsQuery, *, crowded: bool = False) -> MetricsQuery:
    """The query with its filters parsed; InvalidRequest when it is invalid, or too expensive."""
    view = VIEWS[query.view]
    _known("dimension", query.dimensions, view.dimensions)
    _known("measure", (metric.measure for metric in query.metrics), view.measures)
    _check_numbers(query)
    _check_metrics(query, view)
    _check_exploded(query, view)
    _check_order(query)
    if not crowded:
        _check_crowded(query, view)
    return replace(query, filters=conditions_of([vars(each) for each in query.filters], view.asked))


def _known(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    there = list(known)
    for name in given:
        if name not in there:
            raise InvalidRequest(f"{what} {name!r} is unknown in this view: use one of {', '.join(there)}")


def _check_numbers(query: MetricsQuery) -> None:
    if query.start >= query.end:
        raise InvalidRequest(f"fromTimestamp {query.start} must be before toTimestamp {query.end}")
    if not 1 <= query.bins <= MOST_BINS:
        raise InvalidRequest(f"config.bins is {query.bins}, allowed are 1 to {MOST_BINS}")
    if query.row_limit is not None and not 1 <= query.row_limit <= MOST_ROWS:
        raise InvalidRequest(f"config.row_limit is {query.row_limit}, allowed are 1 to {MOST_ROWS}")
    if not query.metrics:
        raise InvalidRequest("metrics is empty: ask for at least one")


def _check_metrics(query: MetricsQuery, view: View) -> None:
    aliases = [metric.alias for metric in query.metrics]
    if len(set(aliases)) != len(aliases) or len(set(query.dimensions)) != len(query.dimensions):
        raise InvalidRequest("a dimension or a metric is asked for twice: name each once")
    for metric in query.metrics:
        if view.measures[metric.measure].kind == "text" and metric.aggregation not in ON_TEXTS:
            raise InvalidRequest(
                f"measure {metric.measure!r} counts different values: use {' or '.join(ON_TEXTS)}, "
                f"not {metric.aggregation}"
            )
        if metric.aggregation not in AGGREGATIONS:
            raise InvalidRequest(f"aggregation {metric.aggregation!r} is unknown: use {', '.join(AGGREGATIONS)}")


def _check_exploded(query: MetricsQuery, view: View) -> None:
    """Exploded maps (ARRAY JOIN) make a row per usage type: a count of observations would count them several times."""
    dimensions = [view.dimensions[name] for name in query.dimensions]
    measures = [view.measures[metric.measure] for metric in query.metrics]
    for need, measure in (("costs", "costByType"), ("usages", "usageByType")):
        if any(_needs(field, need) for field in (*dimensions, *measures)) and not all(
            _needs(field, need) for field in measures
        ):
            raise InvalidRequest(f"grouping by a type of {need} answers {measure} only: ask other measures apart")


def _needs(field: Field, need: str) -> bool:
    return field.needs == need


def _check_order(query: MetricsQuery) -> None:
    names = [*query.dimensions, *(metric.alias for metric in query.metrics)]
    if query.granularity:
        names.append(TIME)
    for name, _ in query.order_by:
        if name not in names:
            raise InvalidRequest(f"orderBy field {name!r} is not in the answer: use one of {', '.join(names)}")


def _check_crowded(query: MetricsQuery, view: View) -> None:
    """High-cardinality GROUP BY is for a top N: limited, ordered by a metric, not a time series."""
    crowded = [name for name in query.dimensions if view.dimensions[name].crowded]
    if not crowded:
        return
    aliases = {metric.alias for metric in query.metrics}
    largest_first = any(name in aliases and direction == "desc" for name, direction in query.order_by)
    if query.granularity or query.row_limit is None or not largest_first:
        raise InvalidRequest(
            f"dimension {', '.join(crowded)} has too many values to group by: filter by it, or ask for the largest "
            "few with config.row_limit and orderBy a metric, desc, without timeDimension"
        )
