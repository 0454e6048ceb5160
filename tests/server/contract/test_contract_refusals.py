"""What every operation says to those who may not, to what does not fit, and to what is not there."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from server.contract import published, sdk_answers
from server.contract.calls import Call, Request
from server.contract.every_call import CALLS, ours
from server.contract.project import Caller, Project
from server.contract.schemas import complaints

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPERATIONS: Mapping[str, Call] = {call.key: call for call in reversed(CALLS)}
"""One call of each operation."""
GUARDED = [call for call in OPERATIONS.values() if call.caller != "nobody"]
MAKING = ("PUT /api/public/models/{id}",)
"""What is not there is made."""
DELETING = ("DELETE /api/public/traces/{traceId}", "DELETE /api/public/scores/{scoreId}")
"""Langfuse deletes these in the background, and does not look whether they are there."""
NAMING = [call for call in GUARDED if "{" in call.key and call.key not in (*MAKING, *DELETING)]
GIVING = [call for call in GUARDED if call.body is not None]
PAGED = [call for call in GUARDED if isinstance(call.query, dict) and "limit" in call.query]
READ_AS_A_NAME = (
    ("GET", "/api/public/v2/prompts/{name}/versions/{version}"),
    ("DELETE", "/api/public/v2/prompts/{name}/versions/{version}"),
)
"""Names of prompts have slashes, so these ask for a prompt of that name, which is not there."""
REFUSAL: Mapping[str, Any] = {
    "type": "object",
    "required": ["message", "error"],
    "properties": {"message": {"type": "string", "minLength": 1}, "error": {"type": ["string", "array"]}},
}
"""What clients of every version read of a refusal."""


def each(calls: list[Call]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("call", calls, ids=lambda call: call.key)


def check(call: Call, answer: httpx2.Response, *statuses: int) -> None:
    """A refusal of one of those statuses, in the words that the document and the SDK know."""
    assert answer.status_code in statuses, answer.text
    read = sdk_answers.answer(call.key, answer.status_code)
    schemas = (REFUSAL, published.refusal(call.key, answer.status_code), read)
    assert [said for schema in schemas if schema for said in complaints(schema, answer.json())] == []


def nowhere(call: Call, **changes: Any) -> Request:
    """A request of the operation for nothing that is there."""
    names = re.findall(r"\{([^}]*)\}", call.key)
    path = {name: "7777777" if name == "version" else "nothing-of-this-name" for name in names}
    return Request(replace(call, **changes), path, None, None)


@each(GUARDED)
async def test_a_wrong_key_is_refused_before_all_else(project: Project, call: Call):
    check(call, await nowhere(call, caller="wrong").sent(project), 401)
    check(call, await nowhere(call, caller="nobody").sent(project), 401)


@each(GUARDED)
async def test_a_key_of_the_wrong_kind_is_refused(project: Project, call: Call):
    other: Caller = "project" if call.caller == "organization" else "organization"
    check(call, await nowhere(call, caller=other).sent(project), 401, 403)


@each(NAMING)
async def test_what_is_not_there_is_not_found(project: Project, call: Call):
    request = await call.resolved(project)
    check(call, await replace(request, path=nowhere(call).path).sent(project), 404)


@each([call for call in NAMING if call.caller == "project"])
async def test_another_project_finds_nothing(project: Project, call: Call):
    request = await call.resolved(project)
    check(call, await replace(request, call=replace(call, caller="another project")).sent(project), 404)


@each(GUARDED)
async def test_a_method_that_is_not_there_is_refused(project: Project, call: Call):
    path = call.key.split(" ")[1]
    for method in METHODS:
        if published.route(f"{method} {path}") in ours() or (method, path) in READ_AS_A_NAME:
            continue
        check(call, await nowhere(call, key=f"{method} {path}").sent(project), 405)


@each(GIVING)
async def test_a_body_that_does_not_fit_is_refused(project: Project, call: Call):
    request = await call.resolved(project)
    check(call, await replace(request, body="no object").sent(project), 400)


@each(PAGED)
async def test_a_query_that_does_not_fit_is_refused(project: Project, call: Call):
    request = await call.resolved(project)
    check(call, await replace(request, query={**(request.query or {}), "limit": "many"}).sent(project), 400)
