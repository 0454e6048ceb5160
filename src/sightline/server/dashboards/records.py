"""Aggregate queries over observations or scores, their rows, and the dashboards that show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NewType

from sightline.server.accounts.records import ProjectId
from sightline.server.questions import Condition

ViewName = Literal["observations", "traces", "scores-numeric", "scores-boolean", "scores-categorical"]
Aggregation = Literal["sum", "avg", "count", "max", "min", "p50", "p75", "p90", "p95", "p99", "histogram", "uniq"]
Granularity = Literal[
    "auto", "minute", "5m", "10m", "15m", "30m", "hour", "1h", "2h", "4h", "day", "1d", "week", "month"
]
Direction = Literal["asc", "desc"]
Row = Mapping[str, Any]

TIME = "time_dimension"
"""Column of the time bucket in an answer."""
DEFAULT_ROWS = 100
"""Rows of an answer without a limit of its own."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number per row of the answer."""

    measure: str
    aggregation: Aggregation

    @property
    def alias(self) -> str:
        return f"{self.aggregation}_{self.measure}"


@dataclass(frozen=True, kw_only=True)
class MetricsQuery:
    """Aggregations over one view in a time range, one row per combination of dimensions and time bucket."""

    view: ViewName
    metrics: Sequence[Metric]
    start: datetime
    end: datetime
    dimensions: Sequence[str] = ()
    filters: Sequence[Condition] = ()
    granularity: Granularity | None = None
    order_by: Sequence[tuple[str, Direction]] = ()
    bins: int = 10
    row_limit: int | None = None
    """None takes DEFAULT_ROWS, or every time bucket where there are more."""


@dataclass(frozen=True, kw_only=True)
class DailyQuery:
    """Which traces count in the daily totals."""

    start: datetime | None = None
    end: datetime | None = None
    trace_name: str | None = None
    user_id: str | None = None
    tags: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class DailyUsage:
    """What one model did on one day."""

    model: str | None
    input_units: int
    output_units: int
    total_units: int
    cost_usd: float
    observations: int
    traces: int


@dataclass(frozen=True, kw_only=True)
class Day:
    date: date
    traces: int
    observations: int
    cost_usd: float
    usage: Sequence[DailyUsage]


DashboardId = NewType("DashboardId", str)
WidgetId = NewType("WidgetId", str)
PlacementId = NewType("PlacementId", str)

ChartType = Literal[
    "LINE_TIME_SERIES",
    "AREA_TIME_SERIES",
    "BAR_TIME_SERIES",
    "HORIZONTAL_BAR",
    "VERTICAL_BAR",
    "PIE",
    "NUMBER",
    "HISTOGRAM",
    "PIVOT_TABLE",
]


@dataclass(frozen=True, kw_only=True)
class Widget:
    """A metrics query without its time range, which the viewer chooses, and the chart that shows it."""

    id: WidgetId
    project_id: ProjectId
    name: str
    description: str
    view: ViewName
    dimensions: Sequence[str]
    metrics: Sequence[Metric]
    filters: Sequence[Condition]
    chart_type: ChartType
    chart_config: Mapping[str, Any]
    """`row_limit`, `show_value_labels`, `bins`, `defaultSort`, where they are set."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A widget, or a preset of the pages, in the grid of a dashboard."""

    id: PlacementId
    kind: Literal["widget", "preset"]
    shows: str
    """The widget's or the preset's id."""
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    id: DashboardId
    project_id: ProjectId
    name: str
    description: str
    placements: Sequence[Placement]
    filters: Sequence[Condition]
    created_at: datetime
    updated_at: datetime
