"""CRUD of dashboards, widgets and their placements."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sightline.server.accounts.records import ProjectId
from sightline.server.dashboards.actions.metrics import check
from sightline.server.dashboards.records import (
    Dashboard,
    DashboardId,
    MetricsQuery,
    Placement,
    PlacementId,
    Widget,
    WidgetId,
)
from sightline.server.dashboards.store import DashboardStore, WidgetStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Connection, Database
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound

COLUMNS = 12
"""Width of a dashboard's grid."""


class Widgets:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, widget: Widget) -> Widget:
        _check_widget(widget)
        async with self._database.work() as work:
            await WidgetStore(work.connection, widget.project_id).add(widget)
        return widget

    async def get(self, project_id: ProjectId, widget_id: WidgetId) -> Widget:
        async with self._database.reading() as connection:
            return await _widget(connection, project_id, widget_id)

    async def page(self, project_id: ProjectId, limit: int, offset: int) -> tuple[list[Widget], int]:
        async with self._database.reading() as connection:
            return await WidgetStore(connection, project_id).page(limit, offset)

    async def change(self, project_id: ProjectId, widget_id: WidgetId, changes: Mapping[str, Any]) -> Widget:
        """Partial update; the result is validated like a new widget."""
        async with self._database.work() as work:
            widget = await _widget(work.connection, project_id, widget_id)
            changed = replace(widget, **changes, updated_at=now())
            _check_widget(changed)
            await WidgetStore(work.connection, project_id).change(changed)
        return changed

    async def delete(self, project_id: ProjectId, widget_id: WidgetId) -> None:
        """Delete a widget. Conflict while a dashboard shows it (referential integrity)."""
        async with self._database.work() as work:
            await _widget(work.connection, project_id, widget_id)
            boards = await DashboardStore(work.connection, project_id).every()
            shown = [board.name for board in boards if any(each.shows == widget_id for each in board.placements)]
            if shown:
                raise Conflict(f"widget {widget_id!r} is shown on {', '.join(shown)}: take it off first")
            await WidgetStore(work.connection, project_id).delete(widget_id)


class Dashboards:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, dashboard: Dashboard) -> Dashboard:
        async with self._database.work() as work:
            await _check_placements(work.connection, dashboard.project_id, dashboard.placements)
            await DashboardStore(work.connection, dashboard.project_id).add(dashboard)
        return dashboard

    async def get(self, project_id: ProjectId, dashboard_id: DashboardId) -> Dashboard:
        async with self._database.reading() as connection:
            return await _dashboard(connection, project_id, dashboard_id)

    async def page(self, project_id: ProjectId, limit: int, offset: int) -> tuple[list[Dashboard], int]:
        async with self._database.reading() as connection:
            return await DashboardStore(connection, project_id).page(limit, offset)

    async def change(self, project_id: ProjectId, dashboard_id: DashboardId, changes: Mapping[str, Any]) -> Dashboard:
        async with self._database.work() as work:
            dashboard = await _dashboard(work.connection, project_id, dashboard_id)
            return await _changed(work.connection, replace(dashboard, **changes))

    async def delete(self, project_id: ProjectId, dashboard_id: DashboardId) -> None:
        async with self._database.work() as work:
            await _dashboard(work.connection, project_id, dashboard_id)
            await DashboardStore(work.connection, project_id).delete(dashboard_id)

    async def place(self, project_id: ProjectId, dashboard_id: DashboardId, placement: Placement) -> Placement:
        """Put something on a dashboard; with a negative row it goes below all the rest."""
        async with self._database.work() as work:
            board = await _dashboard(work.connection, project_id, dashboard_id)
            if placement.y < 0:
                below = max((each.y + each.height for each in board.placements), default=0)
                placement = replace(placement, y=below)
            await _changed(work.connection, replace(board, placements=(*board.placements, placement)))
        return placement

    async def move(
        self,
        project_id: ProjectId,
        dashboard_id: DashboardId,
        placement_id: PlacementId,
        changes: Mapping[str, Any],
    ) -> Placement:
        async with self._database.work() as work:
            board = await _dashboard(work.connection, project_id, dashboard_id)
            moved = replace(_placement(board, placement_id), **changes)
            placements = tuple(moved if each.id == placement_id else each for each in board.placements)
            await _changed(work.connection, replace(board, placements=placements))
        return moved

    async def take_off(self, project_id: ProjectId, dashboard_id: DashboardId, placement_id: PlacementId) -> None:
        async with self._database.work() as work:
            board = await _dashboard(work.connection, project_id, dashboard_id)
            gone = _placement(board, placement_id)
            placements = tuple(each for each in board.placements if each != gone)
            await _changed(work.connection, replace(board, placements=placements))


async def _changed(connection: Connection, dashboard: Dashboard) -> Dashboard:
    await _check_placements(connection, dashboard.project_id, dashboard.placements)
    changed = replace(dashboard, updated_at=now())
    await DashboardStore(connection, dashboard.project_id).change(changed)
    return changed


async def _check_placements(connection: Connection, project_id: ProjectId, placements: Sequence[Placement]) -> None:
    if len({each.id for each in placements}) != len(placements):
        raise InvalidRequest("two placements have the same id: each has its own")
    for each in placements:
        if each.x + each.width > COLUMNS:
            raise InvalidRequest(f"placement {each.id!r} ends at column {each.x + each.width} of {COLUMNS}")
    wanted = {each.shows for each in placements if each.kind == "widget"}
    known = {widget.id for widget in await WidgetStore(connection, project_id).every()}
    if wanted - known:
        raise NotFound(f"widget {min(wanted - known)!r} does not exist in this project")


def _check_widget(widget: Widget) -> None:
    """InvalidRequest when the widget's query is invalid for any time range."""
    end = now()
    query = MetricsQuery(
        view=widget.view,
        metrics=widget.metrics,
        dimensions=widget.dimensions,
        filters=widget.filters,
        start=end - timedelta(days=1),
        end=end,
        bins=widget.chart_config.get("bins") or 10,
        row_limit=widget.chart_config.get("row_limit"),
    )
    check(query, crowded=True)


def _placement(board: Dashboard, placement_id: PlacementId) -> Placement:
    found = next((each for each in board.placements if each.id == placement_id), None)
    if found is None:
        raise NotFound(f"placement {placement_id!r} does not exist on dashboard {board.id!r}")
    return found


async def _widget(connection: Connection, project_id: ProjectId, widget_id: WidgetId) -> Widget:
    found = await WidgetStore(connection, project_id).one(widget_id)
    if found is None:
        raise NotFound(f"widget {widget_id!r} does not exist in this project")
    return found


async def _dashboard(connection: Connection, project_id: ProjectId, dashboard_id: DashboardId) -> Dashboard:
    found = await DashboardStore(connection, project_id).one(dashboard_id)
    if found is None:
        raise NotFound(f"dashboard {dashboard_id!r} does not exist in this project")
    return found
