"""Sessions: what traces with the same session id add up to."""

import pytest

from server.edges.running_site import ELSEWHERE, HERE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_session_has_its_traces_oldest_first(site: Site):
    first = await site.send({"session.id": "talk/1", "langfuse.environment": "e-1"}, name="hello")
    second = await site.send({"session.id": "talk/1", "langfuse.observation.input": "hi"}, name="bye")
    session = await site.get("/sessions/talk%2F1")
    assert (session["id"], session["projectId"], session["environment"]) == ("talk/1", "here", "e-1")
    assert [trace["id"] for trace in session["traces"]] == [first.trace_id, second.trace_id]
    assert (session["traces"][1]["name"], session["traces"][1]["input"]) == ("bye", "hi")
    assert "observations" not in session["traces"][0]


async def test_sessions_are_listed_newest_first_and_counted(site: Site):
    for name in ("s-1", "s-2", "s-3"):
        await site.send({"session.id": name, "langfuse.environment": "listed"})
    page = await site.get("/sessions", environment="listed", limit=2)
    assert ([row["id"] for row in page["data"]], page["meta"]["totalItems"]) == (["s-3", "s-2"], 3)
    rest = await site.get("/sessions", environment="listed", limit=2, page=2)
    assert [row["id"] for row in rest["data"]] == ["s-1"]
    none = await site.get("/sessions", environment="listed", fromTimestamp="2100-01-01T00:00:00Z")
    assert (none["data"], none["meta"]["totalPages"]) == ([], 0)


async def test_a_session_nobody_named_does_not_exist(site: Site):
    await site.send({"session.id": "ours"})
    for headers, path in ((HERE, "/sessions/none"), (ELSEWHERE, "/sessions/ours")):
        answer = await site.client.get(f"/api/public{path}", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")
