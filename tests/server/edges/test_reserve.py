"""A nearly full disk: writes are refused with a sentence and come again; reads, deletions and sign-in go on."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from structlog.testing import capture_logs

from server.edges.running_site import HERE, Site, browser, one_span, opened
from sightline.server.edges.access import declared
from sightline.server.runtime import space
from sightline.server.runtime.space import FreeSpace, NoRoom
from sightline.server.settings import Settings

GIB = 1024 * 1024 * 1024
READS_BY_POST = (
    *("/mcp", "/api/public/mcp", "/api/web/session", "/api/web/projects/{projectId}/ask"),
    *("/api/web/account/password", "/api/web/links/look", "/api/web/links/password", "/api/web/links/decline"),
)


class Disk:
    """What `statvfs` says; the tests fill and empty it."""

    def __init__(self) -> None:
        self.free = 10 * GIB

    def statvfs(self, _: Path) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=self.free, f_bfree=self.free, f_blocks=100 * GIB, f_frsize=1)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    ours = Disk()
    monkeypatch.setattr(os, "statvfs", ours.statvfs)
    monkeypatch.setattr(space, "LOOK_AGAIN_S", 0.0)
    return ours


@pytest.fixture
async def site(fresh_settings: Callable[..., Settings], disk: Disk) -> AsyncIterator[Site]:
    async with opened(fresh_settings()) as running:
        yield running


async def spans(site: Site) -> httpx2.Response:
    export, _ = one_span()
    headers = {**HERE, "Content-Type": "application/x-protobuf"}
    return await site.client.post("/v1/traces", content=export.SerializeToString(), headers=headers)


async def test_writes_are_refused_and_come_again_while_reads_deletions_and_sign_in_go_on(site: Site, disk: Disk):
    sent = await site.send()
    disk.free = GIB // 2
    refused = await spans(site)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    assert "make room on the disk" in refused.json()["message"]
    assert (await site.get(f"/traces/{sent.trace_id}"))["id"] == sent.trace_id
    async with browser(site, "ada@example.org") as ada:
        told = (await ada.get("/api/web/session")).json()["notice"]
        assert "nothing new is stored" in told
        assert (await ada.post("/api/web/projects/here/keys", json={})).status_code == 503
    disk.free = 1_000_000
    full = await site.client.delete(f"/api/public/traces/{sent.trace_id}", headers=HERE)
    assert (full.status_code, "by other means" in full.json()["message"]) == (503, True)
    disk.free = GIB // 2
    gone = await site.client.delete(f"/api/public/traces/{sent.trace_id}", headers=HERE)
    assert gone.status_code == 200
    assert (await site.client.get(f"/api/public/traces/{sent.trace_id}", headers=HERE)).status_code == 404
    disk.free = 2 * GIB
    assert (await spans(site)).status_code == 200
    async with browser(site, "ada@example.org") as ada:
        assert (await ada.get("/api/web/session")).json()["notice"] is None


async def test_every_route_that_stores_is_refused(site: Site, disk: Disk):
    disk.free = GIB // 2
    taken = []
    for route, _ in declared(site.app):
        for method in {"POST", "PUT", "PATCH"} & set(route.methods or ()):
            path = route.path.replace("{projectId}", "here").replace("{", "").replace("}", "").replace(":path", "")
            answer = await site.client.request(method, path, json={}, headers=HERE)
            if answer.status_code != 503:
                taken.append(route.path)
    assert sorted(set(taken)) == sorted(READS_BY_POST)


async def test_readiness_says_so_and_is_unready_on_request_only(site: Site, disk: Disk):
    assert (await site.client.get("/api/public/ready")).json()["writes"] == "OK"
    disk.free = GIB // 2
    ready = await site.client.get("/api/public/ready")
    assert (ready.status_code, ready.json()["writes"]) == (200, "refused")
    strict = await site.client.get("/api/public/ready", params={"failIfWritesRefused": "true"})
    assert strict.status_code == 503


async def test_a_tool_that_writes_is_refused_and_one_that_reads_is_not(site: Site, disk: Disk):
    disk.free = GIB // 2

    async def call(name: str, /, **arguments: object) -> dict[str, object]:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        return (await site.client.post("/mcp", json=asked, headers=HERE)).json()["result"]

    assert not (await call("get_v2_datasets"))["isError"]
    assert (await call("post_v2_datasets", name="d"))["isError"]


def test_the_log_says_each_change_once(disk: Disk, tmp_path: Path):
    watched = FreeSpace([tmp_path])
    with capture_logs() as said:
        for free in (10 * GIB, GIB // 2, GIB // 3, GIB, GIB + GIB // 100, 2 * GIB, 3 * GIB):
            disk.free = free
            watched.look()
    assert [line["log_level"] for line in said] == ["error", "warning"]


def test_what_is_announced_must_fit_above_the_reserve(disk: Disk, tmp_path: Path):
    watched = FreeSpace([tmp_path], reserve_bytes=GIB)
    watched.require(8 * GIB)
    with pytest.raises(NoRoom):
        watched.require(10 * GIB)


def test_no_reserve_takes_everything(disk: Disk, tmp_path: Path):
    disk.free = 0
    watched = FreeSpace([tmp_path], reserve_bytes=0)
    watched.require(GIB)
    room = watched.look()
    assert room is None or not room.is_low
