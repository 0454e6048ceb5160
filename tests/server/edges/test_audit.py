"""The audit log: what is recorded, who reads it, and that nobody changes it."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.edges.running_site import HERE, ORIGIN, Site, basic, browser
from sightline.server.accounts.records import KeyDraft, OrganizationId
from sightline.server.runtime.errors import Conflict

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "/api/web/projects/here/audit"


async def organization(site: Site, name: str) -> dict[str, str]:
    pair = await site.app.state.services.organizations.create_key(OrganizationId(name), KeyDraft())
    return basic(pair.key.public_key, pair.secret_key)


async def rows(ada: httpx2.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await ada.get(PAGE, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_key_made_and_deleted_tells_who_and_from_where(ada: httpx2.AsyncClient):
    me = (await ada.get("/api/web/session")).json()["user"]["id"]
    made = (await ada.post("/api/web/projects/here/keys", json={"scopes": ["read"]})).json()["publicKey"]
    await ada.delete(f"/api/web/projects/here/keys/{made}")
    deleted, created = [each for each in await rows(ada, actor=me) if each["target"] == {"kind": "key", "id": made}]
    assert (created["action"], created["details"], created["outcome"]) == ("key.create", {"scopes": ["read"]}, "done")
    assert deleted["action"] == "key.delete"
    assert deleted["actor"] == {"kind": "person", "id": me, "address": "127.0.0.1"}


async def test_what_a_key_deletes_and_moves_is_recorded(site: Site, ada: httpx2.AsyncClient):
    sent = await site.send()
    prompt = {"name": "told", "prompt": "p", "labels": ["production"]}
    await site.client.post("/api/public/v2/prompts", json=prompt, headers=HERE)
    await site.client.delete("/api/public/v2/prompts/told", headers=HERE)
    await site.client.delete(f"/api/public/traces/{sent.trace_id}", headers=HERE)
    said = [(each["action"], each["target"]["id"], each["actor"]["id"]) for each in await rows(ada, limit=3)]
    assert said == [
        ("trace.delete", sent.trace_id, "pk-lf-here"),
        ("prompt.delete", "told", "pk-lf-here"),
        ("label.move", "told", "pk-lf-here"),
    ]


async def test_a_refused_change_leaves_no_row(site: Site, ada: httpx2.AsyncClient):
    before = await rows(ada, action="label.move")
    missing = "/api/public/v2/prompts/nothing/versions/1"
    assert (await site.client.patch(missing, json={"newLabels": ["a"]}, headers=HERE)).status_code == 404
    assert await rows(ada, action="label.move") == before


async def test_an_organization_reads_how_its_people_signed_in_and_of_no_others(site: Site):
    headers = await organization(site, "lab")
    attempt = {"email": "ada@example.org", "password": "guess"}
    refused = await site.client.post("/api/web/session", json=attempt, headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    async with browser(site, "eve@example.org"), browser(site, "ada@example.org"):
        pass
    path = "/api/public/organizations/auditLogs"
    answer = (await site.client.get(path, params={"action": "sign-in"}, headers=headers)).json()["data"]
    assert [(each["outcome"], each["actor"]["kind"]) for each in answer[:2]] == [
        ("done", "person"),
        ("refused", "nobody"),
    ]
    assert answer[0]["target"]["id"] == answer[0]["actor"]["id"] == answer[1]["target"]["id"]
    theirs = (await site.client.get(path, headers=await organization(site, "others"))).json()["data"]
    assert {each["target"]["id"] for each in theirs} & {each["target"]["id"] for each in answer} == set()


async def test_roles_are_recorded_with_what_they_were(site: Site):
    headers = await organization(site, "lab")
    made = await site.client.post("/api/public/scim/Users", json={"userName": "ro@example.org"}, headers=headers)
    person = made.json()["id"]
    for role in ("MEMBER", "MEMBER", "ADMIN"):
        body = {"userId": person, "role": role}
        await site.client.put("/api/public/organizations/memberships", json=body, headers=headers)
    body = {"userId": person}
    await site.client.request("DELETE", "/api/public/organizations/memberships", json=body, headers=headers)
    answer = await site.client.get("/api/public/organizations/auditLogs", params={"limit": 200}, headers=headers)
    said = [each["details"] for each in answer.json()["data"] if each["target"]["id"] == person]
    assert said == [
        {"from": "ADMIN", "to": None},
        {"from": "MEMBER", "to": "ADMIN"},
        {"from": "NONE", "to": "MEMBER"},
        {"from": None, "to": "NONE"},
    ]


async def test_pages_follow_one_another_without_gap_or_repeat(ada: httpx2.AsyncClient):
    for _ in range(5):
        await ada.post("/api/web/projects/here/keys", json={})
    whole = [each["id"] for each in await rows(ada, limit=200)]
    paged: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = (await ada.get(PAGE, params=params)).json()
        paged += [each["id"] for each in answer["data"]]
        cursor = answer["meta"]["cursor"]
        if cursor is None:
            break
    assert paged == whole


async def test_rows_can_neither_be_changed_nor_deleted(site: Site):
    database = site.app.state.services.audit._database
    for statement in ("UPDATE audit_events SET actor_id = 'x'", "DELETE FROM audit_events"):
        with pytest.raises((DBAPIError, Conflict)):
            async with database.work() as work:
                await work.connection.execute(text(statement))
