"""Dashboards and widgets through their actions: what is shown exists, and what is shown stays."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from sightline.server.dashboards.actions import Dashboards, Widgets
from sightline.server.dashboards.records import Dashboard, DashboardId, Metric, Placement, PlacementId, Widget, WidgetId
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)
WIDGET = Widget(
    id=WidgetId("w1"),
    project_id=HERE,
    name="how many",
    description="",
    view="observations",
    dimensions=(),
    metrics=(Metric(measure="count", aggregation="count"),),
    filters=(),
    chart_type="NUMBER",
    chart_config={},
    created_at=MOMENT,
    updated_at=MOMENT,
)
BOARD = Dashboard(
    id=DashboardId("d1"),
    project_id=HERE,
    name="overview",
    description="",
    placements=(),
    filters=(),
    created_at=MOMENT,
    updated_at=MOMENT,
)
PLACE = Placement(id=PlacementId("p1"), kind="widget", shows="w1", x=0, y=0, width=6, height=4)


@pytest.fixture
async def widgets(storage: Storage) -> Widgets:
    widgets = Widgets(storage.database)
    await widgets.create(WIDGET)
    return widgets


@pytest.fixture
async def boards(storage: Storage, widgets: Widgets) -> Dashboards:
    boards = Dashboards(storage.database)
    await boards.create(BOARD)
    return boards


async def test_a_negative_row_is_below_all_the_rest(boards: Dashboards):
    await boards.place(HERE, BOARD.id, PLACE)
    lower = await boards.place(HERE, BOARD.id, replace(PLACE, id=PlacementId("p2"), y=-1))
    assert lower.y == 4
    assert [each.id for each in (await boards.get(HERE, BOARD.id)).placements] == ["p1", "p2"]


async def test_a_widget_that_is_shown_is_not_deleted(boards: Dashboards, widgets: Widgets):
    await boards.place(HERE, BOARD.id, PLACE)
    with pytest.raises(Conflict, match="shown on overview"):
        await widgets.delete(HERE, WIDGET.id)
    await boards.take_off(HERE, BOARD.id, PLACE.id)
    await widgets.delete(HERE, WIDGET.id)
    with pytest.raises(NotFound):
        await widgets.get(HERE, WIDGET.id)


@pytest.mark.parametrize(
    ("placement", "problem", "said"),
    [
        (replace(PLACE, x=8), InvalidRequest, "column 14 of 12"),
        (replace(PLACE, shows="none"), NotFound, "widget 'none' does not exist"),
    ],
)
async def test_a_placement_that_does_not_fit_leaves_the_board_as_it_was(
    boards: Dashboards, placement: Placement, problem: type[Exception], said: str
):
    await boards.place(HERE, BOARD.id, PLACE)
    with pytest.raises(problem, match=said):
        await boards.place(HERE, BOARD.id, replace(placement, id=PlacementId("p2")))
    with pytest.raises(InvalidRequest, match="the same id"):
        await boards.place(HERE, BOARD.id, PLACE)
    assert (await boards.get(HERE, BOARD.id)).placements == (PLACE,)


async def test_a_widget_asks_what_can_be_answered(widgets: Widgets):
    with pytest.raises(InvalidRequest, match="nonsense"):
        await widgets.change(HERE, WIDGET.id, {"metrics": (Metric(measure="nonsense", aggregation="sum"),)})
    assert (await widgets.get(HERE, WIDGET.id)).metrics == WIDGET.metrics


async def test_boards_and_widgets_are_of_their_project(boards: Dashboards, widgets: Widgets):
    assert (await boards.page(ELSEWHERE, 10, 0), await widgets.page(ELSEWHERE, 10, 0)) == (([], 0), ([], 0))
    with pytest.raises(NotFound):
        await boards.place(ELSEWHERE, BOARD.id, PLACE)
    with pytest.raises(NotFound):
        await widgets.delete(ELSEWHERE, WIDGET.id)
