"""Calls of what is served beside the contract: the oldest paths, and more of the directory's protocol."""

from server.contract.calls import Call
from server.contract.calls_organization import ORGANIZATION
from server.contract.project import fresh

PAGE = {"page": 1, "limit": 100}
PERSON = {"userName": "grace@example.org", "name": {"formatted": "Grace H"}, "active": True}
RENAME = {"Operations": [{"op": "replace", "path": "name.formatted", "value": "Grace"}]}

CALLS = (
    Call(key="GET /api/public/scores", query=PAGE, shape="ScoreV1[]"),
    *(
        Call(
            key="GET /api/public/scores/{scoreId}",
            label=kind,
            path=lambda _, kind=kind: {"scoreId": f"{kind}-0"},
            shape="ScoreV1",
        )
        for kind in ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT")
    ),
    Call(key="GET /api/public/datasets", query=PAGE, shape="PaginatedDatasets"),
    Call(key="GET /api/public/datasets/{datasetName}", path=lambda _: {"datasetName": "questions"}, shape="Dataset"),
    Call(key="POST /api/public/datasets", body=lambda _: {"name": fresh("dataset")}, shape="Dataset"),
    Call(key="GET /api/public/prompts", query={"name": "greeting"}, shape="Prompt"),
    Call(
        key="POST /api/public/prompts",
        body=lambda _: {"name": fresh("prompt"), "prompt": "p", "isActive": True},
        shape="Prompt",
    ),
    Call(
        key="PUT /api/public/scim/Users/{userId}",
        path={"userId": "user"},
        body=PERSON,
        caller=ORGANIZATION,
        shape="ScimUser",
    ),
    Call(
        key="PATCH /api/public/scim/Users/{userId}",
        path={"userId": "user"},
        body=RENAME,
        caller=ORGANIZATION,
        shape="ScimUser",
    ),
)

WITHOUT_A_SHAPE = {
    **dict.fromkeys(
        (
            *("POST /api/public/traces", "POST /api/public/events"),
            *("POST /api/public/spans", "PATCH /api/public/spans"),
            *("POST /api/public/generations", "PATCH /api/public/generations"),
        ),
        "one event a call, gone from the published contract; they answer with the id",
    ),
    "GET /api/public/organizations/auditLogs": "never in the published contract: the audit log",
    "GET /api/public/metrics/daily": "gone from the published contract",
    "GET /api/public/ready": "never in the published contract: for balancers",
    "POST /api/public/otel/v1/metrics": "never in the published contract: takes metrics and keeps none",
    "POST /api/public/otel/v1/logs": "never in the published contract: log records beside spans",
    **dict.fromkeys(
        ("POST /v1/traces", "POST /v1/logs", "POST /v1/metrics"), "OpenTelemetry's own paths; their answers are OTLP's"
    ),
    "GET /api/public/media/{mediaId}/content": "where signed addresses lead: a file",
    "PUT /api/public/media/{mediaId}/content": "where signed addresses lead: an upload",
}
"""What is served beside the contract and has no published shape."""
