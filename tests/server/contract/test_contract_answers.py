"""Every operation of Langfuse's contract, called on a seeded project: its answer has the published shape."""

from typing import Any

import pytest

from server.contract import published
from server.contract.calls import Call
from server.contract.every_call import BESIDES, CALLS
from server.contract.judging import complaints_of
from server.contract.project import Project

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANSWERS_WITHOUT_A_BODY = 204
DIFFERENTLY = {"DELETE /api/public/scores/{scoreId}": (202,)}
"""Langfuse's server itself answers otherwise than its document says."""
LISTS = ("data", "projects", "memberships", "apiKeys", "Resources")


@pytest.mark.parametrize("call", CALLS + BESIDES, ids=lambda call: call.id)
async def test_an_answer_has_the_published_shape(project: Project, call: Call):
    request = await call.resolved(project)
    answer = await request.sent(project)
    assert answer.is_success, f"{answer.status_code} {answer.text}"
    assert answer.status_code in statuses_of(call, answer.status_code), answer.text
    if answer.status_code == ANSWERS_WITHOUT_A_BODY:
        assert answer.content == b""
        return
    body = answer.json()
    assert not complaints_of(call, answer.status_code, body)
    assert call.empty or not _is_empty(body), "nothing in the list: the shape of its rows was not looked at"


def statuses_of(call: Call, given: int) -> tuple[int, ...]:
    """The statuses that will do. The document says 200 where nothing else was said: there 201 and the like do too."""
    expected = published.success(call.key)
    if expected is None or expected[0] == 200:
        return (given,)
    return (*DIFFERENTLY.get(call.key, ()), expected[0])


def _is_empty(body: Any) -> bool:
    return isinstance(body, dict) and any(body.get(name) == [] for name in LISTS)
