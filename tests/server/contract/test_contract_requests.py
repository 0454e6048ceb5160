"""What Langfuse's contract says may be sent: every body and every query parameter is accepted."""

import pytest

from server.contract import calls_skills, published
from server.contract.calls import Call
from server.contract.every_call import CALLS, IGNORED_PARAMETERS, ours
from server.contract.project import Project
from server.contract.schemas import complaints

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTED = [call for call in CALLS if call.key not in {each.key for each in calls_skills.CALLS}]
"""What the contract lists; what only the SDK knows is not in it."""
WITH_A_BODY = sorted({call.key for call in LISTED if call.body is not None})
KEYS = sorted({call.key for call in LISTED})
CURSOR = {"cursor"}
"""Comes from an answer: `test_contract_pages` follows it."""
NEWER = (
    *("POST /api/public/feedback", "PUT /api/public/models/{id}"),
    *("/api/public/unstable/dashboards", "/api/public/v2/evaluators", "/api/public/v2/evaluation-rules"),
    "PATCH /api/public/unstable/dashboard-widgets/{widgetId}",
)
"""Operations that came after the document, in whole or below a path."""
DESCRIBED = [
    call
    for call in LISTED
    if call.body is not None
    and not call.wrong
    and "document" in call.judges
    and not any(newer in call.key for newer in NEWER)
]


async def test_a_body_is_sent_wherever_one_is_taken():
    taken = {key for key, operation in published.operations().items() if any(operation.bodies.values())}
    assert {published.route(key) for key in WITH_A_BODY} == taken


@pytest.mark.parametrize("key", WITH_A_BODY)
async def test_the_least_body_is_sent_and_every_field_is(project: Project, key: str):
    """That these bodies are accepted, `test_contract_answers` shows of the same calls."""
    calls = [call for call in CALLS if call.key == key]
    operation = published.operations()[published.route(key)]
    for variant, fields in operation.bodies.items():
        sent = [await keys_of(call, project) for call in calls if call.variant == variant]
        beyond = {name for call in calls for name in call.beyond}
        least = {field.name for field in fields if field.required}
        assert operation.untagged or any(least <= each <= least | beyond for each in sent), (
            f"no body of only {sorted(least)}"
        )
        left = {field.name for field in fields} - set().union(*sent)
        assert not left, f"fields that no body has: {sorted(left)}"


@pytest.mark.parametrize("call", DESCRIBED, ids=lambda call: call.id)
async def test_what_is_sent_is_what_the_document_allows(project: Project, call: Call):
    """Else a body might be accepted that no client of Langfuse's would send."""
    schema = published.request(call.key)
    assert schema is not None
    assert complaints(schema, (await call.resolved(project)).body) == []


async def keys_of(call: Call, project: Project) -> set[str]:
    body = (await call.resolved(project)).body
    return set(body) if isinstance(body, dict) else set()


@pytest.mark.parametrize("key", KEYS)
async def test_every_query_parameter_is_sent(project: Project, key: str):
    calls = [await call.resolved(project) for call in CALLS if call.key == key]
    sent = {name for request in calls for name in request.query or {}}
    assert published.operations()[published.route(key)].queries - sent - CURSOR == set()


@pytest.mark.parametrize("key", KEYS)
async def test_every_query_parameter_is_declared(key: str):
    operation = published.operations()[published.route(key)]
    declared = {each["name"] for each in ours()[published.route(key)].get("parameters", ()) if each["in"] == "query"}
    ignored = IGNORED_PARAMETERS.get(key, {})
    assert operation.queries - declared == set(ignored)
