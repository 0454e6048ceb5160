"""A server whose clock was ahead, then right: what is sent afterwards is seen at once, over a restart too."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.edges.running_site import HERE, Site, opened
from sightline.server.runtime.clock import clock, now
from sightline.server.settings import Settings

TRACE = "0" * 31 + "a"
SPAN = "0" * 15 + "b"

pytestmark = pytest.mark.parametrize("ahead", [timedelta(days=2), timedelta(seconds=5)])


async def post(site: Site, path: str, **body: Any) -> None:
    answer = await site.client.post(f"/api/public{path}", json=body, headers=HERE)
    assert answer.status_code < 300, answer.text


async def say(site: Site, word: str, at: datetime) -> None:
    """A span, a score on it, a trace and a generation, each of one id, all saying this word."""
    nanoseconds = int(at.timestamp() * 1e9)
    await site.send(trace_id=TRACE, span_id=bytes.fromhex(SPAN), name=word, start_time_unix_nano=nanoseconds)
    await post(site, "/scores", id="s", traceId=TRACE, name="mood", value=word, comment=word)
    await post(site, "/traces", id="legacy", name=word, metadata={"said": word})
    await post(site, "/generations", id="call", traceId="legacy", name=word)


async def heard(site: Site) -> list[str]:
    return [
        (await site.get(f"/observations/{SPAN}"))["name"],
        (await site.get("/v2/scores/s"))["stringValue"],
        (await site.get("/traces/legacy"))["name"],
        (await site.get("/observations/call"))["name"],
    ]


async def test_updates_after_a_clock_was_set_back_are_seen_at_once(
    fresh_settings: Callable[..., Settings], ahead: timedelta
):
    settings = fresh_settings()
    start = now()
    with clock(lambda: now_ahead(ahead)):
        async with opened(settings) as site:
            await say(site, "before", start)
            assert await heard(site) == ["before"] * 4
    async with opened(settings) as site:
        await say(site, "after", start)
        assert await heard(site) == ["after"] * 4
    async with opened(settings) as site:
        await say(site, "last", start)
        assert await heard(site) == ["last"] * 4


async def test_what_was_said_after_the_clock_was_right_stays_when_time_catches_up(
    fresh_settings: Callable[..., Settings], ahead: timedelta
):
    settings = fresh_settings()
    start = now()
    with clock(lambda: now_ahead(ahead)):
        async with opened(settings) as site:
            await say(site, "before", start)
    async with opened(settings) as site:
        await say(site, "after", start)
    with clock(lambda: now_ahead(ahead + timedelta(hours=1))):
        async with opened(settings) as site:
            await post(site, "/traces", id="legacy", userId="ada")
            assert await heard(site) == ["after"] * 4


def now_ahead(by: timedelta) -> datetime:
    return datetime.now(UTC) + by
