"""Who may call what: every route is walked, none is left out."""

import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext

from server.edges.running_site import ELSEWHERE, HERE, SCORES_ONLY, WRONG, Site, browser
from sightline.server.edges.access import Anyone, Caller, declared, key_for
from sightline.server.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODIES: dict[str, Any] = {
    "/api/public/scores": {"name": "n", "value": 1, "traceId": "t"},
    "/api/public/ingestion": {"batch": []},
    "/api/public/traces": {"traceIds": ["t"]},
    "/api/public/media": {
        "contentType": "image/png",
        "contentLength": 1,
        "sha256Hash": "A" * 43 + "=",
        "field": "input",
        "traceId": "t",
    },
    "/api/public/media/{mediaId}": {"uploadedAt": "2026-01-01T00:00:00Z", "uploadHttpStatus": 200},
    "/api/web/projects/{projectId}/ask": {"model": "m", "image": "data:image/png;base64,AA=="},
}


def routes(site: Site) -> list[tuple[str, str, Caller]]:
    return [
        (method, route.path or "", declaration.caller)
        for route, declaration in declared(site.app)
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def filled(path: str) -> str:
    named = path.replace("{projectId}", "here")
    return re.sub(r"\{[^}]+\}", "anything", named)


async def call(client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    return await client.request(method, filled(path), headers=headers, json=BODIES.get(path))


async def test_what_anyone_may_call_is_a_short_list(site: Site):
    open_to_all = {(method, path) for method, path, caller in routes(site) if caller == "anyone"}
    assert open_to_all == {
        ("GET", "/api/public/health"),
        ("GET", "/api/public/ready"),
        ("GET", "/.well-known/mcp.json"),
        ("GET", "/api/docs"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/openapi.yaml"),
        ("POST", "/api/web/session"),
        ("GET", "/{path:path}"),
    }


async def test_nothing_else_answers_without_credentials_or_with_a_wrong_key(site: Site):
    checked = 0
    for method, path, caller in routes(site):
        if caller in ("anyone", "signed url"):
            continue
        for headers in ({}, WRONG, {"Authorization": "Basic nonsense"}, {"Cookie": "sightline_session=guess"}):
            answer = await call(site.client, method, path, {**headers, "Origin": "http://sightline.test"})
            assert answer.status_code == 401, f"{method} {path} with {headers}: {answer.status_code} {answer.text}"
            assert answer.json()["error"] == "UnauthorizedError"
            checked += 1
    assert checked > 60


async def test_a_public_key_alone_creates_scores_and_nothing_else(site: Site):
    for method, path, caller in routes(site):
        answer = await call(site.client, method, path, SCORES_ONLY)
        if caller == "scores key":
            assert answer.status_code in (200, 207), f"{method} {path}: {answer.text}"
        elif caller not in ("anyone", "signed url"):
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"


async def test_signed_addresses_want_their_own_signature(site: Site):
    signed = [(method, path) for method, path, caller in routes(site) if caller == "signed url"]
    assert len(signed) == 2
    for method, path in signed:
        for query in ("", "?project=here&expires=99999999999&signature=00"):
            answer = await site.client.request(method, filled(path) + query, headers=HERE)
            assert answer.status_code in (400, 403), f"{method} {path}{query}: {answer.status_code}"


async def test_another_projects_key_sees_nothing_of_this_one(site: Site):
    sent = await site.send({"user.id": "only-here"})
    score = await site.client.post(
        "/api/public/scores", json={"name": "secret", "value": 1, "traceId": sent.trace_id}, headers=HERE
    )
    for path in (f"/traces/{sent.trace_id}", f"/observations/{sent.span_id}", f"/v2/scores/{score.json()['id']}"):
        assert (await site.client.get(f"/api/public{path}", headers=HERE)).status_code == 200
        answer = await site.client.get(f"/api/public{path}", headers=ELSEWHERE)
        assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")
    for path in ("/traces", "/observations", "/v2/observations", "/scores", "/v2/scores", "/v3/scores"):
        answer = await site.client.get(f"/api/public{path}", headers=ELSEWHERE)
        assert answer.json()["data"] == [], path
    assert (await site.client.delete(f"/api/public/traces/{sent.trace_id}", headers=ELSEWHERE)).status_code == 200
    assert (await site.client.get(f"/api/public/traces/{sent.trace_id}", headers=HERE)).status_code == 200


async def test_to_another_projects_member_this_project_does_not_exist(site: Site):
    sent = await site.send()
    async with browser(site, "eve@example.org") as eve, browser(site, "ada@example.org") as ada:
        assert (await ada.get(f"/api/web/projects/here/traces/{sent.trace_id}")).status_code == 200
        for method, path, caller in routes(site):
            if caller == "member":
                answer = await call(eve, method, path, {})
                assert answer.status_code == 404, f"{method} {path}: {answer.status_code}"
        theirs = await eve.get(f"/api/web/projects/elsewhere/traces/{sent.trace_id}")
        assert theirs.status_code == 404


async def test_a_route_that_names_no_caller_is_found_at_the_start():
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.get("/forgotten")(lambda: None)
    with pytest.raises(RuntimeError, match=r"/forgotten declares no caller and no verb"):
        list(declared(app))


async def test_a_route_that_names_two_callers_is_found_too():
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.get("/both", dependencies=[Anyone, key_for("traces.read")])(lambda: None)
    with pytest.raises(RuntimeError, match="anyone"):
        list(declared(app))


async def test_every_route_has_been_walked(site: Site, settings: Settings):
    walked: list[RouteContext] = [route for route, _ in declared(site.app)]
    assert {"/api/public/otel/v1/traces", "/v1/traces", "/api/web/projects/{projectId}/live"} <= {
        route.path for route in walked
    }
    assert settings.init_project_id == "here"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://sightline.test"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://sightline.test"}, 204),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_unsafe_calls_with_a_cookie_come_from_the_page_itself(site: Site, headers: dict[str, str], status: int):
    async with browser(site, "ada@example.org") as ada:
        del ada.headers["Origin"]
        assert (await ada.delete("/api/web/session", headers=headers)).status_code == status


async def test_signing_out_ends_the_session(site: Site):
    async with browser(site, "ada@example.org") as ada:
        cookie = dict(ada.cookies)
        assert (await ada.get("/api/web/session")).status_code == 200
        assert (await ada.delete("/api/web/session")).status_code == 204
        ada.cookies.update(cookie)
        assert (await ada.get("/api/web/session")).status_code == 401
