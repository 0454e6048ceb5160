"""Metrics through Langfuse's paths: the current query, the legacy one with its view of traces, and daily totals."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from sightline.server.accounts.records import Access
from sightline.server.dashboards.records import (
    Aggregation,
    DailyQuery,
    DailyUsage,
    Day,
    Direction,
    Granularity,
    Metric,
    MetricsQuery,
    Row,
    ViewName,
)
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.langfuse.wire.any_json import AnyJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Commas, Moment, Paged, window
from sightline.server.edges.services import Served
from sightline.server.questions import Condition
from sightline.server.runtime.json_reading import whole

router = APIRouter(prefix="/api/public")

Reader = Annotated[Access, key_for("metrics.read")]


class DimensionBody(Body):
    field: str


class MetricBody(Body):
    measure: str
    aggregation: Aggregation

    def metric(self) -> Metric:
        return Metric(measure=self.measure, aggregation=self.aggregation)


class FilterBody(Body):
    type: str
    column: str
    operator: str
    value: AnyJson = None
    key: str | None = None

    def condition(self) -> Condition:
        """The condition unchecked: the view decides which columns and types it may name."""
        return Condition(**vars(self) | {"key": self.key or ""})


class TimeBody(Body):
    granularity: Granularity = "auto"


class OrderBody(Body):
    field: str
    direction: Direction = "desc"


class ConfigBody(Body):
    bins: int = 10
    row_limit: int | None = Field(default=None, validation_alias="row_limit")


class QueryBody(Body):
    view: ViewName
    dimensions: list[DimensionBody] = Field(default_factory=list, max_length=20)
    metrics: list[MetricBody] = Field(min_length=1, max_length=20)
    filters: list[FilterBody] = Field(default_factory=list, max_length=100)
    time_dimension: TimeBody | None = None
    from_timestamp: Moment
    to_timestamp: Moment
    order_by: list[OrderBody] | None = None
    config: ConfigBody | None = None

    def query(self) -> MetricsQuery:
        config = self.config or ConfigBody()
        return MetricsQuery(
            view=self.view,
            dimensions=tuple(each.field for each in self.dimensions),
            metrics=tuple(each.metric() for each in self.metrics),
            filters=tuple(each.condition() for each in self.filters),
            granularity=self.time_dimension.granularity if self.time_dimension else None,
            start=self.from_timestamp,
            end=self.to_timestamp,
            order_by=tuple((each.field, each.direction) for each in self.order_by or ()),
            bins=config.bins,
            row_limit=config.row_limit,
        )


class CurrentQueryBody(QueryBody):
    view: Literal["observations", "scores-numeric", "scores-boolean", "scores-categorical"]


class DailyParams(Paged):
    trace_name: str | None = None
    user_id: str | None = None
    tags: Commas = ()
    environment: Commas = ()
    from_timestamp: Moment | None = None
    to_timestamp: Moment | None = None


@router.get("/v2/metrics")
async def metrics(who: Reader, services: Served, query: str) -> Json:
    asked = _parsed(CurrentQueryBody, query).query()
    return _rows(await services.metrics.rows(who.project_id, asked))


@router.get("/metrics")
async def legacy_metrics(who: Reader, services: Served, query: str) -> Json:
    asked = _parsed(QueryBody, query).query()
    return _rows(await services.metrics.rows(who.project_id, asked, crowded=True))


@router.get("/metrics/daily")
async def daily(who: Reader, services: Served, params: Annotated[DailyParams, Query()]) -> Json:
    asked = DailyQuery(
        start=params.from_timestamp,
        end=params.to_timestamp,
        trace_name=params.trace_name,
        user_id=params.user_id,
        tags=params.tags,
        environments=window(None, None, params.environment).environments,
        limit=params.limit,
        offset=params.offset,
    )
    days, total = await services.metrics.daily(who.project_id, asked)
    return Json(params.paged([_day(day) for day in days], total))


def _parsed(shape: type[QueryBody], text: str) -> QueryBody:
    try:
        return shape.model_validate_json(whole(text))
    except ValidationError as problem:
        raise RequestValidationError(problem.errors()) from problem


def _rows(rows: list[Row]) -> Json:
    return Json({"data": [_row(row) for row in rows]})


def _row(row: Row) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _day(day: Day) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "countTraces": day.traces,
        "countObservations": day.observations,
        "totalCost": day.cost_usd,
        "usage": [_usage(each) for each in day.usage],
    }


def _usage(usage: DailyUsage) -> dict[str, Any]:
    return {
        "model": usage.model,
        "inputUsage": usage.input_units,
        "outputUsage": usage.output_units,
        "totalUsage": usage.total_units,
        "totalCost": usage.cost_usd,
        "countObservations": usage.observations,
        "countTraces": usage.traces,
    }
