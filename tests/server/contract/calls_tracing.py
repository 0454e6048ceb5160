"""Calls about traces, observations, sessions, scores and files, and what is sent to make them."""

import json
from typing import Any

from server.contract.calls import Call
from server.contract.project import END, SINCE, START, Project, announcement, fresh
from server.contract.seeding import CATEGORIES
from server.contract.seeding_traces import BARE_SPAN, WHOLE, WHOLE_SPAN, export

UNTIL = "2036-01-01T00:00:00.000Z"
FILTER = json.dumps([{"type": "stringOptions", "column": "environment", "operator": "any of", "value": ["production"]}])
NUMBERS = json.dumps([{"type": "stringOptions", "column": "name", "operator": "any of", "value": ["numeric"]}])
KINDS = ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION")
OBSERVED = {"name": "span 2", "userId": "somebody", "type": "GENERATION", "traceId": WHOLE, "level": "WARNING"}
SPENT = {
    "usage": {"promptTokens": 1, "completionTokens": 2, "totalTokens": 3},
    "usageDetails": {"input": 1, "output": 2, "total": 3},
    "costDetails": {"input": 0.1, "total": 0.1},
}


async def _a_trace(project: Project) -> dict[str, str]:
    event = {"id": fresh("event"), "type": "trace-create", "timestamp": START, "body": {"id": fresh("trace")}}
    await project.make("/ingestion", {"batch": [event]})
    return {"traceId": event["body"]["id"]}


async def _a_score(project: Project) -> dict[str, str]:
    return {"scoreId": (await project.make("/scores", {"name": "n", "value": 1, "traceId": WHOLE}))["id"]}


async def _an_upload(project: Project) -> dict[str, str]:
    content = fresh("content").encode()
    made = await project.make("/media", announcement(content, traceId=WHOLE))
    await project.site.client.put(made["uploadUrl"], content=content)
    return {"mediaId": made["mediaId"]}


def _batch() -> list[dict[str, Any]]:
    """Every type of event, with every field that its body may have."""
    of_all = {"name": "n", "input": {"a": 1}, "output": ["b"], "metadata": {"k": "v"}, "version": "1"}
    observed = of_all | {
        **{"traceId": "batch", "startTime": START, "level": "DEBUG", "statusMessage": "fine"},
        **{"parentObservationId": "batch-span", "environment": "production"},
    }
    span = observed | {"endTime": END}
    parameters = {"temperature": 1, "stop": ["a"], "user": None, "stream": True, "top_p": 0.5, "name": "x"}
    made = span | {
        **{"completionStartTime": START, "model": "gpt-4o", "modelParameters": parameters},
        **{"promptName": "greeting", "promptVersion": 1},
        **SPENT,
    }
    trace = {"id": "batch", "timestamp": START, "userId": "u", "sessionId": "s", "release": "r", "tags": ["t"]}
    score = {"id": "batch-score", "traceId": "batch", "name": "n", "value": 0.5, "observationId": "batch-span"}
    bodies = {
        "trace-create": of_all | trace | {"environment": "production", "public": True},
        "span-create": span | {"id": "batch-span", "parentObservationId": None},
        "span-update": span | {"id": "batch-span", "parentObservationId": None},
        "generation-create": made | {"id": "batch-generation"},
        "generation-update": made | {"id": "batch-generation"},
        "event-create": observed | {"id": "batch-event"},
        "observation-create": span | {"id": "batch-old", "type": "SPAN"},
        "observation-update": span | {"id": "batch-old", "type": "SPAN"},
        "score-create": score | {"comment": "c", "metadata": {"k": "v"}, "environment": "production"},
        "sdk-log": {"log": {"message": "hello"}},
    }
    return [
        {"id": fresh("event"), "type": kind, "timestamp": START, "body": body, "metadata": {"sdk": "test"}}
        for kind, body in bodies.items()
    ]


def _least_events() -> list[dict[str, Any]]:
    kinds = ("trace-create", "span-create", "generation-create", "event-create")
    return [{"id": fresh("event"), "type": kind, "timestamp": START, "body": {}} for kind in kinds]


def _whole_score(project: Project) -> dict[str, Any]:
    return {
        **{"id": fresh("score"), "name": "numeric", "value": 0.5, "dataType": "NUMERIC", "comment": "because"},
        **{"traceId": WHOLE, "observationId": WHOLE_SPAN, "metadata": {"k": "v"}, "environment": "production"},
        **{"configId": project["NUMERIC"], "queueId": project["queue"], "source": "ANNOTATION"},
    }


def _scores_of_one(kind: str, version: str) -> Call:
    read = {"path": lambda _: {"scoreId": f"{kind}-0"}}
    return Call(key=f"GET /api/public/{version}/scores/{{scoreId}}", label=kind, **read)


WINDOW = {"fromTimestamp": SINCE, "toTimestamp": UNTIL}
LEGACY = {"page": 1, "limit": 100}

READS = (
    Call(key="GET /api/public/traces", label="all", query=LEGACY),
    Call(
        key="GET /api/public/traces",
        label="with every parameter",
        query=LEGACY
        | WINDOW
        | {"userId": "somebody", "name": "a trace", "sessionId": "a-session", "release": "r1", "version": "v1"}
        | {"environment": ["production"], "orderBy": "timestamp.asc", "fields": "core,io,scores,observations,metrics"}
        | {"filter": FILTER, "tags": ["first", "second"]},
    ),
    Call(key="GET /api/public/traces/{traceId}", label="whole", path={"traceId": "trace"}),
    Call(key="GET /api/public/traces/{traceId}", label="bare", path=lambda _: {"traceId": f"{2:032x}"}),
    Call(key="GET /api/public/traces/{traceId}", label="old", path=lambda _: {"traceId": "old"}),
    Call(key="GET /api/public/traces/{traceId}", label="fields", path={"traceId": "trace"}, query={"fields": "core"}),
    Call(key="DELETE /api/public/traces/{traceId}", path=_a_trace),
    Call(key="DELETE /api/public/traces", body=lambda _: {"traceIds": [fresh("trace")]}),
    Call(key="GET /api/public/sessions", query=LEGACY),
    Call(
        key="GET /api/public/sessions",
        label="with every parameter",
        query=LEGACY | WINDOW | {"environment": ["production"]},
    ),
    Call(key="GET /api/public/sessions/{sessionId}", path={"sessionId": "session"}),
    Call(key="GET /api/public/observations", label="all", query=LEGACY),
    Call(
        key="GET /api/public/observations",
        label="with every parameter",
        query=LEGACY
        | OBSERVED
        | {"parentObservationId": WHOLE_SPAN, "environment": ["production"], "version": "v1", "filter": FILTER}
        | {"fromStartTime": SINCE, "toStartTime": UNTIL},
    ),
    Call(key="GET /api/public/observations/{observationId}", label="whole", path={"observationId": "observation"}),
    Call(
        key="GET /api/public/observations/{observationId}",
        label="bare",
        path=lambda _: {"observationId": BARE_SPAN},
        query={"startTime": START},
    ),
    Call(key="GET /api/public/v2/observations", label="by default"),
    Call(
        key="GET /api/public/v2/observations",
        label="every field",
        query={"fields": "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context", "limit": 1000},
    ),
    Call(key="GET /api/public/v2/observations", label="a page of more", query={"limit": 1}),
    Call(
        key="GET /api/public/v2/observations",
        label="with every parameter",
        query=OBSERVED
        | {"sessionId": "a-session", "isRootObservation": "false", "parentObservationId": WHOLE_SPAN}
        | {"environment": ["production"], "version": "v1", "filter": FILTER, "expandMetadata": "customer"}
        | {"fromStartTime": SINCE, "toStartTime": UNTIL, "parseIoAsJson": "false", "fields": "core,metadata"},
    ),
)

ALONE: dict[str, Any] = {"key": "POST /api/public/scores", "judges": ("document",)}
LISTED: dict[str, Any] = {"key": "POST /api/public/scores", "judges": ("SDK",)}
"""The document knows one score at a time; the SDK sends lists, which are answered otherwise."""

SCORES = (
    Call(**ALONE, label="least", body={"name": "n", "value": 1, "traceId": WHOLE}, beyond=("traceId",)),
    Call(**ALONE, label="whole", body=_whole_score),
    Call(**ALONE, label="of a session", body={"name": "n", "value": "good", "sessionId": "a-session"}),
    Call(
        **ALONE,
        label="of a run",
        body=lambda project: {"name": "n", "value": 1, "dataType": "BOOLEAN", "datasetRunId": project["run"]},
    ),
    Call(**LISTED, label="in a list", body=lambda project: [_whole_score(project)]),
    Call(**LISTED, label="in a list that does not fit", wrong=True, body=[{"name": "n"}]),
    Call(key="DELETE /api/public/scores/{scoreId}", path=_a_score),
    Call(key="GET /api/public/v2/scores", label="all", query=LEGACY),
    Call(
        key="GET /api/public/v2/scores",
        label="with every parameter",
        query=lambda project: {
            **(LEGACY | WINDOW),
            **{"userId": "somebody", "name": "numeric", "environment": ["production"], "source": "ANNOTATION"},
            **{"operator": ">=", "value": 0.1, "scoreIds": "NUMERIC-0,NUMERIC-1", "configId": project["NUMERIC"]},
            **{"traceId": WHOLE, "queueId": project["queue"], "dataType": "NUMERIC", "fields": "score,trace"},
        },
    ),
    Call(
        key="GET /api/public/v2/scores",
        label="of an observation",
        query={"observationId": WHOLE_SPAN, "traceTags": ["first"], "filter": NUMBERS},
    ),
    Call(key="GET /api/public/v2/scores", label="of a session", query={"sessionId": "a-session"}),
    Call(key="GET /api/public/v2/scores", label="of a run", query=lambda project: {"datasetRunId": project["run"]}),
    *(_scores_of_one(kind, "v2") for kind in KINDS),
    Call(key="GET /api/public/v3/scores", label="by default"),
    Call(
        key="GET /api/public/v3/scores",
        label="every field",
        query={"fields": "details,subject,annotation", "limit": 100},
    ),
    Call(
        key="GET /api/public/v3/scores",
        label="with every parameter",
        query=lambda project: {
            **WINDOW,
            **{"id": "NUMERIC-0", "name": "numeric", "source": "ANNOTATION", "dataType": "NUMERIC"},
            **{"environment": "production", "configId": project["NUMERIC"], "queueId": project["queue"]},
            **{"traceId": WHOLE, "valueMin": 0, "valueMax": 1, "fields": "subject", "limit": 1},
        },
    ),
    Call(
        key="GET /api/public/v3/scores",
        label="of an experiment",
        query=lambda project: {"experimentId": project["experiment"], "fields": "subject"},
    ),
    # What comes through the API with a project's key has no author.
    Call(
        key="GET /api/public/v3/scores",
        label="of an author",
        query=lambda project: {"authorUserId": project["user"]},
        empty=True,
    ),
    Call(key="GET /api/public/v3/scores", label="of a session", query={"sessionId": "a-session", "fields": "subject"}),
    Call(
        key="GET /api/public/v3/scores",
        label="by value",
        query={"dataType": "CATEGORICAL", "value": "good", "traceId": WHOLE, "observationId": WHOLE_SPAN},
    ),
    Call(key="GET /api/public/score-configs", query=LEGACY),
    Call(
        key="POST /api/public/score-configs",
        label="least",
        body=lambda _: {"name": fresh("config"), "dataType": "NUMERIC"},
    ),
    Call(
        key="POST /api/public/score-configs",
        label="whole",
        body=lambda _: {
            **{"name": fresh("config"), "dataType": "NUMERIC", "description": "d", "minValue": 0, "maxValue": 1},
        },
    ),
    Call(
        key="POST /api/public/score-configs",
        label="categories",
        body=lambda _: {"name": fresh("config"), "dataType": "CATEGORICAL", "categories": CATEGORIES},
    ),
    Call(key="GET /api/public/score-configs/{configId}", path={"configId": "CATEGORICAL"}),
    Call(
        key="PATCH /api/public/score-configs/{configId}",
        label="least",
        path={"configId": "NUMERIC"},
        body={"isArchived": False},
        beyond=("isArchived",),
    ),
    Call(
        key="PATCH /api/public/score-configs/{configId}",
        label="whole",
        path={"configId": "NUMERIC"},
        body={"isArchived": False, "name": "numeric", "description": "d", "minValue": 0, "maxValue": 1},
    ),
    Call(
        key="PATCH /api/public/score-configs/{configId}",
        label="categories",
        path={"configId": "CATEGORICAL"},
        body={"categories": CATEGORIES},
    ),
)

WRITES = (
    Call(key="POST /api/public/ingestion", label="least", body=lambda _: {"batch": _least_events()}),
    Call(key="POST /api/public/ingestion", label="whole", body=lambda _: {"batch": _batch(), "metadata": {"sdk": "x"}}),
    Call(
        key="POST /api/public/ingestion",
        label="with what is refused",
        wrong=True,
        body=lambda _: {"batch": [{"id": fresh("event"), "type": "score-create", "timestamp": START, "body": {}}]},
    ),
    Call(key="POST /api/public/otel/v1/traces", body=lambda _: export()),
    Call(
        key="POST /api/public/media",
        label="least",
        body=lambda _: announcement(fresh("content").encode(), traceId=WHOLE),
        beyond=("traceId",),
    ),
    Call(
        key="POST /api/public/media",
        label="of an observation",
        body=lambda _: announcement(fresh("content").encode(), traceId=WHOLE, observationId=WHOLE_SPAN),
    ),
    Call(
        key="POST /api/public/media",
        label="of a dataset item",
        body=lambda project: announcement(
            fresh("content").encode(), datasetId=project["dataset"], datasetItemId=project["item"]
        ),
    ),
    Call(
        key="POST /api/public/media",
        label="of a file that is here",
        body=lambda _: announcement(b"what was said", traceId=WHOLE),
    ),
    Call(key="GET /api/public/media/{mediaId}", path={"mediaId": "media"}),
    Call(
        key="PATCH /api/public/media/{mediaId}",
        label="least",
        path=_an_upload,
        body={"uploadedAt": START, "uploadHttpStatus": 200},
    ),
    Call(
        key="PATCH /api/public/media/{mediaId}",
        label="whole",
        path=_an_upload,
        body={"uploadedAt": START, "uploadHttpStatus": 200, "uploadHttpError": "", "uploadTimeMs": 5},
    ),
)

CALLS = READS + SCORES + WRITES
