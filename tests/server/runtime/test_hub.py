"""Hints are merged per topic and paced; a closed hub lets go of everyone."""

import asyncio
import time

import pytest

from sightline.server.runtime import hub as hub_module
from sightline.server.runtime.hub import Hint, LiveHub


async def test_a_slow_reader_gets_one_hint_a_topic():
    hub = LiveHub(between_hints_s=0.01)
    hints = hub.subscribe("p")
    first = asyncio.ensure_future(anext(hints))
    await asyncio.sleep(0)
    for _ in range(1000):
        hub.publish("p", "traces", 2)
        hub.publish("p", "scores")
        hub.publish("other", "traces")
    assert [await first, await anext(hints)] == [Hint("traces", 2000), Hint("scores", 1000)]
    await hints.aclose()
    assert hub.subscribers == 0


async def test_hints_come_at_most_four_times_a_second():
    hub = LiveHub()
    received: list[Hint] = []

    async def read() -> None:
        async for hint in hub.subscribe("p"):
            received.append(hint)

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    begun, published = time.monotonic(), 0
    while time.monotonic() - begun < 0.6:
        hub.publish("p", "traces")
        published += 1
        await asyncio.sleep(0.005)
    pushes = 1 + int((time.monotonic() - begun) / 0.25)
    hub.close()
    await reading
    assert len(received) <= pushes + 1
    assert sum(hint.count for hint in received) == published


async def test_closing_ends_every_subscription_after_what_is_waiting():
    hub = LiveHub()
    hints = hub.subscribe("p")
    first = asyncio.ensure_future(anext(hints))
    await asyncio.sleep(0)
    hub.publish("p", "traces")
    hub.close()
    assert await first == Hint("traces", 1)
    assert [hint async for hint in hints] == []
    assert [hint async for hint in hub.subscribe("p")] == []


async def test_who_begins_to_listen_hears_of_what_changed_just_before():
    """A page reads its list first: a trace that came between the two would otherwise never be shown."""
    hub = LiveHub(between_hints_s=0.01)
    hub.publish("p", "traces", 7)
    hub.publish("other", "scores")
    hints = hub.subscribe("p")
    assert await anext(hints) == Hint("traces", 1)
    hub.publish("p", "traces", 2)
    assert await anext(hints) == Hint("traces", 2)
    await hints.aclose()


async def test_what_changed_long_ago_is_not_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub_module, "RECENT_S", -1.0)
    hub = LiveHub()
    hub.publish("p", "traces")
    first = asyncio.ensure_future(anext(hub.subscribe("p")))
    await asyncio.sleep(0.05)
    assert not first.done()
    first.cancel()
