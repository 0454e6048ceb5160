"""A person's own account on the page: links, passwords, sessions, and the members of their organisation."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from server.edges.running_site import ORIGIN, PASSWORD, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEMBERS = "/api/web/projects/here/members"
NEW = "a password quite new"


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that nobody has signed in with."""
    transport = httpx2.ASGITransport(app=site.app)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN}) as client:
        yield client


async def invited(ada: httpx2.AsyncClient, email: str, role: str = "MEMBER") -> tuple[dict[str, Any], str]:
    answer = await ada.post(MEMBERS, json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    return answer.json()["member"], answer.json()["link"].partition("#token=")[2]


async def test_an_invited_person_sets_a_password_and_is_a_member(ada: httpx2.AsyncClient, stranger: httpx2.AsyncClient):
    member, token = await invited(ada, " Kim@Example.org ", "MEMBER")
    assert (member["email"], member["role"], member["joined"]) == ("kim@example.org", "MEMBER", False)
    link = (await stranger.post("/api/web/links/look", json={"token": token})).json()
    assert link == {
        "purpose": "invitation",
        "email": "kim@example.org",
        "organization": "My organization",
        "role": "MEMBER",
    }
    short = await stranger.post("/api/web/links/password", json={"token": token, "password": "short"})
    assert (short.status_code, "12 to" in short.json()["message"]) == (400, True)
    made = await stranger.post("/api/web/links/password", json={"token": token, "password": NEW})
    assert [each["role"] for each in made.json()["projects"]] == ["MEMBER"]
    assert made.json()["hasPassword"]
    for path in ("look", "password", "decline"):
        answer = await stranger.post(f"/api/web/links/{path}", json={"token": token, "password": NEW})
        assert (answer.status_code, "used" in answer.json()["message"]) == (404, True)
    listed = (await ada.get(MEMBERS)).json()
    assert listed["mayManage"]
    assert [(each["email"], each["joined"]) for each in listed["data"] if each["id"] == member["id"]] == [
        ("kim@example.org", True)
    ]
    assert (await stranger.get(MEMBERS)).json()["mayManage"] is False


async def test_a_signed_in_person_accepts_or_declines(
    ada: httpx2.AsyncClient, eve: httpx2.AsyncClient, stranger: httpx2.AsyncClient
):
    _, declined = await invited(ada, "eve@example.org")
    assert (await eve.post("/api/web/links/decline", json={"token": declined})).status_code == 204
    [waiting] = [each for each in (await ada.get(MEMBERS)).json()["data"] if each["email"] == "eve@example.org"]
    again = (await ada.post(f"{MEMBERS}/{waiting['id']}/link")).json()["link"].partition("#token=")[2]
    assert (await stranger.post("/api/web/links/join", json={"token": again})).status_code == 401
    joined = (await eve.post("/api/web/links/join", json={"token": again})).json()
    assert sorted(each["id"] for each in joined["projects"]) == ["elsewhere", "here"]
    assert (await eve.get("/api/web/projects/here/keys")).status_code == 200
    assert (await ada.post(f"{MEMBERS}/{waiting['id']}/link")).status_code == 409
    changed = await ada.patch(f"{MEMBERS}/{waiting['id']}", json={"role": "ADMIN"})
    assert changed.json()["role"] == "ADMIN"
    assert (await ada.delete(f"{MEMBERS}/{waiting['id']}")).status_code == 204
    assert (await eve.get("/api/web/projects/here/keys")).status_code == 404


async def test_sessions_are_listed_and_ended_by_their_owner(
    ada: httpx2.AsyncClient, eve: httpx2.AsyncClient, stranger: httpx2.AsyncClient
):
    await stranger.post(
        "/api/web/session",
        json={"email": "ada@example.org", "password": PASSWORD},
        headers={"User-Agent": "a browser of hers"},
    )
    listed = (await ada.get("/api/web/account/sessions")).json()["data"]
    assert sum(each["isCurrent"] for each in listed) == 1
    [other] = [each for each in listed if each["browser"] == "a browser of hers"]
    assert (other["address"], other["isCurrent"]) == ("127.0.0.1", False)
    assert (await eve.delete(f"/api/web/account/sessions/{other['id']}")).status_code == 404
    assert (await stranger.get("/api/web/session")).status_code == 200
    assert (await ada.delete(f"/api/web/account/sessions/{other['id']}")).status_code == 204
    assert (await stranger.get("/api/web/session")).status_code == 401
    assert (await ada.delete("/api/web/account/sessions")).status_code == 204
    assert len((await ada.get("/api/web/account/sessions")).json()["data"]) == 1


async def test_a_password_is_changed_with_the_current_one(ada: httpx2.AsyncClient, stranger: httpx2.AsyncClient):
    _, token = await invited(ada, "lou@example.org")
    await stranger.post("/api/web/links/password", json={"token": token, "password": NEW})
    change, newer = "/api/web/account/password", "a password newer still"
    assert (await stranger.put(change, json={"password": newer})).status_code == 400
    assert (await stranger.put(change, json={"current": PASSWORD, "password": newer})).status_code == 400
    assert (await stranger.put(change, json={"current": NEW, "password": newer})).status_code == 204
    assert (await stranger.get("/api/web/session")).status_code == 200
    for password, status in ((NEW, 401), (newer, 200)):
        answer = await stranger.post("/api/web/session", json={"email": "lou@example.org", "password": password})
        assert answer.status_code == status


async def test_a_locked_account_says_when_to_come_back_and_lets_a_known_browser_in(
    ada: httpx2.AsyncClient, stranger: httpx2.AsyncClient
):
    _, token = await invited(ada, "max@example.org")
    known = await stranger.post("/api/web/links/password", json={"token": token, "password": NEW})
    mark = known.cookies["sightline_browser"]
    stranger.cookies.clear()
    wrong = {"email": "max@example.org", "password": "wrong"}
    while (answer := await stranger.post("/api/web/session", json=wrong)).status_code == 401:
        pass
    assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1) == (429, True)
    right = {"email": "max@example.org", "password": NEW}
    assert (await stranger.post("/api/web/session", json=right)).status_code == 429
    stranger.cookies.set("sightline_browser", mark)
    assert (await stranger.post("/api/web/session", json=right)).status_code == 200
