"""What is repeated, after how long, and what is not."""

from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from sightline.server.importing.parts.events import BATCH_BYTES, Event, send
from sightline.server.importing.records import Place
from sightline.server.importing.wire import Api, Refused, Unsettled, wait_before_repeating
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import Unavailable

THERE = Place(url="http://there/", public_key="a", secret_key="b")


async def failure(status: int, **headers: str) -> Exception:
    answer = httpx2.Response(status, headers=headers, json={"message": "no"})
    async with Api(THERE, httpx2.MockTransport(lambda request: answer)) as api:
        with pytest.raises(Exception, match="no") as caught:
            await api.write_once("POST", "/scores", {})
    return caught.value


async def test_the_other_side_says_how_long_to_wait():
    assert wait_before_repeating(await failure(429, **{"Retry-After": "7"})) == 7
    later = format_datetime(now() + timedelta(seconds=90), usegmt=True)
    assert 80 < wait_before_repeating(await failure(503, **{"Retry-After": later})) <= 90


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_repeated(status: int):
    problem = await failure(status)
    assert isinstance(problem, Unsettled)
    assert wait_before_repeating(problem) is True


async def test_what_was_refused_is_not():
    assert wait_before_repeating(await failure(400)) is False
    assert isinstance(await failure(404), Refused)
    assert isinstance(await failure(401), Unavailable)


async def test_a_broken_line_is_repeated():
    tries = 0

    def shaky(request: httpx2.Request) -> httpx2.Response:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise httpx2.ConnectError("no route")
        return httpx2.Response(200, json={"data": []})

    async with Api(THERE, httpx2.MockTransport(shaky)) as api:
        assert await api.read("/traces") == {"data": []}
    assert tries == 4


def event(number: int, size: int = 10) -> Event:
    return Event(type="span-create", timestamp="2026-01-01T00:00:00Z", body={"id": str(number), "input": "x" * size})


async def test_events_travel_in_batches_and_a_batch_that_is_too_large_in_halves():
    sizes: list[int] = []

    def narrow(request: httpx2.Request) -> httpx2.Response:
        import json

        batch = json.loads(request.content)["batch"]
        if len(request.content) > BATCH_BYTES // 2:
            return httpx2.Response(413, json={"message": "too large"})
        sizes.append(len(batch))
        return httpx2.Response(207, json={"successes": [], "errors": []})

    events = [event(number, BATCH_BYTES // 10) for number in range(25)] + [event(99, BATCH_BYTES)]
    async with Api(THERE, httpx2.MockTransport(narrow)) as api:
        rejected = await send(api, events)
    assert [each.event.body["id"] for each in rejected] == ["99"]
    assert sum(sizes) == 25
    assert max(sizes) <= 5


async def test_an_event_that_is_refused_comes_back_with_the_reason():
    def picky(request: httpx2.Request) -> httpx2.Response:
        import json

        [first, *_] = json.loads(request.content)["batch"]
        issue = {"code": "x", "path": ["environment"], "message": "langfuse is reserved"}
        refused = {"id": first["id"], "status": 400, "message": "Invalid request data", "error": [issue]}
        return httpx2.Response(207, json={"successes": [], "errors": [refused]})

    async with Api(THERE, httpx2.MockTransport(picky)) as api:
        [rejected] = await send(api, [event(1), event(2)])
    assert (rejected.event.body["id"], rejected.message) == ("1", "400 environment: langfuse is reserved")


def test_the_same_content_is_the_same_event():
    assert event(1).document()["id"] == event(1).document()["id"]
    assert event(1).document()["id"] != event(1, 11).document()["id"]
