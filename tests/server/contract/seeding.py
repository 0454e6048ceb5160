"""Everything else a project holds: prompts, datasets, queues, models, boards, evaluators, people. By the API only."""

from typing import Any

from server.contract.project import START, Project, with_keys
from server.contract.seeding_traces import WHOLE, WHOLE_SPAN, seed_scores, seed_traces
from server.edges.running_site import Site

EXPORT: dict[str, Any] = {
    **{"type": "S3", "bucketName": "bucket", "region": "eu-central-1", "exportFrequency": "daily", "enabled": False},
    **{"forcePathStyle": False, "fileType": "JSONL", "exportMode": "FULL_HISTORY"},
}
"""Not enabled: nothing leaves."""
OBJECT = {"type": "object", "properties": {"question": {"type": "string"}}}
CATEGORIES = [{"value": 1, "label": "good"}, {"value": 0, "label": "bad"}]
CONFIGS: dict[str, dict[str, Any]] = {
    "NUMERIC": {"minValue": 0, "maxValue": 1, "description": "how good"},
    "BOOLEAN": {},
    "CATEGORICAL": {"categories": CATEGORIES},
    "TEXT": {},
}
TIERS = [
    {"name": "Standard", "isDefault": True, "priority": 0, "conditions": [], "prices": {"input": 0.1, "output": 0.2}},
    {
        "name": "Long",
        "isDefault": False,
        "priority": 1,
        "conditions": [
            {"usageDetailPattern": "^input", "operator": "gt", "value": 200_000, "caseSensitive": False},
            {"source": "model_parameters", "key": "speed", "operator": "in", "values": ["fast"]},
        ],
        "prices": {"input": 0.2},
    },
]
JUDGE: dict[str, Any] = {
    "type": "llm_as_judge",
    "name": "kind",
    "description": "is it kind",
    "prompt": "Is {{answer}} kind?",
    "modelConfig": {"provider": "ours", "model": "small"},
    "variableMapping": [{"variable": "answer", "source": "output", "jsonPath": "$.text"}],
    "outputDefinition": {
        "dataType": "CATEGORICAL",
        "categories": ["yes", "no"],
        "shouldAllowMultipleMatches": False,
        "scoreReasoningInstructions": "say why",
        "scoreValueInstructions": "say which",
    },
}
CODE = {"type": "code", "name": "length", "sourceCode": "return 1", "sourceCodeLanguage": "PYTHON"}
FILTERS = [
    {"type": "stringOptions", "column": "type", "operator": "any of", "value": ["GENERATION"]},
    {"type": "stringObject", "column": "metadata", "key": "customer", "operator": "=", "value": "acme"},
]
WIDGET: dict[str, Any] = {
    "name": "latency",
    "view": "observations",
    "dimensions": [{"field": "name"}],
    "metrics": [{"measure": "latency", "agg": "p95"}],
    "filters": [{"type": "string", "column": "environment", "operator": "=", "value": "default"}],
    "chartType": "LINE_TIME_SERIES",
}


async def seeded(site: Site) -> Project:
    """The first project with something for every operation to answer."""
    project = await with_keys(site)
    await _prompts(project)
    await _score_configs(project)
    await seed_traces(project)
    await _people(project)
    await project.make("/integrations/blob-storage", {"projectId": "here"} | EXPORT, "organization", "PUT")
    await _queues(project)
    await _datasets(project)
    await seed_scores(project)
    await _comments(project)
    await _models(project)
    await _judges(project)
    await _boards(project)
    return project


async def _prompts(project: Project) -> None:
    greeting = {"name": "greeting", "prompt": "Hello {{name}}", "config": {"temperature": 0}, "commitMessage": "first"}
    await project.make("/v2/prompts", greeting | {"type": "text", "labels": ["production"], "tags": ["friendly"]})
    await project.make("/v2/prompts", {"name": "greeting", "prompt": "Hi"})
    messages = [
        {"role": "system", "content": "@@@langfusePrompt:name=greeting|label=production@@@"},
        {"type": "placeholder", "name": "history"},
    ]
    await project.make("/v2/prompts", {"type": "chat", "name": "chat", "prompt": messages, "labels": ["production"]})


async def _score_configs(project: Project) -> None:
    for kind, more in CONFIGS.items():
        made = await project.make("/score-configs", {"name": kind.lower(), "dataType": kind, **more})
        project.ids[kind] = made["id"]


async def _people(project: Project) -> None:
    name = {"givenName": "Grace", "familyName": "Hopper", "formatted": "Grace Hopper"}
    made = await project.make("/scim/Users", {"userName": "grace@example.org", "name": name}, "organization")
    project.ids["user"] = made["id"]
    member = {"userId": made["id"], "role": "MEMBER"}
    await project.make("/organizations/memberships", member, "organization", "PUT")
    await project.make("/projects/here/memberships", member, "organization", "PUT")
    await project.make("/projects/here/apiKeys", {"note": "theirs"}, "organization")


async def _queues(project: Project) -> None:
    body = {"name": "to read", "description": "by people", "scoreConfigIds": [project["NUMERIC"]]}
    queue = (await project.make("/annotation-queues", body))["id"]
    for number, kind in enumerate(("TRACE", "OBSERVATION", "SESSION")):
        about = (WHOLE, WHOLE_SPAN, "a-session")[number]
        item = await project.make(f"/annotation-queues/{queue}/items", {"objectId": about, "objectType": kind})
        project.ids[f"{kind} item"] = item["id"]
    done = f"/annotation-queues/{queue}/items/{project['TRACE item']}"
    await project.make(done, {"status": "COMPLETED"}, method="PATCH")
    project.ids["queue"] = queue


async def _datasets(project: Project) -> None:
    schemas = {"inputSchema": OBJECT, "expectedOutputSchema": {"type": "string"}}
    whole = {"name": "questions", "description": "to answer", "metadata": {"team": "blue"}, **schemas}
    dataset = await project.make("/v2/datasets", whole)
    await project.make("/v2/datasets", {"name": "bare"})
    token = f"@@@langfuseMedia:type=text/plain|id={project['media']}|source=bytes@@@"
    item = {
        "id": "an-item",
        "datasetName": "questions",
        "input": {"question": "which?", "file": token},
        "expectedOutput": "this one",
        "metadata": {"hard": True},
        "sourceTraceId": WHOLE,
        "sourceObservationId": WHOLE_SPAN,
    }
    await project.make("/dataset-items", item)
    await project.make("/dataset-items", {"datasetName": "bare"})
    run = {"runName": "a run", "runDescription": "a try", "metadata": {"model": "small"}, "datasetItemId": "an-item"}
    made = await project.make("/dataset-run-items", run | {"traceId": WHOLE, "observationId": WHOLE_SPAN})
    project.ids |= {"dataset": dataset["id"], "item": "an-item", "run": made["datasetRunId"]}


async def _comments(project: Project) -> None:
    prompt = (await project.send("GET", "/v2/prompts/greeting")).json()["id"]
    about = {"TRACE": WHOLE, "OBSERVATION": WHOLE_SPAN, "SESSION": "a-session", "PROMPT": prompt}
    for kind, object_id in about.items():
        body = {"projectId": "here", "objectType": kind, "objectId": object_id, "content": "look at this"}
        made = await project.make("/comments", body | ({"authorUserId": project["user"]} if kind == "TRACE" else {}))
        project.ids[f"{kind} comment"] = made["id"]


async def _models(project: Project) -> None:
    tokenizer = {"tokenizerId": "openai", "tokenizerConfig": {"tokenizerModel": "gpt-4o"}, "startDate": START}
    model = {"modelName": "small", "matchPattern": "(?i)^small$", "unit": "TOKENS"}
    flat = await project.make("/models", model | {"inputPrice": 0.1, "outputPrice": 0.2} | tokenizer)
    tiered = await project.make("/models", model | {"modelName": "long", "pricingTiers": TIERS})
    project.ids |= {"model": flat["id"], "tiered model": tiered["id"]}
    connection = {"provider": "ours", "adapter": "openai", "secretKey": "sk-0123456789"}
    made = await project.make("/llm-connections", connection | {"extraHeaders": {"X-Team": "blue"}}, method="PUT")
    project.ids["connection"] = made["id"]


async def _judges(project: Project) -> None:
    judge = (await project.make("/v2/evaluators", JUDGE))["id"]
    changed = {key: JUDGE[key] for key in ("type", "prompt", "outputDefinition")}
    await project.make(f"/v2/evaluators/{judge}", changed, method="PATCH")
    code = (await project.make("/v2/evaluators", CODE))["id"]
    mapping = [{"variable": "answer", "source": "input"}]
    assigned = [{"evaluatorId": judge, "variableMapping": mapping}, {"evaluatorId": code}]
    rule = {"name": "all", "enabled": True, "sampling": 0.5, "filter": FILTERS, "evaluatorAssignments": assigned}
    made = await project.make("/v2/evaluation-rules", rule)
    project.ids |= {"judge": judge, "code": code, "rule": made["id"]}


async def _boards(project: Project) -> None:
    sort = {"column": "p95_latency", "order": "DESC"}
    config = {"type": "PIVOT_TABLE", "row_limit": 5, "defaultSort": sort}
    await project.make("/unstable/dashboard-widgets", WIDGET | {"chartType": "PIVOT_TABLE", "chartConfig": config})
    widget = (await project.make("/unstable/dashboard-widgets", WIDGET))["id"]
    board = (await project.make("/unstable/dashboards", {"name": "all", "filters": WIDGET["filters"]}))["id"]
    placed = f"/unstable/dashboards/{board}/placements"
    placement = await project.make(placed, {"type": "widget", "widgetId": widget})
    await project.make(placed, {"type": "preset", "presetId": "cost"})
    project.ids |= {"widget": widget, "board": board, "placement": placement["id"]}
