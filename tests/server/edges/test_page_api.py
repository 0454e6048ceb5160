"""The page's own API: what the screens show of what was sent."""

import base64
import json
from typing import Any

import httpx2
import pytest

from server.edges.running_site import ELSEWHERE, HERE, PASSWORD, Site
from sightline import __version__
from sightline.server.accounts.records import OrganizationId

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = "/api/web/projects/here"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA_URI = "data:image/png;base64," + base64.b64encode(PIXEL).decode()


async def read(browser: httpx2.AsyncClient, path: str, **params: Any) -> Any:
    answer = await browser.get(f"{PROJECT}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_signing_in_shows_the_person_and_the_projects(ada: httpx2.AsyncClient):
    session = (await ada.get("/api/web/session")).json()
    assert session["user"]["email"] == "ada@example.org"
    [project] = session["projects"]
    assert (project["id"], project["role"], project["organization"]["id"]) == ("here", "OWNER", "lab")
    assert session["version"] == __version__


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site):
    answer = await site.client.post("/api/web/session", json={"email": "ada@example.org", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sightline_session=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    site.client.cookies.clear()


async def test_a_link_signs_in_once(site: Site):
    token = await site.app.state.services.accounts.sign_in_link()
    assert (await site.client.post("/api/web/session", json={"token": token})).status_code == 200
    site.client.cookies.clear()
    assert (await site.client.post("/api/web/session", json={"token": token})).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "ada@example.org", "password": "wrong"}, 401),
        ({"email": "nobody@example.org", "password": "wrong"}, 401),
        ({"token": "wrong"}, 401),
        ({}, 400),
        ({"email": "ada@example.org"}, 400),
    ],
)
async def test_signing_in_wrongly_is_refused(site: Site, body: dict[str, str], status: int):
    answer = await site.client.post("/api/web/session", json=body)
    assert (answer.status_code, set(answer.json())) == (status, {"message", "error"})
    assert "set-cookie" not in answer.headers


async def test_a_trace_is_listed_with_previews_scores_and_tokens(site: Site, ada: httpx2.AsyncClient):
    sent = await site.send(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": json.dumps([{"role": "user", "content": "which digit?"}]),
            "langfuse.observation.output": "a three",
            "langfuse.observation.usage_details": '{"input":6,"input_cached_tokens":4,"output":2}',
            "session.id": "listed",
        },
        name="look",
    )
    body = {"name": "quality", "value": 0.5, "traceId": sent.trace_id}
    await site.client.post("/api/public/scores", json=body, headers=HERE)
    [row] = (await read(ada, "/traces", sessionId="listed"))["data"]
    assert (row["id"], row["name"], row["observationCount"], row["errorCount"]) == (sent.trace_id, "look", 1, 0)
    assert (row["inputPreview"], row["outputPreview"]) == ("which digit?", "a three")
    assert (row["inputTokens"], row["outputTokens"], row["totalTokens"]) == (10, 2, 12)
    assert row["latencyMs"] == 250
    assert (row["totalCostUsd"], row["thumbnail"]) == (None, None)
    assert [(score["name"], score["value"]) for score in row["scores"]] == [("quality", 0.5)]


async def test_the_list_pages_by_cursor_and_filters(site: Site, ada: httpx2.AsyncClient):
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

    for number in range(3):
        failed = {"status": Status(code=Status.STATUS_CODE_ERROR)} if number == 1 else {}
        await site.send({"user.id": "pager", "langfuse.environment": f"e{number}"}, name=f"n{number}", **failed)
    first = await read(ada, "/traces", userId="pager", limit=2)
    rest = await read(ada, "/traces", userId="pager", limit=2, cursor=first["meta"]["cursor"])
    assert [row["name"] for row in first["data"] + rest["data"]] == ["n2", "n1", "n0"]
    assert rest["meta"]["cursor"] is None
    names = {row["name"] for row in (await read(ada, "/traces", userId="pager", environment=["e0", "e2"]))["data"]}
    assert names == {"n0", "n2"}
    assert [row["name"] for row in (await read(ada, "/traces", userId="pager", errors="true"))["data"]] == ["n1"]
    later = {"userId": "pager", "from": "2100-01-01T00:00:00Z"}
    assert (await read(ada, "/traces", **later))["data"] == []
    series = await read(ada, "/traces/series", userId="pager", buckets=5)
    assert sum(bucket["count"] for bucket in series["data"]) == 3
    assert sum(bucket["errors"] for bucket in series["data"]) == 1
    assert series["stepSeconds"] > 0


async def test_a_trace_opens_as_a_tree_and_an_observation_with_its_contents(site: Site, ada: httpx2.AsyncClient):
    looked = {"method": "gradient", "words": [{"text": "three", "grid": [[0.25, 0.75]]}]}
    root = await site.send(name="root")
    child = await site.send(
        {
            "gen_ai.request.model": "sightline-tiny",
            "gen_ai.request.temperature": 0.5,
            "input": json.dumps({"image": DATA_URI, "question": "?"}),
            "output": "three",
            "sightline.looked": json.dumps(looked),
        },
        trace_id=root.trace_id,
        parent=root.span_id,
        name="answer",
    )
    await site.client.post(
        "/api/public/scores",
        json={
            "name": "right",
            "value": 1,
            "dataType": "BOOLEAN",
            "traceId": root.trace_id,
            "observationId": child.span_id,
        },
        headers=HERE,
    )
    detail = await read(ada, f"/traces/{root.trace_id}")
    assert detail["trace"]["observationCount"] == 2
    nodes = {node["name"]: node for node in detail["observations"]}
    assert nodes["answer"]["parentId"] == root.span_id
    assert (nodes["answer"]["type"], nodes["answer"]["model"]) == ("GENERATION", "sightline-tiny")
    assert [score["name"] for score in nodes["answer"]["scores"]] == ["right"]

    answer = await read(ada, f"/traces/{root.trace_id}/observations/{child.span_id}")
    assert (answer["output"], answer["modelParameters"]) == ("three", {"temperature": "0.5"})
    assert answer["looked"] == looked
    [image] = answer["images"]
    assert (image["field"], image["contentType"]) == ("input", "image/png")
    assert answer["input"]["image"].startswith("@@@langfuseMedia:type=image/png|id=" + image["mediaId"])
    whole = await ada.get(image["url"])
    assert (whole.content, whole.headers["content-type"]) == (PIXEL, "image/png")
    assert whole.headers["content-security-policy"] == "sandbox; default-src 'none'"
    small = await ada.get(f"{image['url']}?size=thumb")
    assert (small.headers["content-type"], small.content[8:12]) == ("image/webp", b"WEBP")
    [row] = [row for row in (await read(ada, "/traces"))["data"] if row["id"] == root.trace_id]
    assert (await ada.get(row["thumbnail"])).status_code == 200


async def test_an_odd_looked_attribute_does_not_hide_the_observation(site: Site, ada: httpx2.AsyncClient):
    sent = await site.send({"sightline.looked": '{"method":1'})
    assert (await read(ada, f"/traces/{sent.trace_id}/observations/{sent.span_id}"))["looked"] is None


async def test_a_trace_whose_id_holds_a_slash_can_be_read(site: Site, ada: httpx2.AsyncClient):
    body = {"id": "run/7", "name": "nightly", "timestamp": "2026-11-24T12:00:00Z"}
    event = {"id": "e1", "type": "trace-create", "timestamp": "2026-11-24T12:00:00Z", "body": body}
    assert (await site.client.post("/api/public/ingestion", json={"batch": [event]}, headers=HERE)).status_code == 207
    assert (await read(ada, "/traces/run%2F7"))["trace"]["id"] == "run/7"


async def test_keys_are_listed_without_secrets_and_made_once(site: Site, ada: httpx2.AsyncClient):
    listed = await read(ada, "/keys")
    assert listed["baseUrl"] == "http://sightline.test"
    assert {key["publicKey"] for key in listed["data"]} >= {"pk-lf-here"}
    assert "sk-lf-here" not in json.dumps(listed)
    made = (await ada.post(f"{PROJECT}/keys")).json()
    assert made["lastUsedAt"] is None
    answer = await site.client.get("/api/public/projects", auth=(made["publicKey"], made["secretKey"]))
    assert answer.json()["data"][0]["id"] == "here"
    await site.app.state.services.accounts.write_usage()
    known = {key["publicKey"]: key for key in (await read(ada, "/keys"))["data"]}
    assert known[made["publicKey"]]["lastUsedAt"] is not None


async def test_a_key_has_a_note_and_a_deleted_one_opens_nothing(site: Site, ada: httpx2.AsyncClient):
    made = (await ada.post(f"{PROJECT}/keys", json={"note": " the nightly run "})).json()
    assert made["note"] == "the nightly run"
    pair = (made["publicKey"], made["secretKey"])
    assert (await site.client.get("/api/public/projects", auth=pair)).status_code == 200
    gone = await ada.delete(f"{PROJECT}/keys/{made['publicKey']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await site.client.get("/api/public/projects", auth=pair)).status_code == 401
    assert made["publicKey"] not in {key["publicKey"] for key in (await read(ada, "/keys"))["data"]}
    assert (await ada.delete(f"{PROJECT}/keys/{made['publicKey']}")).status_code == 404


async def test_another_projects_key_cannot_be_deleted_from_here(site: Site, ada: httpx2.AsyncClient):
    assert (await ada.delete(f"{PROJECT}/keys/pk-lf-elsewhere")).status_code == 404
    assert (await site.client.get("/api/public/projects", headers=ELSEWHERE)).status_code == 200


async def test_a_viewer_neither_lists_nor_makes_nor_deletes_keys_and_does_not_ask(site: Site, ada: httpx2.AsyncClient):
    services = site.app.state.services
    user = (await ada.get("/api/web/session")).json()["user"]["id"]
    await services.organizations.put_project_member(OrganizationId("lab"), "here", user, "VIEWER")
    try:
        assert (await ada.post(f"{PROJECT}/keys")).status_code == 403
        assert (await ada.delete(f"{PROJECT}/keys/pk-lf-here")).status_code == 403
        assert (await ada.get(f"{PROJECT}/keys")).status_code == 403
        assert (await ada.post(f"{PROJECT}/ask", json={"model": "m", "image": DATA_URI})).status_code == 403
        assert "ask" not in (await ada.get("/api/web/session")).json()["projects"][0]["may"]
    finally:
        await services.organizations.remove_project_member(OrganizationId("lab"), "here", user)


async def test_without_an_endpoint_there_are_no_models_and_asking_says_why(ada: httpx2.AsyncClient):
    assert await read(ada, "/models") == {"data": []}
    assert await read(ada, "/models/m/samples") == {"data": []}
    answer = await ada.post(f"{PROJECT}/ask", json={"model": "m", "image": DATA_URI})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "event: error" in answer.text
    assert "SIGHTLINE_MODEL_ENDPOINT_URL" in answer.text


async def test_what_does_not_exist_is_a_clear_404(ada: httpx2.AsyncClient):
    for path in ("/traces/none", "/traces/none/observations/none", "/media/none"):
        answer = await ada.get(f"{PROJECT}{path}")
        assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")
    unknown = await ada.get("/api/web/no-such-thing")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/json")
