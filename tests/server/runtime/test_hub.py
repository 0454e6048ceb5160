"""Hints are merged per topic and paced; a closed hub lets go of everyone."""

import asyncio
import time

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
