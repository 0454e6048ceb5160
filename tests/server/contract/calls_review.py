"""Calls about prompts, datasets, experiments, comments and annotation queues."""

import json
from typing import Any

from server.contract.calls import Call
from server.contract.project import SINCE, START, Project, fresh
from server.contract.seeding import OBJECT
from server.contract.seeding_traces import WHOLE, WHOLE_SPAN

PAGE = {"page": 1, "limit": 100}
UNTIL = "2036-01-01T00:00:00.000Z"
MESSAGES = [
    {"role": "system", "content": "You are kind."},
    {"type": "chatmessage", "role": "user", "content": "{{question}}"},
    {"type": "placeholder", "name": "history"},
]
RUN_OF = json.dumps([{"type": "string", "column": "experimentName", "operator": "=", "value": "an experiment"}])
RUN = "POST /api/public/dataset-run-items"
ITEM = "/api/public/annotation-queues/{queueId}/items/{itemId}"
PROMPT_PARTS = {"config": {"a": 1}, "labels": ["new"], "tags": ["t"], "commitMessage": "why"}
GROUPS = "core,dataset,io,metadata,itemMetadata,experimentMetadata,scores"
NAMED = json.dumps([{"type": "string", "column": "name", "operator": "=", "value": "an experiment"}])


async def _a_prompt(project: Project) -> dict[str, str]:
    made = await project.make("/v2/prompts", {"name": fresh("folder/prompt"), "prompt": "p", "labels": ["old"]})
    return {"promptName": made["name"]}


async def _a_version(project: Project) -> dict[str, str]:
    return {"name": (await _a_prompt(project))["promptName"], "version": "1"}


async def _an_item(project: Project) -> dict[str, str]:
    return {"id": (await project.make("/dataset-items", {"datasetName": "bare"}))["id"]}


async def _a_run(project: Project) -> dict[str, str]:
    item = await _an_item(project)
    run = {"runName": fresh("run"), "datasetItemId": item["id"], "traceId": WHOLE}
    await project.make("/dataset-run-items", run)
    return {"datasetName": "bare", "runName": run["runName"]}


async def _a_queued_item(project: Project) -> dict[str, str]:
    queue = project["queue"]
    made = await project.make(f"/annotation-queues/{queue}/items", {"objectId": fresh("t"), "objectType": "TRACE"})
    return {"queueId": queue, "itemId": made["id"]}


def _prompt(**more: Any) -> dict[str, Any]:
    return {"name": fresh("prompt"), "prompt": "Hello {{name}}", **more}


def _assigned(project: Project) -> dict[str, str]:
    return {"userId": project["user"]}


def _run_item(project: Project, **more: Any) -> dict[str, Any]:
    return {"runName": "another run", "datasetItemId": project["item"], **more}


def _comment(project: Project, **more: Any) -> dict[str, Any]:
    return {"projectId": "here", "objectType": "TRACE", "objectId": WHOLE, "content": "look", **more}


PROMPTS = (
    Call(key="GET /api/public/v2/prompts", label="all", query=PAGE),
    Call(
        key="GET /api/public/v2/prompts",
        label="with every parameter",
        query=PAGE
        | {"name": "greeting", "label": "production", "tag": "friendly", "fromUpdatedAt": SINCE, "toUpdatedAt": UNTIL},
    ),
    Call(key="POST /api/public/v2/prompts", label="least", variant="text", body=lambda _: _prompt()),
    Call(
        key="POST /api/public/v2/prompts",
        label="whole",
        variant="text",
        body=lambda _: _prompt(type="text", **PROMPT_PARTS),
    ),
    Call(
        key="POST /api/public/v2/prompts",
        label="least chat",
        variant="chat",
        body=lambda _: _prompt(type="chat") | {"prompt": MESSAGES},
    ),
    Call(
        key="POST /api/public/v2/prompts",
        label="whole chat",
        variant="chat",
        body=lambda _: _prompt(type="chat", **PROMPT_PARTS) | {"prompt": MESSAGES},
    ),
    Call(key="GET /api/public/v2/prompts/{promptName}", label="text", path=lambda _: {"promptName": "greeting"}),
    Call(
        key="GET /api/public/v2/prompts/{promptName}",
        label="composed chat",
        path=lambda _: {"promptName": "chat"},
        query={"label": "production", "resolve": "true"},
    ),
    Call(
        key="GET /api/public/v2/prompts/{promptName}",
        label="raw chat",
        path=lambda _: {"promptName": "chat"},
        query={"version": 1, "resolve": "false"},
    ),
    Call(key="DELETE /api/public/v2/prompts/{promptName}", path=_a_prompt),
    Call(
        key="DELETE /api/public/v2/prompts/{promptName}",
        label="a version",
        path=_a_prompt,
        query={"version": 1},
    ),
    Call(
        key="DELETE /api/public/v2/prompts/{promptName}",
        label="a label",
        path=_a_prompt,
        query={"label": "old"},
    ),
    Call(
        key="PATCH /api/public/v2/prompts/{name}/versions/{version}",
        path=_a_version,
        body={"newLabels": ["production"]},
    ),
)

DATASETS = (
    Call(key="GET /api/public/v2/datasets", query=PAGE),
    Call(key="POST /api/public/v2/datasets", label="least", body=lambda _: {"name": fresh("dataset")}),
    Call(
        key="POST /api/public/v2/datasets",
        label="whole",
        body=lambda _: {
            **{"name": fresh("folder/dataset"), "description": "d", "metadata": {"k": "v"}},
            **{"inputSchema": OBJECT, "expectedOutputSchema": OBJECT},
        },
    ),
    Call(key="GET /api/public/v2/datasets/{datasetName}", path=lambda _: {"datasetName": "questions"}),
    Call(key="GET /api/public/v2/datasets/{datasetName}", label="bare", path=lambda _: {"datasetName": "bare"}),
    Call(key="GET /api/public/dataset-items", label="all", query=PAGE),
    Call(
        key="GET /api/public/dataset-items",
        label="with every parameter",
        query=PAGE
        | {"datasetName": "questions", "sourceTraceId": WHOLE, "sourceObservationId": WHOLE_SPAN, "version": UNTIL},
    ),
    Call(key="POST /api/public/dataset-items", label="least", body={"datasetName": "bare"}),
    Call(
        key="POST /api/public/dataset-items",
        label="whole",
        body=lambda _: {
            **{"datasetName": "bare", "id": fresh("item"), "input": [1], "expectedOutput": "x", "metadata": {"k": "v"}},
            **{"sourceTraceId": WHOLE, "sourceObservationId": WHOLE_SPAN, "status": "ARCHIVED"},
        },
    ),
    Call(key="GET /api/public/dataset-items/{id}", path={"id": "item"}),
    Call(key="GET /api/public/dataset-items/{id}", label="bare", path=_an_item),
    Call(key="DELETE /api/public/dataset-items/{id}", path=_an_item),
    Call(
        key="GET /api/public/dataset-run-items",
        query=lambda project: PAGE | {"datasetId": project["dataset"], "runName": "a run"},
    ),
    Call(
        key=RUN,
        label="least",
        body=lambda project: _run_item(project, traceId=WHOLE),
        beyond=("traceId",),
    ),
    Call(
        key=RUN,
        label="whole",
        body=lambda project: _run_item(
            project,
            traceId=WHOLE,
            observationId=WHOLE_SPAN,
            runDescription="d",
            metadata={"k": "v"},
            datasetVersion=UNTIL,
            createdAt=START,
        ),
    ),
    Call(
        key="GET /api/public/datasets/{datasetName}/runs",
        path=lambda _: {"datasetName": "questions"},
        query=PAGE,
    ),
    Call(
        key="GET /api/public/datasets/{datasetName}/runs/{runName}",
        path=lambda _: {"datasetName": "questions", "runName": "a run"},
    ),
    Call(key="DELETE /api/public/datasets/{datasetName}/runs/{runName}", path=_a_run),
)

EXPERIMENTS = (
    Call(key="GET /api/public/experiments", label="by default", query={"fromStartTime": SINCE}),
    Call(
        key="GET /api/public/experiments",
        label="with every parameter",
        query=lambda project: {
            **{"fields": "core,metadata,scores", "limit": 1, "scoreLimit": 50, "fromStartTime": SINCE},
            **{"toStartTime": UNTIL, "id": project["experiment"], "name": "an experiment", "datasetId": "a-dataset"},
            **{"filter": NAMED},
        },
    ),
    Call(key="GET /api/public/experiments", label="a page of more", query={"fromStartTime": SINCE, "limit": 1}),
    Call(key="GET /api/public/experiment-items", label="by default", query={"fromStartTime": SINCE}),
    Call(key="GET /api/public/experiment-items", label="every field", query={"fromStartTime": SINCE, "fields": GROUPS}),
    Call(
        key="GET /api/public/experiment-items",
        label="with every parameter",
        query=lambda project: {
            **{"fields": GROUPS, "limit": 1, "scoreLimit": 50, "fromStartTime": SINCE, "toStartTime": UNTIL},
            **{"experimentId": project["experiment"], "experimentName": "an experiment"},
            **{"experimentItemId": "an-item", "datasetId": "a-dataset", "filter": RUN_OF},
        },
    ),
)

TALK = (
    Call(key="GET /api/public/comments", label="all", query=PAGE),
    Call(
        key="GET /api/public/comments",
        label="with every parameter",
        query=lambda project: PAGE | {"objectType": "TRACE", "objectId": WHOLE, "authorUserId": project["user"]},
    ),
    Call(key="POST /api/public/comments", label="least", body=_comment),
    Call(
        key="POST /api/public/comments",
        label="whole",
        body=lambda project: _comment(project, authorUserId=project["user"], objectStartTime=START),
    ),
    Call(key="GET /api/public/comments/{commentId}", label="whole", path={"commentId": "TRACE comment"}),
    Call(key="GET /api/public/comments/{commentId}", label="bare", path={"commentId": "PROMPT comment"}),
    Call(
        key="POST /api/public/feedback",
        label="least",
        body={"targetType": "docs", "target": "guide", "feedback": "good"},
    ),
    Call(
        key="POST /api/public/feedback",
        label="whole",
        body={
            **{"targetType": "public-api", "target": "GET /traces", "feedback": "good"},
            **{"goal": "to read", "referenceUrl": "https://example.org"},
        },
    ),
)

QUEUES = (
    Call(key="GET /api/public/annotation-queues", query=PAGE),
    Call(
        key="POST /api/public/annotation-queues",
        label="least",
        body=lambda project: {"name": fresh("queue"), "scoreConfigIds": [project["NUMERIC"]]},
    ),
    Call(
        key="POST /api/public/annotation-queues",
        label="whole",
        body=lambda project: {"name": fresh("queue"), "description": "d", "scoreConfigIds": [project["NUMERIC"]]},
    ),
    Call(key="GET /api/public/annotation-queues/{queueId}", path={"queueId": "queue"}),
    Call(
        key="POST /api/public/annotation-queues/{queueId}/assignments",
        path={"queueId": "queue"},
        body=_assigned,
    ),
    Call(
        key="DELETE /api/public/annotation-queues/{queueId}/assignments",
        path={"queueId": "queue"},
        body=_assigned,
    ),
    Call(key="GET /api/public/annotation-queues/{queueId}/items", path={"queueId": "queue"}, query=PAGE),
    Call(
        key="GET /api/public/annotation-queues/{queueId}/items",
        label="completed",
        path={"queueId": "queue"},
        query={"status": "COMPLETED"},
    ),
    Call(
        key="POST /api/public/annotation-queues/{queueId}/items",
        label="least",
        path={"queueId": "queue"},
        body=lambda _: {"objectId": fresh("trace"), "objectType": "TRACE"},
    ),
    Call(
        key="POST /api/public/annotation-queues/{queueId}/items",
        label="whole",
        path={"queueId": "queue"},
        body=lambda _: {"objectId": fresh("trace"), "objectType": "TRACE", "status": "COMPLETED"},
    ),
    Call(key=f"GET {ITEM}", label="completed", path={"queueId": "queue", "itemId": "TRACE item"}),
    Call(key=f"GET {ITEM}", label="pending", path={"queueId": "queue", "itemId": "SESSION item"}),
    Call(key=f"PATCH {ITEM}", label="least", path=_a_queued_item, body={}),
    Call(key=f"PATCH {ITEM}", label="whole", path=_a_queued_item, body={"status": "COMPLETED"}),
    Call(key=f"DELETE {ITEM}", path=_a_queued_item),
)

CALLS = PROMPTS + DATASETS + EXPERIMENTS + TALK + QUEUES
