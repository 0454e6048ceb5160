"""Lists that are read with a cursor: every page has the published shape, and together they have everything once."""

from typing import Any

import pytest

from server.contract.calls import Call
from server.contract.every_call import CALLS
from server.contract.judging import complaints_of
from server.contract.project import SINCE, Project

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLLOWED = {
    "GET /api/public/v2/observations": {"limit": 5},
    "GET /api/public/v3/scores": {"limit": 5},
    "GET /api/public/experiments": {"limit": 1, "fromStartTime": SINCE},
    "GET /api/public/experiment-items": {"limit": 1, "fromStartTime": SINCE},
    "GET /api/public/v2/evaluators": {"limit": 1},
    "GET /api/public/v2/evaluators/{evaluatorId}/versions": {"limit": 1},
    "GET /api/public/v2/evaluation-rules": {"limit": 1},
}


@pytest.mark.parametrize("key", FOLLOWED)
async def test_pages_follow_each_other_and_end(project: Project, key: str):
    known = next(call for call in CALLS if call.key == key)
    call = Call(key=key, path=known.path, query=FOLLOWED[key])
    seen: list[Any] = []
    cursor = None
    while True:
        page = await _page(project, call, cursor)
        seen += [row["id"] for row in page["data"]]
        cursor = page["meta"].get("cursor")
        if cursor is None:
            break
        assert len(page["data"]) == FOLLOWED[key]["limit"]
    assert len(seen) == len(set(seen))
    everything = await _page(project, Call(key=key, path=known.path, query=FOLLOWED[key] | {"limit": 100}), None)
    assert seen == [row["id"] for row in everything["data"]]


async def _page(project: Project, call: Call, cursor: str | None) -> Any:
    request = await call.resolved(project)
    query = {**(request.query or {}), **({} if cursor is None else {"cursor": cursor})}
    answer = await type(request)(call, request.path, query, None).sent(project)
    assert answer.status_code == 200, answer.text
    assert complaints_of(call, 200, answer.json()) == []
    return answer.json()
