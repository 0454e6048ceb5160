"""Whose word about itself is believed: proxies, hosts, and what is counted and logged at the sign-in."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from server.edges.running_site import HERE, ORIGIN, PASSWORD, Site, opened
from sightline.server.edges.proxies import client_key
from sightline.server.settings import Settings

PROXY, STRANGER = "10.0.0.5", "203.0.113.9"
UPLOAD = {
    "contentType": "image/png",
    "contentLength": 1,
    "sha256Hash": "A" * 43 + "=",
    "field": "input",
    "traceId": "t",
}


def from_peer(site: Site, peer: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=site.app, client=(peer, 4321))
    return httpx2.AsyncClient(transport=transport, base_url=ORIGIN)


async def statuses(site: Site, peer: str, forwarded: list[str], **more: str) -> list[int]:
    """Of attempts with guessed tokens, each with another X-Forwarded-For."""
    async with from_peer(site, peer) as client:
        found = []
        for each in forwarded:
            headers = {"X-Forwarded-For": each, **more}
            answer = await client.post("/api/web/session", json={"token": "guess"}, headers=headers)
            found.append(answer.status_code)
        return found


@pytest.mark.parametrize("peer", ["127.0.0.1", STRANGER])
async def test_without_trusted_proxies_nobody_speaks_for_another(fresh_settings: Callable[..., Settings], peer: str):
    async with opened(fresh_settings().model_copy(update={"sign_in_limit": "2/minute"})) as site:
        assert await statuses(site, peer, ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) == [401, 401, 429]


async def test_a_listed_proxy_is_believed_and_only_about_its_peer(fresh_settings: Callable[..., Settings]):
    settings = fresh_settings(trusted_proxies=f"{PROXY}, 172.16.0.0/12")
    async with opened(settings.model_copy(update={"sign_in_limit": "2/minute"})) as site:
        each_other = [f"192.0.2.{number}" for number in range(4)]
        assert await statuses(site, PROXY, each_other) == [401] * 4
        invented = [f"198.51.100.{number}, {STRANGER}, 172.16.9.9" for number in range(3)]
        assert await statuses(site, PROXY, invented) == [401, 401, 429]
        assert await statuses(site, "192.0.2.77", ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) == [401, 401, 429]
        assert await statuses(site, PROXY, ["nonsense", "", ","]) == [401, 401, 429]


@pytest.mark.parametrize(("peer", "cookie"), [(PROXY, "__Host-sightline_session="), (STRANGER, "sightline_session=")])
async def test_https_at_the_proxy_makes_cookies_secure(fresh_settings: Callable[..., Settings], peer: str, cookie: str):
    async with opened(fresh_settings(trusted_proxies=PROXY)) as site, from_peer(site, peer) as client:
        body = {"email": "ada@example.org", "password": PASSWORD}
        answer = await client.post("/api/web/session", json=body, headers={"X-Forwarded-Proto": "https"})
        assert answer.headers["set-cookie"].startswith(cookie)
        assert ("Secure" in answer.headers["set-cookie"]) == (peer == PROXY)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("sightline.example.org", 200),
        ("SIGHTLINE.example.org:8443", 200),
        ("a.b.example.net", 200),
        ("example.net", 400),
        ("evil.test", 400),
        ("sightline.example.org.evil.test", 400),
        ("sightline.example.org@evil.test", 400),
        ("", 400),
    ],
)
async def test_only_allowed_hosts_are_answered(fresh_settings: Callable[..., Settings], host: str, status: int):
    settings = fresh_settings(allowed_hosts="sightline.example.org, *.example.net")
    async with opened(settings) as site:
        answer = await site.client.get("/api/public/health", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"] == "InvalidRequestError"


@pytest.mark.parametrize("host", ["evil.test/path", "a b", "evil.test?x=", "<script>", "[::1", "name:port", "a:1:2"])
async def test_no_address_is_built_from_a_malformed_host(fresh_settings: Callable[..., Settings], host: str):
    async with opened(fresh_settings()) as site:
        answer = await site.client.post("/api/public/media", json=UPLOAD, headers={**HERE, "Host": host})
        assert answer.status_code == 400
        for good in ("localhost:3000", "[::1]:3000", "my_service", "192.0.2.1"):
            answer = await site.client.post("/api/public/media", json=UPLOAD, headers={**HERE, "Host": good})
            assert answer.json()["uploadUrl"].startswith(f"http://{good}/")


async def test_tools_answer_under_the_name_they_were_called_by(fresh_settings: Callable[..., Settings]):
    settings = fresh_settings(allowed_hosts="sightline.test")
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_health"}}
    async with opened(settings) as site:
        names = await site.client.post("/api/public/mcp", json={**body, "method": "tools/list"}, headers=HERE)
        tool = next(each["name"] for each in names.json()["result"]["tools"] if each["name"].startswith("get_projects"))
        body["params"] = {"name": tool, "arguments": {}}
        answer = await site.client.post("/api/public/mcp", json=body, headers=HERE)
    assert answer.json()["result"]["isError"] is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", "10.0.0.0/33"),
        ("trusted_proxies", "*"),
        ("allowed_hosts", "https://sightline.example.org"),
        ("allowed_hosts", "sightline.example.org:443"),
    ],
)
def test_a_setting_that_names_no_network_or_host_is_refused(name: str, value: str):
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (None, "unknown"),
    ],
)
def test_a_client_is_counted_by_what_it_cannot_choose(address: str | None, key: str):
    assert client_key(address) == key


async def test_failed_sign_ins_are_logged_on_one_line_without_the_password(
    fresh_settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
):
    async with opened(fresh_settings()) as site:
        guess = {"email": "ada@example.org\nforged line", "password": "a guess of theirs"}
        await site.client.post("/api/web/session", json=guess)
    [line] = [line for line in capsys.readouterr().err.splitlines() if "sign-in failed" in line]
    assert "ada@example.org" in line
    assert "127.0.0.1" in line
    assert "a guess of theirs" not in line
