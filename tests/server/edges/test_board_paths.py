"""Dashboards, widgets, evaluators and rules, through Langfuse's client."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from langfuse.api import AsyncLangfuseAPI

from server.edges.running_site import ELSEWHERE, HERE, Site
from server.edges.sdk import sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIDGET: dict[str, Any] = {
    "name": "latency",
    "view": "observations",
    "dimensions": [{"field": "name"}],
    "metrics": [{"measure": "latency", "agg": "p95"}],
    "filters": [{"type": "string", "column": "environment", "operator": "=", "value": "default"}],
    "chartType": "LINE_TIME_SERIES",
}
JUDGE: dict[str, Any] = {
    "type": "llm_as_judge",
    "name": "kind",
    "prompt": "Is {{ answer }} kind to {{who}}? {{answer}}",
    "variableMapping": [{"variable": "answer", "source": "output"}],
    "outputDefinition": {"dataType": "BOOLEAN"},
}
CODE = {"type": "code", "name": "length", "sourceCode": "return 1", "sourceCodeLanguage": "PYTHON"}


@pytest_asyncio.fixture(loop_scope="module")
async def api(site: Site) -> AsyncIterator[AsyncLangfuseAPI]:
    async with sdk(site) as client:
        yield client


async def send(site: Site, method: str, path: str, body: Any = None, headers: dict[str, str] = HERE) -> httpx2.Response:
    return await site.client.request(method, f"/api/public{path}", json=body, headers=headers)


async def made(site: Site, path: str, body: Any) -> Any:
    answer = await send(site, "POST", path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_widget_is_placed_moved_and_kept_while_it_is_shown(site: Site, api: AsyncLangfuseAPI):
    widget = await made(site, "/unstable/dashboard-widgets", WIDGET | {"chartConfig": {"row_limit": 5}})
    assert widget["chartConfig"] == {"type": "LINE_TIME_SERIES", "row_limit": 5}
    assert (await api.unstable.dashboard_widgets.get(widget["id"])).metrics[0].agg.value == "p95"
    changed = await send(site, "PATCH", f"/unstable/dashboard-widgets/{widget['id']}", {"name": "slow"})
    assert (changed.json()["name"], changed.json()["view"]) == ("slow", "observations")
    board = await made(site, "/unstable/dashboards", {"name": "all"})
    where = f"/unstable/dashboards/{board['id']}"
    first = await made(site, f"{where}/placements", {"type": "widget", "widgetId": widget["id"], "height": 3})
    second = await made(site, f"{where}/placements", {"type": "preset", "presetId": "cost", "id": "mine"})
    assert (first["y"], second["y"], second["id"], second["presetId"]) == (0, 3, "mine", "cost")
    moved = await send(site, "PATCH", f"{where}/placements/mine", {"x": 6})
    assert (moved.json()["x"], moved.json()["width"]) == (6, 6)
    read = await api.unstable.dashboards.get(board["id"])
    assert [(each.type, each.x) for each in read.definition.widgets] == [("widget", 0), ("preset", 6)]
    assert (await send(site, "DELETE", f"/unstable/dashboard-widgets/{widget['id']}")).status_code == 409
    assert (await send(site, "DELETE", f"{where}/placements/{first['id']}")).status_code == 200
    assert (await send(site, "DELETE", f"/unstable/dashboard-widgets/{widget['id']}")).status_code == 200
    renamed = await send(site, "PATCH", where, {"name": "some", "filters": WIDGET["filters"]})
    assert (renamed.json()["name"], renamed.json()["filters"]) == ("some", WIDGET["filters"])
    assert board["id"] in [each.id for each in (await api.unstable.dashboards.list()).data]
    assert (await send(site, "DELETE", where)).status_code == 200
    assert (await send(site, "GET", where)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"view": "traces"}, "view"),
        ({"metrics": []}, "metrics"),
        ({"metrics": [{"measure": "moon", "agg": "sum"}]}, "moon"),
        ({"dimensions": [{"field": "moon"}]}, "moon"),
        ({"chartType": "MOON"}, "chartType"),
        ({"chartConfig": {"type": "PIE"}}, "PIE"),
        ({"chartConfig": {"bins": 101}}, "bins"),
    ],
)
async def test_a_widget_that_makes_no_sense_is_refused_with_a_code(site: Site, changes: Any, said: str):
    answer = await send(site, "POST", "/unstable/dashboard-widgets", WIDGET | changes)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid_body", "invalid_request")
    assert said in answer.text


async def test_placements_lie_in_the_grid_and_show_what_exists(site: Site):
    board = await made(site, "/unstable/dashboards", {"name": "grid"})
    where = f"/unstable/dashboards/{board['id']}/placements"
    for body, status in (
        ({"type": "widget", "widgetId": "none"}, 404),
        ({"type": "widget"}, 400),
        ({"type": "preset", "presetId": "p", "x": 8, "width": 6}, 400),
        ({"type": "preset", "presetId": "p", "x": 12}, 400),
    ):
        assert (await send(site, "POST", where, body)).status_code == status, body
    assert (await send(site, "PATCH", f"{where}/none", {"x": 1})).status_code == 404


async def test_an_evaluator_keeps_its_versions(site: Site, api: AsyncLangfuseAPI):
    judge = await made(site, "/v2/evaluators", JUDGE)
    assert (judge["variables"], judge["version"], judge["status"]) == (["answer", "who"], 1, "active")
    assert judge["prompt"] == [{"role": "user", "content": JUDGE["prompt"]}]
    where = f"/v2/evaluators/{judge['id']}"
    named = (await send(site, "PATCH", where, {"description": "checks tone"})).json()
    assert (named["description"], named["version"]) == ("checks tone", 1)
    newer = JUDGE | {"name": "kinder", "prompt": [{"role": "system", "content": "{{who}}"}], "variableMapping": None}
    assert (await send(site, "PATCH", where, newer)).json()["version"] == 2
    found = await api.evaluators.get(judge["id"])
    assert (found.name, found.variables) == ("kinder", ["who"])
    versions = await api.evaluators.list_versions(judge["id"])
    assert [each.version for each in versions.data] == [2, 1]
    assert "cannot become" in (await send(site, "PATCH", where, CODE)).text
    code = await made(site, "/v2/evaluators", CODE)
    assert (await api.evaluators.get(code["id"])).source_code == "return 1"
    namesake = await made(site, "/v2/evaluators", CODE)
    for each in (judge, code, namesake):
        assert (await send(site, "DELETE", f"/v2/evaluators/{each['id']}")).json() == {"id": each["id"]}
    assert (await send(site, "GET", where)).json()["code"] == "resource_not_found"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"prompt": ""},
        {"prompt": None},
        {"outputDefinition": None},
        {"outputDefinition": {"dataType": "CATEGORICAL"}},
        {"outputDefinition": {"dataType": "NUMERIC", "minValue": 2, "maxValue": 1}},
        {"outputDefinition": {"dataType": "BOOLEAN", "categories": ["a", "b"]}},
        {"variableMapping": [{"variable": "moon", "source": "output"}]},
        {"variableMapping": [{"variable": "answer", "source": "moon"}]},
    ],
)
async def test_a_judge_that_makes_no_sense_is_refused(site: Site, changes: Any):
    answer = await send(site, "POST", "/v2/evaluators", JUDGE | {"name": "odd"} | changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_body")
    assert answer.json()["details"]["issues"]


async def test_a_rule_sets_evaluators_to_work(site: Site, api: AsyncLangfuseAPI):
    judge = await made(site, "/v2/evaluators", JUDGE | {"name": "ruled"})
    mapping = [{"variable": "who", "source": "input", "jsonPath": "$.who"}]
    conditions = [{"type": "stringOptions", "column": "type", "operator": "any of", "value": ["GENERATION"]}]
    body = {
        "name": "tone",
        "enabled": True,
        "sampling": 0.5,
        "filter": conditions,
        "evaluatorAssignments": [{"evaluatorId": judge["id"], "variableMapping": mapping}],
    }
    rule = await made(site, "/v2/evaluation-rules", body)
    assert (rule["filter"], rule["evaluatorAssignments"][0]["variableMapping"]) == (conditions, mapping)
    [used] = (await api.evaluators.get(judge["id"])).evaluation_rule_assignments
    assert used.evaluation_rule_id == rule["id"]
    assert (await send(site, "DELETE", f"/v2/evaluators/{judge['id']}")).json()["code"] == "conflict"
    where = f"/v2/evaluation-rules/{rule['id']}"
    off = (await send(site, "PATCH", where, {"enabled": False, "evaluatorAssignments": []})).json()
    assert (off["enabled"], off["sampling"], off["evaluatorAssignments"]) == (False, 0.5, [])
    assert (await api.evaluation_rules.get(rule["id"])).enabled is False
    assert (await send(site, "DELETE", f"/v2/evaluators/{judge['id']}")).status_code == 200
    for changes in (
        {"sampling": 1.5},
        {"filter": [{"type": "string", "column": "name", "operator": "~", "value": "x"}]},
        {"filter": [{"type": "stringObject", "column": "metadata", "operator": "=", "value": "x"}]},
        {"evaluatorAssignments": [{"evaluatorId": judge["id"]}]},
    ):
        assert (await send(site, "PATCH", where, changes)).status_code == 400, changes
    assert (await send(site, "DELETE", where)).json() == {"id": rule["id"]}


async def test_cursors_walk_through_all_evaluators_once(site: Site, api: AsyncLangfuseAPI):
    names = {(await made(site, "/v2/evaluators", CODE | {"name": f"walk{number}"}))["name"] for number in range(5)}
    seen: list[str] = []
    cursor = None
    while True:
        page = await api.evaluators.list(limit=2, cursor=cursor)
        seen += [each.name for each in page.data]
        cursor = page.meta.cursor
        if cursor is None:
            break
    assert names <= set(seen)
    assert len(seen) == len(set(seen))
    assert (await send(site, "GET", "/v2/evaluators?cursor=!!")).status_code == 400


async def test_another_projects_boards_and_judges_do_not_exist(site: Site):
    things = {
        "/unstable/dashboard-widgets": WIDGET,
        "/unstable/dashboards": {"name": "ours"},
        "/v2/evaluators": CODE | {"name": "ours"},
        "/v2/evaluation-rules": {"name": "ours", "enabled": False, "evaluatorAssignments": []},
    }
    for path, body in things.items():
        one = await made(site, path, body)
        for method, change in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
            answer = await send(site, method, f"{path}/{one['id']}", change, ELSEWHERE)
            assert (answer.status_code, answer.json()["code"]) == (404, "resource_not_found"), (method, path)
        assert (await send(site, "GET", path, None, ELSEWHERE)).json()["data"] == []
