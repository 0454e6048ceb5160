"""Dashboards and widgets through Langfuse's paths."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from sightline.server.accounts.records import Access, ProjectId
from sightline.server.dashboards.records import (
    Aggregation,
    ChartType,
    Dashboard,
    DashboardId,
    Metric,
    Placement,
    PlacementId,
    ViewName,
    Widget,
    WidgetId,
)
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.metrics.routes import DimensionBody, FilterBody
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Paged
from sightline.server.edges.services import Served
from sightline.server.questions import Condition
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id

router = APIRouter(route_class=PlainJson, prefix="/api/public/unstable")

Reader = Annotated[Access, key_for("dashboards.read")]
Writer = Annotated[Access, key_for("dashboards.write")]

CurrentView = Literal["observations", "scores-numeric", "scores-boolean", "scores-categorical"]
Column = Annotated[int, Field(ge=0, le=11)]
Row = Annotated[int, Field(ge=0, le=10_000)]
Width = Annotated[int, Field(ge=1, le=12)]
Height = Annotated[int, Field(ge=1, le=100)]
BELOW = -1
"""Row of a placement that goes below all others."""
SIDE = 6
"""Default width and height of a placement, in cells of the grid."""


class MetricBody(Body):
    measure: str
    agg: Aggregation

    def metric(self) -> Metric:
        return Metric(measure=self.measure, aggregation=self.agg)


class SortBody(Body):
    column: str
    order: Literal["ASC", "DESC"]


class ChartBody(Body):
    type: ChartType | None = None
    row_limit: int | None = Field(default=None, validation_alias="row_limit", ge=1, le=1_000)
    show_value_labels: bool | None = Field(default=None, validation_alias="show_value_labels")
    bins: int | None = Field(default=None, ge=1, le=100)
    default_sort: SortBody | None = None

    def config(self) -> dict[str, Any]:
        sort = self.default_sort.model_dump() if self.default_sort else None
        given = {
            "row_limit": self.row_limit,
            "show_value_labels": self.show_value_labels,
            "bins": self.bins,
            "defaultSort": sort,
        }
        return {name: value for name, value in given.items() if value is not None}


class WidgetChanges(Body):
    """Partial update (PATCH): fields that are left out keep their value."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=10_000)
    view: CurrentView | None = None
    dimensions: list[DimensionBody] | None = Field(default=None, max_length=20)
    metrics: list[MetricBody] | None = Field(default=None, min_length=1, max_length=20)
    filters: list[FilterBody] | None = Field(default=None, max_length=100)
    chart_type: ChartType | None = None
    chart_config: ChartBody | None = None

    @model_validator(mode="after")
    def _draws_one_chart(self) -> Self:
        drawn = self.chart_config.type if self.chart_config else None
        if drawn and self.chart_type and drawn != self.chart_type:
            raise ValueError(f"chartConfig.type is {drawn}, chartType {self.chart_type}: make them the same")
        return self

    def changes(self) -> dict[str, Any]:
        given: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "view": self.view,
            "dimensions": None if self.dimensions is None else tuple(each.field for each in self.dimensions),
            "metrics": None if self.metrics is None else tuple(each.metric() for each in self.metrics),
            "filters": None if self.filters is None else tuple(each.condition() for each in self.filters),
            "chart_type": self.chart_type,
            "chart_config": self.chart_config.config() if self.chart_config else None,
        }
        return {name: value for name, value in given.items() if value is not None}


class NewWidget(WidgetChanges):
    name: str = Field(min_length=1, max_length=255)
    view: CurrentView
    dimensions: list[DimensionBody] = Field(max_length=20)
    metrics: list[MetricBody] = Field(min_length=1, max_length=20)
    filters: list[FilterBody] = Field(max_length=100)
    chart_type: ChartType

    def widget(self, project_id: ProjectId) -> Widget:
        moment = now()
        fields = {"description": "", "chart_config": {}} | self.changes()
        return Widget(id=WidgetId(new_id()), project_id=project_id, created_at=moment, updated_at=moment, **fields)


class PlacementBody(Body):
    type: Literal["widget", "preset"]
    id: str | None = Field(default=None, min_length=1, max_length=64)
    widget_id: str | None = None
    preset_id: str | None = None
    x: Column = 0
    y: Row | None = None
    width: Width = SIDE
    height: Height = SIDE

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        if not (self.widget_id if self.type == "widget" else self.preset_id):
            raise ValueError(f"a placement of type {self.type} needs {self.type}Id")
        return self

    def placement(self, *, default_row: int) -> Placement:
        return Placement(
            id=PlacementId(self.id or new_id()),
            kind=self.type,
            shows=(self.widget_id if self.type == "widget" else self.preset_id) or "",
            x=self.x,
            y=default_row if self.y is None else self.y,
            width=self.width,
            height=self.height,
        )


class MoveBody(Body):
    x: Column | None = None
    y: Row | None = None
    width: Width | None = None
    height: Height | None = None


class DefinitionBody(Body):
    widgets: list[PlacementBody] = Field(default_factory=list, max_length=200)


class DashboardChanges(Body):
    """Partial update (PATCH): fields that are left out keep their value."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=10_000)
    definition: DefinitionBody | None = None
    filters: list[FilterBody] | None = Field(default=None, max_length=100)

    def changes(self) -> dict[str, Any]:
        placed = None
        if self.definition is not None:
            placed = tuple(each.placement(default_row=0) for each in self.definition.widgets)
        given: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "placements": placed,
            "filters": None if self.filters is None else tuple(each.condition() for each in self.filters),
        }
        return {name: value for name, value in given.items() if value is not None}


class NewDashboard(DashboardChanges):
    name: str = Field(min_length=1, max_length=255)

    def dashboard(self, project_id: ProjectId) -> Dashboard:
        moment = now()
        fields: dict[str, Any] = {"description": "", "placements": (), "filters": ()} | self.changes()
        return Dashboard(
            id=DashboardId(new_id()), project_id=project_id, created_at=moment, updated_at=moment, **fields
        )


@router.get("/dashboard-widgets")
async def list_widgets(who: Reader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    widgets, total = await services.widgets.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([_widget(each) for each in widgets], total))


@router.post("/dashboard-widgets")
async def create_widget(body: NewWidget, who: Writer, services: Served) -> Json:
    return Json(_widget(await services.widgets.create(body.widget(who.project_id))), status_code=201)


@router.get("/dashboard-widgets/{widgetId}")
async def read_widget(widgetId: str, who: Reader, services: Served) -> Json:
    return Json(_widget(await services.widgets.get(who.project_id, WidgetId(widgetId))))


@router.patch("/dashboard-widgets/{widgetId}")
async def change_widget(widgetId: str, body: WidgetChanges, who: Writer, services: Served) -> Json:
    return Json(_widget(await services.widgets.change(who.project_id, WidgetId(widgetId), body.changes())))


@router.delete("/dashboard-widgets/{widgetId}")
async def delete_widget(widgetId: str, who: Writer, services: Served) -> Json:
    await services.widgets.delete(who.project_id, WidgetId(widgetId))
    return Json({"message": "Widget deleted"})


@router.get("/dashboards")
async def list_dashboards(who: Reader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    dashboards, total = await services.dashboards.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([_dashboard(each) for each in dashboards], total))


@router.post("/dashboards")
async def create(body: NewDashboard, who: Writer, services: Served) -> Json:
    return Json(_dashboard(await services.dashboards.create(body.dashboard(who.project_id))), status_code=201)


@router.get("/dashboards/{dashboardId}")
async def read(dashboardId: str, who: Reader, services: Served) -> Json:
    return Json(_dashboard(await services.dashboards.get(who.project_id, DashboardId(dashboardId))))


@router.patch("/dashboards/{dashboardId}")
async def change(dashboardId: str, body: DashboardChanges, who: Writer, services: Served) -> Json:
    changed = await services.dashboards.change(who.project_id, DashboardId(dashboardId), body.changes())
    return Json(_dashboard(changed))


@router.delete("/dashboards/{dashboardId}")
async def delete(dashboardId: str, who: Writer, services: Served) -> Json:
    await services.dashboards.delete(who.project_id, DashboardId(dashboardId))
    return Json({"message": "Dashboard deleted"})


@router.post("/dashboards/{dashboardId}/placements")
async def place(dashboardId: str, body: PlacementBody, who: Writer, services: Served) -> Json:
    placement = body.placement(default_row=BELOW)
    placed = await services.dashboards.place(who.project_id, DashboardId(dashboardId), placement)
    return Json(_placement(placed), status_code=201)


@router.patch("/dashboards/{dashboardId}/placements/{placementId}")
async def move(dashboardId: str, placementId: str, body: MoveBody, who: Writer, services: Served) -> Json:
    moved = await services.dashboards.move(
        who.project_id, DashboardId(dashboardId), PlacementId(placementId), body.model_dump(exclude_none=True)
    )
    return Json(_placement(moved))


@router.delete("/dashboards/{dashboardId}/placements/{placementId}")
async def take_off(dashboardId: str, placementId: str, who: Writer, services: Served) -> Json:
    await services.dashboards.take_off(who.project_id, DashboardId(dashboardId), PlacementId(placementId))
    return Json({"message": "Placement removed"})


def _widget(widget: Widget) -> dict[str, Any]:
    view: ViewName = widget.view
    return {
        "id": widget.id,
        "createdAt": iso(widget.created_at),
        "updatedAt": iso(widget.updated_at),
        "name": widget.name,
        "description": widget.description,
        "view": view,
        "dimensions": [{"field": name} for name in widget.dimensions],
        "metrics": [{"measure": each.measure, "agg": each.aggregation} for each in widget.metrics],
        "filters": [_filter(each) for each in widget.filters],
        "chartType": widget.chart_type,
        "chartConfig": {"type": widget.chart_type, **widget.chart_config},
    }


def _dashboard(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "id": dashboard.id,
        "createdAt": iso(dashboard.created_at),
        "updatedAt": iso(dashboard.updated_at),
        "name": dashboard.name,
        "description": dashboard.description,
        "definition": {"widgets": [_placement(each) for each in dashboard.placements]},
        "filters": [_filter(each) for each in dashboard.filters],
    }


def _placement(placement: Placement) -> dict[str, Any]:
    return {
        "type": placement.kind,
        "id": placement.id,
        f"{placement.kind}Id": placement.shows,
        "x": placement.x,
        "y": placement.y,
        "width": placement.width,
        "height": placement.height,
    }


def _filter(condition: Condition) -> dict[str, Any]:
    return {name: value for name, value in vars(condition).items() if name != "key" or value}
