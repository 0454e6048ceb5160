"""A whole project crosses, whatever happens on the way, and nothing crosses twice."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.edges.running_site import ORIGIN, Site
from server.importing.origin import FIRST, KEYS, PICTURE, TRACES, Origin
from server.importing.sides import everything
from sightline.server.accounts.records import ProjectId
from sightline.server.evals.ran import run_id_of
from sightline.server.evals.records import DatasetId
from sightline.server.importing.moving import count, move, project_of
from sightline.server.importing.parts import Crossing
from sightline.server.importing.parts.experiments import Experiments
from sightline.server.importing.parts.traces import Observations
from sightline.server.importing.records import Place, Selection, Summary, Tally
from sightline.server.importing.state import State
from sightline.server.importing.wire import Api
from sightline.server.runtime.clock import clock
from sightline.server.runtime.errors import InvalidRequest

PAIR = ("pk-lf-here", "sk-lf-here")
HERE = Place(url=ORIGIN, public_key=PAIR[0], secret_key=PAIR[1])
LEGACY = ("/traces", "/observations", "/sessions", "/v2/scores", "/datasets/")
CURRENT = ("/v2/observations", "/v3/scores", "/experiment-items", "/experiments")


class Silent:
    def begins(self, tally: Tally) -> None: ...

    def moved(self, tally: Tally) -> None: ...

    def ends(self, tally: Tally) -> None: ...


class Meddling(httpx2.AsyncBaseTransport):
    """The way to the origin, with something in it: `act` answers in the origin's place, or lets the call through."""

    def __init__(self, act: Callable[[httpx2.Request], httpx2.Response | None]) -> None:
        self._act = act
        self._real = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._act(request) or await self._real.handle_async_request(request)

    async def aclose(self) -> None:
        await self._real.aclose()


def without(*paths: str) -> Meddling:
    """An origin of another age, that does not have these."""

    def act(request: httpx2.Request) -> httpx2.Response | None:
        asked = request.url.path.removeprefix("/api/public")
        gone = any(asked == path or (path.endswith("/") and asked.startswith(path)) for path in paths)
        return httpx2.Response(404, json={"message": "not here"}, request=request) if gone else None

    return Meddling(act)


class UnpluggedError(Exception):
    """The process dies at this point."""


@asynccontextmanager
async def crossing(
    origin: Origin,
    into: httpx2.AsyncBaseTransport,
    state: Path | None,
    way: httpx2.AsyncBaseTransport | None = None,
    **selection: Any,
) -> AsyncIterator[Crossing]:
    chosen = Selection(**selection)
    place = Place(url=origin.url, public_key=KEYS[0], secret_key=KEYS[1])
    async with Api(place, way) as source, Api(HERE, into) as target:
        yield Crossing(
            source=source,
            target=target,
            source_project=await project_of(source),
            target_project=await project_of(target),
            selection=chosen,
            state=State(state, chosen, save_every_s=0),
        )


async def carried(*about: Any, **more: Any) -> Summary:
    async with crossing(*about, **more) as open_crossing:
        return await move(open_crossing, Silent())


async def both(origin: Origin, target: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    async def theirs(path: str, **params: Any) -> Any:
        return origin.get(path, **params)

    return await everything(theirs), await everything(target.get)


async def test_everything_crosses_and_reads_the_same(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    summary = await carried(origin, into, tmp_path / "state")
    assert [remark for remark in summary.remarks if remark.lost] == []
    theirs, ours = await both(origin, target)
    for kind in theirs:
        assert ours[kind] == theirs[kind], kind
    assert len(ours["traces"]) == TRACES + 2
    read = {tally.part: tally.read for tally in summary.tallies}
    assert (read["traces"], read["observations"], read["scores"]) == (TRACES + 2, 2 * TRACES + 2, 5)


async def test_a_file_crosses_with_the_place_it_is_used_at(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    await carried(origin, into, tmp_path / "state")
    observation = await target.get("/observations/answer-0")
    media_id = observation["input"][0]["content"].partition("|id=")[2].partition("|")[0]
    media = await target.get(f"/media/{media_id}")
    assert (await target.client.get(media["url"])).content == PICTURE
    assert media["contentType"] == "image/png"


async def test_what_is_dated_in_the_future_is_said_to_be_left_out(
    origin: Origin, into: httpx2.ASGITransport, tmp_path: Path
):
    def act(request: httpx2.Request) -> httpx2.Response | None:
        asked = request.url.params
        if request.url.path != "/api/public/traces" or "fromTimestamp" not in asked or "toTimestamp" in asked:
            return None
        meta = {"page": 1, "limit": 1, "totalItems": 3, "totalPages": 3}
        return httpx2.Response(200, json={"data": [], "meta": meta}, request=request)

    summary = await carried(origin, into, tmp_path / "state", Meddling(act))
    [remark] = [each for each in summary.remarks if each.lost]
    assert (remark.part, remark.count, remark.reason) == ("traces", 3, "dated in the future: give --until")
    again = await carried(origin, into, tmp_path / "other", until=FIRST + timedelta(days=1))
    assert again.complete


async def test_a_second_run_adds_nothing_and_finds_what_is_new(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    await carried(origin, into, tmp_path / "state")
    before = await everything(target.get)
    summary = await carried(origin, into, tmp_path / "state")
    assert summary.complete
    assert await everything(target.get) == before
    read = {tally.part: tally.read for tally in summary.tallies}
    # Times are past: the second run looks at the time since the first only.
    assert (read["traces"], read["prompts"]) == (0, 4)


@pytest.mark.parametrize("survives", [3, 9, 14, 20, 26, 33])
async def test_after_an_interruption_the_next_run_goes_on(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path, survives: int
):
    calls = 0

    def unplug(request: httpx2.Request) -> None:
        nonlocal calls
        calls += 1
        if calls > survives:
            raise UnpluggedError

    with pytest.raises(UnpluggedError):
        await carried(origin, into, tmp_path / "state", Meddling(unplug))
    summary = await carried(origin, into, tmp_path / "state")
    assert summary.complete
    theirs, ours = await both(origin, target)
    assert ours == theirs


async def test_a_source_that_fails_now_and_then_is_asked_again(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    answers = [429, None, 500, None, 503, None, 502, None, None]
    calls = 0

    def flaky(request: httpx2.Request) -> httpx2.Response | None:
        nonlocal calls
        status = answers[calls % len(answers)]
        calls += 1
        return status and httpx2.Response(status, headers={"Retry-After": "7"}, json={"message": "later"})

    summary = await carried(origin, into, tmp_path / "state", Meddling(flaky))
    assert summary.complete
    theirs, ours = await both(origin, target)
    assert ours == theirs
    assert calls > 60


async def test_an_older_source_without_the_current_reads_is_read_through_the_legacy_ones(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    summary = await carried(origin, into, tmp_path / "state", without(*CURRENT))
    assert summary.complete
    theirs, ours = await both(origin, target)
    theirs["experiments"] = ours["experiments"] = None  # Nothing but the current reads tells of them.
    assert ours == theirs


async def test_a_newer_source_without_the_legacy_reads_is_read_through_the_current_ones(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    summary = await carried(origin, into, tmp_path / "state", without(*LEGACY))
    assert summary.complete
    theirs, ours = await both(origin, target)
    assert set(ours["traces"]) == set(theirs["traces"])
    assert ours["scores"] == theirs["scores"]
    # That list does not say which were filed by hand, and when: those cross as what spans tell of, with spans' times.
    for kind in ("experiments", "items"):
        assert timeless(ours["experiments"][kind]) == timeless(theirs["experiments"][kind])
    for identity, row in theirs["observations"].items():
        here = ours["observations"][identity]
        assert {**row, "metadata": None} == {**here, "metadata": None}
        # The current read joins a trace's metadata with its observations'.
        assert row["metadata"].items() <= here["metadata"].items()
    whole = ours["traces"]["trace-1"]
    assert (whole["name"], whole["userId"], whole["sessionId"], whole["tags"], whole["release"]) == (
        *("visit 1", "user-1", "session-0"),
        *(["b", "t1"], "r1"),
    )


def timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((row | {"startTime": None, "endTime": None} for row in rows), key=lambda row: row["id"])


async def test_only_what_is_named_crosses(origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path):
    await carried(origin, into, tmp_path / "state", only=frozenset({"prompts"}))
    ours = await everything(target.get)
    assert len(ours["prompts"]) == 6
    assert not ours["traces"]
    assert not ours["datasets"]


async def test_what_is_asked_for_later_crosses_as_it_is_then(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    with clock(lambda: FIRST + timedelta(days=20)):
        await carried(origin, into, tmp_path / "state", only=frozenset({"prompts"}))
        await carried(origin, into, tmp_path / "state", only=frozenset({"traces"}))
    observation = await target.get("/observations/answer-0")
    media_id = observation["input"][0]["content"].partition("|id=")[2].partition("|")[0]
    assert (await target.client.get(f"/api/public/media/{media_id}", auth=PAIR)).status_code == 404
    assert set((await everything(target.get))["traces"]) < {row["id"] for row in origin.get("/traces")["data"]}
    summary = await carried(origin, into, tmp_path / "state")
    assert summary.complete
    assert (await target.get(f"/media/{media_id}"))["contentType"] == "image/png"
    theirs, ours = await both(origin, target)
    assert ours == theirs


async def test_a_run_that_the_sdk_named_is_found_by_the_sdk_again(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    """Its id follows from the project, the dataset and the name; the one its user chose stays."""
    await carried(origin, into, tmp_path / "state")
    dataset = (await target.get("/v2/datasets"))["data"][0]
    since = "2020-01-01T00:00:00Z"
    found = {row["name"]: row["id"] for row in (await target.get("/experiments", fromStartTime=since))["data"]}
    derived = run_id_of(ProjectId("here"), DatasetId(dataset["id"]), "first run")
    assert found == {"first run": derived, "ducks again": "ducks-again"}
    [score] = (await target.get("/v2/scores", datasetRunId=derived))["data"]
    assert score["name"] == "run"


async def test_an_id_that_clients_derived_is_derived_anew_and_scores_follow():
    state = State(None, Selection())
    state.ids("datasets")["theirs"] = "ours"
    theirs = run_id_of(ProjectId("there"), DatasetId("theirs"), "nightly")
    ours = run_id_of(ProjectId("here"), DatasetId("ours"), "nightly")
    row = {"experimentName": "nightly", "experimentDatasetId": "theirs"}
    async with Api(HERE) as api:
        about = {"source": api, "target": api, "source_project": "there", "target_project": "here"}
        known = Experiments(Observations(Crossing(**about, selection=Selection(), state=state)))
        assert known.fields({**row, "experimentId": theirs})["experimentId"] == ours
        assert known.fields({**row, "experimentId": "chosen"})["experimentId"] == "chosen"
    assert state.ids("dataset runs") == {theirs: ours}


async def test_a_slice_of_time_crosses(origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path):
    bounds = {"since": FIRST + timedelta(days=9), "until": FIRST + timedelta(days=27)}
    await carried(origin, into, tmp_path / "state", only=frozenset({"traces"}), **bounds)
    ours = await everything(target.get)
    assert set(ours["traces"]) == {"trace-1", "trace-2"}


async def test_a_dry_run_counts_and_writes_nothing(origin: Origin, target: Site, into: httpx2.ASGITransport):
    async with crossing(origin, into, None) as open_crossing:
        summary = await count(open_crossing, Silent())
    totals = {tally.part: tally.total for tally in summary.tallies}
    assert totals["observations"] == 2 * TRACES + 2
    assert (totals["prompts"], totals["dataset items"], totals["dataset runs"], totals["scores"]) == (4, 3, 2, 5)
    ours = await everything(target.get)
    assert not any(ours[kind] for kind in ours if kind != "experiments")


async def test_what_cannot_cross_is_named_with_its_reason(
    origin: Origin, target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    other = {"name": "zebra", "prompt": "no stripes", "labels": ["production"]}
    made = await target.client.post("/api/public/v2/prompts", json=other, auth=PAIR)
    assert made.status_code == 201
    summary = await carried(origin, into, tmp_path / "state")
    assert not summary.complete
    [lost] = [remark for remark in summary.remarks if remark.lost]
    assert (lost.part, lost.count, lost.examples) == ("prompts", 1, ("zebra",))
    assert "another prompt under this name" in lost.reason


async def test_a_state_of_another_selection_is_refused(origin: Origin, into: httpx2.ASGITransport, tmp_path: Path):
    await carried(origin, into, tmp_path / "state", only=frozenset({"models"}))
    with pytest.raises(InvalidRequest, match="--state"):
        await carried(origin, into, tmp_path / "state", since=FIRST)


async def test_keys_of_another_project_than_the_one_named_are_refused(origin: Origin):
    place = Place(url=origin.url, public_key=KEYS[0], secret_key=KEYS[1])
    async with Api(place) as source:
        assert await project_of(source, "Origin") == "origin"
        with pytest.raises(InvalidRequest, match="these keys open project 'Origin'"):
            await project_of(source, "another")
