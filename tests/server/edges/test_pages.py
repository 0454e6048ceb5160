"""The built page and what surrounds every answer."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from sightline.server.edges import web
from sightline.server.edges.answers import translate_errors
from sightline.server.edges.shields import SameOrigin, SecurityHeaders
from sightline.server.edges.web.static import PAGES, Page, the_page

INDEX = '<!doctype html><meta property="csp-nonce" nonce="__CSP_NONCE__"><script src="/assets/a-1.js"></script>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "static"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(INDEX)
    (built / "assets" / "a-1.js").write_text("plain")
    (built / "assets" / "a-1.js.br").write_bytes(b"brotli")
    (built / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("kept to ourselves")
    return built


@pytest.fixture
def browser(folder: Path) -> Iterator[httpx2.AsyncClient]:
    app = FastAPI(telemetry={"tracing": False})
    translate_errors(app)
    app.include_router(web.pages)
    app.add_middleware(SameOrigin)
    app.add_middleware(SecurityHeaders, https=True)
    page = Page(folder)
    app.dependency_overrides[the_page] = lambda: page
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://sightline.test")


async def test_every_address_of_the_page_is_the_page_with_a_nonce_of_its_own(browser: httpx2.AsyncClient):
    nonces = set()
    for path in ("/", "/sign-in", "/project/here/traces/abc", "/index.html"):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        nonce = answer.text.split('nonce="')[1].split('"')[0]
        policy = answer.headers["content-security-policy"]
        assert f"style-src-elem 'self' 'nonce-{nonce}'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        nonces.add(nonce)
    assert len(nonces) == 4
    assert "__CSP_NONCE__" not in nonces


async def test_hashed_assets_are_kept_for_ever_and_sent_compressed(browser: httpx2.AsyncClient):
    plain = await browser.get("/assets/a-1.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, plain.headers["cache-control"]) == ("plain", "public, max-age=31536000, immutable")
    request = browser.build_request("GET", "/assets/a-1.js", headers={"Accept-Encoding": "gzip, br"})
    packed = await browser.send(request, stream=True)
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("br", "Accept-Encoding")
    assert b"".join([chunk async for chunk in packed.aiter_raw()]) == b"brotli"
    icon = await browser.get("/icon.svg")
    assert (icon.headers["content-type"].partition(";")[0], icon.headers["cache-control"]) == (
        "image/svg+xml",
        "no-cache",
    )


async def test_an_asset_of_another_build_is_not_the_page(browser: httpx2.AsyncClient):
    answer = await browser.get("/assets/gone-0.js")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"])
async def test_nothing_outside_the_build_is_served(browser: httpx2.AsyncClient, path: str):
    assert "kept to ourselves" not in (await browser.get(path)).text


def test_the_page_has_the_routes_that_its_router_has():
    router = (Path(__file__).parents[3] / "web/src/router.tsx").read_text()
    at_the_root = re.findall(r'getParentRoute: \(\) => root,\s+path: "/([^"/]*)', router)
    assert PAGES - {"index.html"} == set(at_the_root)


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/admin", "/projects/here", "/.env"])
async def test_what_is_no_page_is_missing_and_says_so_to_programs_and_to_people(browser: httpx2.AsyncClient, path: str):
    answer = await browser.get(path, headers={"Accept": "text/plain;version=0.0.4, */*;q=0.1"})
    assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")
    shown = await browser.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (shown.status_code, "<script" in shown.text) == (404, True)


@pytest.mark.parametrize("path", ["/api/web/none", "/api/public/none", "/v1/none"])
async def test_unknown_api_addresses_are_errors_not_the_page(browser: httpx2.AsyncClient, path: str):
    answer = await browser.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")


async def test_a_rebuild_is_noticed(browser: httpx2.AsyncClient, folder: Path):
    assert "rebuilt" not in (await browser.get("/")).text
    (folder / "index.html").write_text("rebuilt")
    import os

    os.utime(folder / "index.html", (1, 1))
    assert (await browser.get("/")).text == "rebuilt"


async def test_without_a_build_the_page_says_how_to_make_one(browser: httpx2.AsyncClient, folder: Path):
    (folder / "index.html").unlink()
    answer = await browser.get("/")
    assert answer.status_code == 503
    assert "npm run build" in answer.text


async def test_every_answer_carries_the_security_headers(browser: httpx2.AsyncClient):
    for path in ("/", "/assets/a-1.js", "/api/none"):
        headers = (await browser.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["strict-transport-security"].startswith("max-age=")
    assert (await browser.get("/api/none")).headers["cache-control"] == "no-store"
