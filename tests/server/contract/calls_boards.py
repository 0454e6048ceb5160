"""Calls about metrics, models, model providers, evaluators, dashboards and widgets."""

import json
from typing import Any

from server.contract.calls import Call
from server.contract.project import SINCE, START, Project, fresh
from server.contract.seeding import CODE, FILTERS, JUDGE, TIERS, WIDGET

UNTIL = "2030-06-01T00:00:00.000Z"
PAGE = {"page": 1, "limit": 100}
MODEL = {"modelName": "m", "matchPattern": "^m$", "unit": "TOKENS"}
TOKENIZER = {"tokenizerId": "openai", "tokenizerConfig": {"tokenizerModel": "gpt-4o"}, "startDate": START}
CHART = {"type": "LINE_TIME_SERIES", "row_limit": 10, "show_value_labels": True}
BOARDS = "/api/public/unstable/dashboards"
WIDGETS = "/api/public/unstable/dashboard-widgets"
JUDGES = "/api/public/v2/evaluators"
RULES = "/api/public/v2/evaluation-rules"
LEAST_JUDGE = {key: JUDGE[key] for key in ("type", "name", "prompt")} | {"outputDefinition": {"dataType": "BOOLEAN"}}
NUMBERS = {"dataType": "NUMERIC", "minValue": 0, "maxValue": 5}
CONVERSATION = [{"role": "system", "content": "Judge."}, {"role": "user", "content": "{{answer}}"}]


async def _a_model(project: Project) -> dict[str, str]:
    return {"id": (await project.make("/models", MODEL | {"modelName": fresh("m"), "totalPrice": 1}))["id"]}


async def _a_connection(project: Project) -> dict[str, str]:
    body = {"provider": fresh("p"), "adapter": "openai", "secretKey": "sk-1"}
    return {"id": (await project.make("/llm-connections", body, method="PUT"))["id"]}


async def _a_judge(project: Project) -> dict[str, str]:
    return {"evaluatorId": (await project.make("/v2/evaluators", LEAST_JUDGE))["id"]}


async def _a_rule(project: Project) -> dict[str, str]:
    return {"evaluationRuleId": (await project.make("/v2/evaluation-rules", _rule(project)))["id"]}


async def _a_widget(project: Project) -> dict[str, str]:
    return {"widgetId": (await project.make("/unstable/dashboard-widgets", WIDGET))["id"]}


async def _a_board(project: Project) -> dict[str, str]:
    return {"dashboardId": (await project.make("/unstable/dashboards", {"name": fresh("board")}))["id"]}


async def _a_placement(project: Project) -> dict[str, str]:
    board = (await _a_board(project))["dashboardId"]
    body = {"type": "widget", "widgetId": project["widget"]}
    placed = await project.make(f"/unstable/dashboards/{board}/placements", body)
    return {"dashboardId": board, "placementId": placed["id"]}


def _rule(project: Project, **more: Any) -> dict[str, Any]:
    assigned = [{"evaluatorId": project["judge"]}]
    return {"name": "r", "enabled": True, "evaluatorAssignments": assigned, **more}


def _whole_rule(project: Project) -> dict[str, Any]:
    mapping = [{"variable": "answer", "source": "metadata", "jsonPath": "$.a"}]
    assigned = [{"evaluatorId": project["judge"], "variableMapping": mapping}]
    return _rule(project, filter=FILTERS, sampling=0.25) | {"evaluatorAssignments": assigned}


def _definition(project: Project) -> dict[str, Any]:
    widget = {"type": "widget", "id": "w", "widgetId": project["widget"], "x": 0, "y": 0, "width": 6, "height": 6}
    preset = {"type": "preset", "id": "p", "presetId": "cost", "x": 6, "y": 0, "width": 6, "height": 6}
    return {"widgets": [widget, preset]}


def _board(project: Project) -> dict[str, Any]:
    return {"name": "b", "description": "d", "definition": _definition(project), "filters": WIDGET["filters"]}


def _metrics(version: str, view: str, measure: str, **more: Any) -> Call:
    aggregation = "count" if measure == "count" else "avg"
    query = {
        **{"view": view, "metrics": [{"measure": measure, "aggregation": aggregation}], "filters": []},
        **{"fromTimestamp": SINCE, "toTimestamp": UNTIL, "dimensions": [{"field": "environment"}]},
        **more,
    }
    key = f"GET /api/public{version}/metrics"
    return Call(key=key, label=f"{view} {measure}", query={"query": json.dumps(query)})


METRICS = (
    _metrics("", "traces", "count"),
    _metrics("", "observations", "latency", timeDimension={"granularity": "day"}),
    _metrics("/v2", "observations", "count"),
    _metrics("/v2", "observations", "totalCost", timeDimension={"granularity": "month"}, config={"row_limit": 10}),
    _metrics("/v2", "scores-numeric", "value"),
    _metrics("/v2", "scores-categorical", "count"),
)

MODELS = (
    Call(key="GET /api/public/models", query=PAGE),
    Call(
        key="POST /api/public/models",
        label="least",
        body=MODEL | {"totalPrice": 1},
        beyond=("totalPrice",),
    ),
    Call(
        key="POST /api/public/models",
        label="with flat prices",
        body=MODEL | TOKENIZER | {"inputPrice": 0.1, "outputPrice": 0.2},
    ),
    Call(key="POST /api/public/models", label="with tiers", body=MODEL | {"pricingTiers": TIERS}),
    Call(key="GET /api/public/models/{id}", label="of one's own", path={"id": "model"}),
    Call(key="GET /api/public/models/{id}", label="with tiers", path={"id": "tiered model"}),
    Call(
        key="PUT /api/public/models/{id}",
        label="least",
        path=lambda _: {"id": fresh("model")},
        body=MODEL | {"totalPrice": 1},
        beyond=("totalPrice",),
    ),
    Call(
        key="PUT /api/public/models/{id}",
        label="with flat prices",
        path=_a_model,
        body=MODEL | TOKENIZER | {"inputPrice": 0.1, "outputPrice": 0.2},
    ),
    Call(key="PUT /api/public/models/{id}", label="with tiers", path=_a_model, body=MODEL | {"pricingTiers": TIERS}),
    Call(key="DELETE /api/public/models/{id}", path=_a_model),
    Call(key="GET /api/public/llm-connections", query=PAGE),
    Call(
        key="PUT /api/public/llm-connections",
        label="least",
        body=lambda _: {"provider": fresh("p"), "adapter": "anthropic", "secretKey": "sk-1"},
    ),
    Call(
        key="PUT /api/public/llm-connections",
        label="whole",
        body=lambda _: {
            **{"provider": fresh("p"), "adapter": "openai", "secretKey": "sk-1", "baseURL": "https://example.org/v1"},
            **{"customModels": ["m"], "withDefaultModels": False, "extraHeaders": {"X-Team": "blue"}},
        },
    ),
    Call(
        key="PUT /api/public/llm-connections",
        label="with a config",
        body=lambda _: {"provider": fresh("p"), "adapter": "bedrock", "secretKey": "{}", "config": {"region": "eu"}},
    ),
    Call(key="DELETE /api/public/llm-connections/{id}", path=_a_connection),
)

EVALUATORS = (
    Call(key=f"GET {JUDGES}", query={"limit": 1}),
    Call(key=f"POST {JUDGES}", label="least", variant="llm_as_judge", body=LEAST_JUDGE),
    Call(key=f"POST {JUDGES}", label="whole", variant="llm_as_judge", body=JUDGE),
    Call(
        key=f"POST {JUDGES}",
        label="in messages, of numbers",
        variant="llm_as_judge",
        body=LEAST_JUDGE | {"prompt": CONVERSATION, "outputDefinition": NUMBERS},
    ),
    Call(key=f"POST {JUDGES}", label="least of code", variant="code", body=CODE),
    Call(key=f"POST {JUDGES}", label="whole of code", variant="code", body=CODE | {"description": "d"}),
    Call(key=f"GET {JUDGES}/{{evaluatorId}}", label="judge", path={"evaluatorId": "judge"}),
    Call(key=f"GET {JUDGES}/{{evaluatorId}}", label="code", path={"evaluatorId": "code"}),
    Call(
        key=f"PATCH {JUDGES}/{{evaluatorId}}",
        label="name",
        path=_a_judge,
        body={"name": "n", "description": "d"},
    ),
    Call(key=f"PATCH {JUDGES}/{{evaluatorId}}", label="judge", path=_a_judge, body=JUDGE),
    Call(key=f"PATCH {JUDGES}/{{evaluatorId}}", label="code", path={"evaluatorId": "code"}, body=CODE),
    Call(key=f"DELETE {JUDGES}/{{evaluatorId}}", path=_a_judge),
    Call(
        key=f"GET {JUDGES}/{{evaluatorId}}/versions",
        label="of a judge",
        path={"evaluatorId": "judge"},
        query={"limit": 1},
    ),
    Call(key=f"GET {JUDGES}/{{evaluatorId}}/versions", label="of code", path={"evaluatorId": "code"}),
    Call(key=f"GET {RULES}", query={"limit": 1}),
    Call(key=f"POST {RULES}", label="least", body=_rule),
    Call(key=f"POST {RULES}", label="whole", body=_whole_rule),
    Call(key=f"GET {RULES}/{{evaluationRuleId}}", path={"evaluationRuleId": "rule"}),
    Call(key=f"PATCH {RULES}/{{evaluationRuleId}}", label="least", path=_a_rule, body={}),
    Call(key=f"PATCH {RULES}/{{evaluationRuleId}}", label="whole", path=_a_rule, body=_whole_rule),
    Call(key=f"DELETE {RULES}/{{evaluationRuleId}}", path=_a_rule),
)

DASHBOARDS = (
    Call(key=f"GET {WIDGETS}", query=PAGE),
    Call(key=f"POST {WIDGETS}", label="least", body=WIDGET),
    Call(key=f"POST {WIDGETS}", label="whole", body=WIDGET | {"description": "d", "chartConfig": CHART}),
    Call(key=f"GET {WIDGETS}/{{widgetId}}", path={"widgetId": "widget"}),
    Call(key=f"PATCH {WIDGETS}/{{widgetId}}", label="least", path=_a_widget, body={}),
    Call(
        key=f"PATCH {WIDGETS}/{{widgetId}}",
        label="whole",
        path=_a_widget,
        body=WIDGET | {"description": "d", "chartConfig": CHART},
    ),
    Call(key=f"DELETE {WIDGETS}/{{widgetId}}", path=_a_widget),
    Call(key=f"GET {BOARDS}", query=PAGE),
    Call(key=f"POST {BOARDS}", label="least", body={"name": "b"}),
    Call(key=f"POST {BOARDS}", label="whole", body=_board),
    Call(key=f"GET {BOARDS}/{{dashboardId}}", path={"dashboardId": "board"}),
    Call(key=f"PATCH {BOARDS}/{{dashboardId}}", label="least", path=_a_board, body={}),
    Call(key=f"PATCH {BOARDS}/{{dashboardId}}", label="whole", path=_a_board, body=_board),
    Call(key=f"DELETE {BOARDS}/{{dashboardId}}", path=_a_board),
    Call(
        key=f"POST {BOARDS}/{{dashboardId}}/placements",
        label="least widget",
        variant="widget",
        path=_a_board,
        body=lambda project: {"type": "widget", "widgetId": project["widget"]},
    ),
    Call(
        key=f"POST {BOARDS}/{{dashboardId}}/placements",
        label="whole widget",
        variant="widget",
        path=_a_board,
        body=lambda project: _definition(project)["widgets"][0],
    ),
    Call(
        key=f"POST {BOARDS}/{{dashboardId}}/placements",
        label="least preset",
        variant="preset",
        path=_a_board,
        body={"type": "preset", "presetId": "cost"},
    ),
    Call(
        key=f"POST {BOARDS}/{{dashboardId}}/placements",
        label="whole preset",
        variant="preset",
        path=_a_board,
        body=lambda project: _definition(project)["widgets"][1],
    ),
    Call(key=f"PATCH {BOARDS}/{{dashboardId}}/placements/{{placementId}}", label="least", path=_a_placement, body={}),
    Call(
        key=f"PATCH {BOARDS}/{{dashboardId}}/placements/{{placementId}}",
        label="whole",
        path=_a_placement,
        body={"x": 1, "y": 2, "width": 3, "height": 4},
    ),
    Call(key=f"DELETE {BOARDS}/{{dashboardId}}/placements/{{placementId}}", path=_a_placement),
)

CALLS = METRICS + MODELS + EVALUATORS + DASHBOARDS
