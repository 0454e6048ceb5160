"""Deletions on a full disk, cut short by a failure, while the same file is sent again, and from the command line."""

import asyncio
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from server.cluster import Place
from server.edges.running_site import HERE, Site, opened, settings_in
from server.upkeep.marking import ask, data_uri, found, marked_trace, picture
from sightline.server.runtime.errors import Unavailable
from sightline.server.runtime.observations import mutations
from sightline.server.settings import Settings
from sightline.server.upkeep.jobs import ErasingRound

MARKER = "zqmarker"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def settings(tmp_path: Path, new_place: Callable[[Path], Place]) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir()
    return settings_in(folder, new_place(folder))


async def test_a_full_disk_refuses_a_deletion_whole(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    if request.config.getoption("--stack") != "embedded":
        return  # A server looks after its own disk.
    async with opened(settings) as site:
        trace_id = await marked_trace(site, MARKER)
        with monkeypatch.context() as full:
            full.setattr(mutations.shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1_000_000))
            refused = await site.client.delete(f"/api/public/traces/{trace_id}", headers=HERE)
            assert (refused.status_code, "1 MB free" in refused.json()["message"]) == (503, True)
            scores = (await ask(site, "GET", "/v2/scores"))["data"]
            refused = await site.client.delete(f"/api/public/scores/{scores[0]['id']}", headers=HERE)
            assert refused.status_code == 503
        assert len((await ask(site, "GET", "/comments"))["data"]) == 2
        await site.app.state.services.removal.resume()
        await ask(site, "GET", f"/traces/{trace_id}")
        await ask(site, "DELETE", f"/traces/{trace_id}")
        await ask(site, "GET", f"/traces/{trace_id}", expect=404)


async def test_a_deletion_that_fails_midway_says_so_and_is_finished(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    async with opened(settings) as site:
        trace_id = await marked_trace(site, MARKER)
        services = site.app.state.services

        async def fail(*_: object) -> None:
            raise Unavailable("no room")

        with monkeypatch.context() as failing:
            failing.setattr(services.tracing, "delete_traces", fail)
            answer = await site.client.delete(f"/api/public/traces/{trace_id}", headers=HERE)
            assert (answer.status_code, "goes on by itself" in answer.json()["message"]) == (503, True)
        await ask(site, "GET", f"/traces/{trace_id}")
    async with opened(settings) as site:
        await site.app.state.services.erasing.now()
        await ask(site, "GET", f"/traces/{trace_id}", expect=404)
    assert found(Path(settings.data_dir), MARKER) == {}


async def test_a_file_sent_again_while_it_is_deleted_stays(settings: Settings):
    body = data_uri(picture(MARKER))

    async def send(site: Site) -> str:
        return (await site.send({"langfuse.observation.input": body})).trace_id

    async with opened(settings) as site:
        last = await send(site)
        for _ in range(15):
            _, last = await asyncio.gather(ask(site, "DELETE", f"/traces/{last}"), send(site))
            [observation] = (await ask(site, "GET", "/observations", params={"traceId": last}))["data"]
            media_id = observation["input"].split("|id=")[1].split("|")[0]
            url = (await ask(site, "GET", f"/media/{media_id}"))["url"]
            assert (await site.client.get(url)).content == picture(MARKER)
        await ask(site, "DELETE", f"/traces/{last}")
        await ask(site, "GET", f"/media/{media_id}", expect=404)
        assert [path for path in (Path(settings.data_dir) / "media").rglob("*") if path.is_file()] == []


async def test_a_round_leaves_no_live_row_of_what_was_deleted(settings: Settings):
    async with opened(settings) as site:
        services = site.app.state.services
        trace_id = await marked_trace(site, MARKER)
        await ask(site, "DELETE", f"/traces/{trace_id}")
        engine = services.removal.stores.engine
        masked = "SELECT count() AS parts FROM system.parts WHERE active AND has_lightweight_delete"
        assert (await engine.query(masked))[0]["parts"] > 0
        await services.erasing.run()
        assert (await engine.query(masked))[0]["parts"] == 0


def test_rounds_come_well_within_the_deadline(settings: Settings):
    within_s = settings.erase_within_minutes * 60
    every_s = ErasingRound(None, None, within_s=within_s).every_s  # type: ignore[arg-type]
    assert every_s + 120 < within_s


def erase(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline.cli", "erase", "--data-dir", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


async def test_a_person_is_erased_on_the_machine(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / "data", init_project_id="here", init_user_email="ada@example.org")
    async with opened(settings):
        pass
    done = await asyncio.to_thread(erase, tmp_path / "data", "--person", "eve@example.org", "--now")
    assert (done.returncode, "last owner" in done.stderr) == (2, True)
    nobody = await asyncio.to_thread(erase, tmp_path / "data", "--person", "nobody@example.org")
    assert (nobody.returncode, "nobody has the address" in nobody.stderr) == (2, True)
    now = await asyncio.to_thread(erase, tmp_path / "data", "--now")
    assert (now.returncode, now.stdout.strip()) == (0, "off the disk"), now.stderr
