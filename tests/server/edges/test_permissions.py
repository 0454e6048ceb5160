"""Scopes of keys, protected labels, and the guide's page of permissions."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.edges.running_site import HERE, SCORES_ONLY, Site, basic
from server.edges.test_mcp import call as call_tool
from sightline.server.accounts.records import KeyDraft, KeyScope, OrganizationId, ProjectId
from sightline.server.edges.access import declared
from sightline.server.edges.permissions_documented import page
from sightline.server.runtime.clock import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[3]
SCORES, PROMPTS = "/api/public/scores", "/api/public/v2/prompts"


async def key_to(site: Site, *scopes: KeyScope) -> dict[str, str]:
    draft = KeyDraft(scopes=frozenset(scopes))
    made = await site.app.state.services.accounts.create_key(ProjectId("here"), draft)
    return basic(made.key.public_key, made.secret_key)


async def protect(ada: httpx2.AsyncClient, *labels: str) -> None:
    answer = await ada.put("/api/web/projects/here/protected-labels", json={"labels": labels})
    assert answer.status_code == 200, answer.text
    assert (await ada.get("/api/web/projects/here/protected-labels")).json() == {"labels": list(labels)}


async def test_the_guides_page_is_what_the_table_makes():
    remedy = "run python -m sightline.server.edges.permissions_documented > docs/guide/permissions.md"
    assert (ROOT / "docs/guide/permissions.md").read_text() == page(), remedy


async def test_the_guides_page_names_every_route_of_the_server(site: Site):
    written = page()
    for route, declaration in declared(site.app):
        path = (route.path or "").replace(":path}", "}")
        assert f"| `{path}` |" in written
        assert f"| {declaration.caller} | `{declaration.verb}` |" in written


async def test_a_key_without_the_scope_is_told_which_would_do(site: Site):
    answer = await site.client.get("/api/public/traces", headers=await key_to(site, "ingest", "scores"))
    assert answer.status_code == 403
    assert "has ingest, scores" in answer.json()["message"]
    assert "the scope admin or read" in answer.json()["message"]


async def test_a_batch_takes_only_the_events_that_its_key_may_send(site: Site):
    moment = now().isoformat()
    batch = [
        {"id": "a", "type": "trace-create", "timestamp": moment, "body": {"id": "batched"}},
        {
            "id": "b",
            "type": "score-create",
            "timestamp": moment,
            "body": {"name": "n", "value": 1, "traceId": "batched"},
        },
    ]
    for scope, accepted in (("ingest", ["a"]), ("scores", ["b"])):
        answer = await site.client.post(
            "/api/public/ingestion", json={"batch": batch}, headers=await key_to(site, scope)
        )
        assert [each["id"] for each in answer.json()["successes"]] == accepted
        assert [each["status"] for each in answer.json()["errors"]] == [401]


async def test_a_person_makes_a_key_with_scopes_and_an_end(site: Site, ada: httpx2.AsyncClient):
    ends = (now() + timedelta(days=30)).replace(microsecond=0)
    draft = {"note": "browser", "scopes": ["read", "scores"], "expiresAt": ends.isoformat()}
    made = (await ada.post("/api/web/projects/here/keys", json=draft)).json()
    assert (made["scopes"], made["expiresAt"]) == (["read", "scores"], ends.isoformat().replace("+00:00", "Z"))
    listed = (await ada.get("/api/web/projects/here/keys")).json()["data"]
    assert {each["publicKey"]: each["scopes"] for each in listed}[made["publicKey"]] == ["read", "scores"]
    headers = basic(made["publicKey"], made["secretKey"])
    assert (await site.client.get("/api/public/traces", headers=headers)).status_code == 200
    assert (await ada.post("/api/web/projects/here/keys", json={"scopes": []})).status_code == 400


async def test_the_public_key_alone_changes_no_score(site: Site):
    score = {"id": "mine", "name": "mood", "value": 1, "traceId": "t"}
    assert (await site.client.post(SCORES, json=score, headers=SCORES_ONLY)).status_code == 200
    again = await site.client.post(SCORES, json=score, headers=SCORES_ONLY)
    assert again.status_code == 200, "a retry changes nothing"
    changed = score | {"value": 0}
    refused = await site.client.post(SCORES, json=changed, headers=SCORES_ONLY)
    assert (refused.status_code, refused.json()["error"]) == (403, "ForbiddenError")
    listed = await site.client.post(SCORES, json=[changed, score | {"id": "new"}], headers=SCORES_ONLY)
    assert (listed.status_code, listed.json()["accepted"], listed.json()["rejected"]) == (207, 1, 1)
    event = {"id": "e", "type": "score-create", "timestamp": now().isoformat(), "body": changed}
    batch = await site.client.post("/api/public/ingestion", json={"batch": [event]}, headers=SCORES_ONLY)
    assert [each["status"] for each in batch.json()["errors"]] == [403]
    assert (await site.get("/v2/scores/mine"))["value"] == 1
    assert (await site.client.post(SCORES, json=changed, headers=HERE)).status_code == 200
    assert (await site.get("/v2/scores/mine"))["value"] == 0


@pytest.mark.parametrize(
    ("scope", "status", "events"), [("read", 403, None), ("ingest", 403, []), ("write", 200, ["b"])]
)
async def test_the_public_key_alone_holds_nothing_that_its_pair_does_not(
    site: Site, scope: KeyScope, status: int, events: list[str] | None
):
    made = await site.app.state.services.accounts.create_key(ProjectId("here"), KeyDraft(scopes=frozenset({scope})))
    alone = {"Authorization": f"Bearer {made.key.public_key}"}
    score = {"name": "n", "value": 1, "traceId": f"scored-by-{scope}"}
    answer = await site.client.post(SCORES, json=score, headers=alone)
    assert answer.status_code == status, answer.text
    event = {"id": "b", "type": "score-create", "timestamp": now().isoformat(), "body": score}
    batch = (await site.client.post("/api/public/ingestion", json={"batch": [event]}, headers=alone)).json()
    assert [each["id"] for each in batch["successes"]] == events if events is not None else "error" in batch


async def test_protected_labels_move_by_no_way_without_the_scope(site: Site, ada: httpx2.AsyncClient):
    writer, admin = await key_to(site, "write"), await key_to(site, "admin")
    version = {"name": "guarded", "type": "text", "prompt": "p"}
    for labels in (["production"], []):
        made = await site.client.post(PROMPTS, json=version | {"labels": labels}, headers=writer)
        assert made.status_code == 201, "nothing is protected at first"
    await protect(ada, "production")
    tool = {"name": "guarded", "version": 2, "newLabels": ["production"]}
    ways: list[tuple[str, str, Any]] = [
        ("POST", PROMPTS, version | {"labels": ["production"]}),
        ("POST", "/api/public/prompts", {"name": "guarded", "prompt": "p", "isActive": True}),
        ("PATCH", f"{PROMPTS}/guarded/versions/2", {"newLabels": ["production"]}),
    ]
    for method, path, body in ways:
        answer = await site.client.request(method, path, json=body, headers=writer)
        assert answer.status_code == 403, f"{method} {path}: {answer.text}"
        assert "'production' is protected" in answer.json()["message"]
    is_error, said = await call_tool(site, "updatePromptLabels", writer, **tool)
    assert is_error, said
    assert (await site.get("/v2/prompts/guarded"))["version"] == 1
    free = await site.client.patch(f"{PROMPTS}/guarded/versions/2", json={"newLabels": ["staging"]}, headers=writer)
    assert free.status_code == 200
    moved = await site.client.patch(f"{PROMPTS}/guarded/versions/2", json={"newLabels": ["production"]}, headers=admin)
    assert moved.status_code == 200
    assert (await site.get("/v2/prompts/guarded"))["version"] == 2
    await protect(ada)


async def test_the_newest_versions_label_cannot_be_protected(ada: httpx2.AsyncClient):
    answer = await ada.put("/api/web/projects/here/protected-labels", json={"labels": ["latest"]})
    assert (answer.status_code, "latest" in answer.json()["message"]) == (400, True)


async def test_an_annotator_is_a_viewer_to_langfuses_clients(site: Site):
    organizations = site.app.state.services.organizations
    pair = await organizations.create_key(OrganizationId("lab"), KeyDraft())
    headers = basic(pair.key.public_key, pair.secret_key)
    user = {"userName": "annie@example.org", "roles": ["ANNOTATOR"]}
    made = (await site.client.post("/api/public/scim/Users", json=user, headers=headers)).json()
    assert made["roles"] == ["VIEWER"]
    members = {each.user.id: each.role for each in await organizations.members(OrganizationId("lab"))}
    assert members[made["id"]] == "ANNOTATOR"
