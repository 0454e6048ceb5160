"""Dashboards and widgets; placements and filters are JSON columns."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.dashboards.records import Dashboard, Metric, Placement, Widget
from sightline.server.questions import Condition
from sightline.server.runtime.rows import ProjectRows
from sightline.server.tables.dashboards import dashboard_widgets, dashboards


class DashboardStore(ProjectRows[Dashboard]):
    """Dashboards of one project, in one unit of work."""

    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, dashboards, project_id, _dashboard, _dashboard_row)


class WidgetStore(ProjectRows[Widget]):
    """Widgets of one project, in one unit of work."""

    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, dashboard_widgets, project_id, _widget, _widget_row)


def _dashboard(row: Mapping[str, Any]) -> Dashboard:
    placements = tuple(Placement(**each) for each in row["placements"])
    return Dashboard(**{**row, "placements": placements, "filters": _filters(row)})


def _dashboard_row(dashboard: Dashboard) -> Mapping[str, Any]:
    return vars(dashboard) | {
        "placements": [asdict(each) for each in dashboard.placements],
        "filters": [asdict(each) for each in dashboard.filters],
    }


def _widget(row: Mapping[str, Any]) -> Widget:
    metrics = tuple(Metric(**each) for each in row["metrics"])
    return Widget(**{**row, "dimensions": tuple(row["dimensions"]), "metrics": metrics, "filters": _filters(row)})


def _widget_row(widget: Widget) -> Mapping[str, Any]:
    return vars(widget) | {
        "dimensions": list(widget.dimensions),
        "metrics": [asdict(each) for each in widget.metrics],
        "filters": [asdict(each) for each in widget.filters],
        "chart_config": dict(widget.chart_config),
    }


def _filters(row: Mapping[str, Any]) -> tuple[Condition, ...]:
    return tuple(Condition(**each | {"key": each["key"] or ""}) for each in row["filters"])
