"""Processes that share their stores tell each other what is new; a bus that is down costs hints and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.cluster import Place
from sightline.server.runtime import bus
from sightline.server.runtime.bus import LONGEST_TEXT_BYTES, PostgresBus, RedisBus, Relay, bus_at
from sightline.server.runtime.hub import Hint, LiveHub


class Wire:
    """A bus in this process: every text reaches every listener."""

    def __init__(self) -> None:
        self.listeners: list[bus.Receive] = []
        self.texts: list[str] = []
        self.failures = 0

    async def listen(self, receive: bus.Receive) -> None:
        self.listeners.append(receive)
        await asyncio.Event().wait()

    async def send(self, text: str) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the wire is cut")
        self.texts.append(text)
        for listener in self.listeners:
            listener(text)

    async def close(self) -> None:
        self.listeners.clear()


@asynccontextmanager
async def two_hubs(first: bus.Bus, second: bus.Bus) -> AsyncIterator[tuple[LiveHub, LiveHub]]:
    """Hubs as in two processes, each with its relay."""
    hubs = LiveHub(between_hints_s=0.01), LiveHub(between_hints_s=0.01)
    relays = [Relay(hub, each, between_sends_s=0.01) for hub, each in zip(hubs, (first, second), strict=True)]
    for relay in relays:
        relay.start()
    await asyncio.sleep(0.01)
    yield hubs
    for relay in relays:
        await relay.stop()


async def next_hint(hub: LiveHub, project: str = "p") -> Hint:
    hints = hub.subscribe(project)
    try:
        return await asyncio.wait_for(anext(hints), 10)
    finally:
        await hints.aclose()


async def test_a_hint_of_one_process_reaches_the_other_and_comes_back_to_none():
    wire = Wire()
    async with two_hubs(wire, wire) as (here, there):
        waiting = asyncio.create_task(next_hint(there))
        mine = here.subscribe("p")
        own = asyncio.create_task(anext(mine))
        await asyncio.sleep(0)
        here.publish("p", "traces", 3)
        assert await waiting == Hint("traces", 3)
        assert await own == Hint("traces", 3)
        more = asyncio.create_task(anext(mine))
        await asyncio.sleep(0.1)
        assert not more.done()
        more.cancel()
    assert len(wire.texts) == 1


async def test_many_hints_travel_in_few_short_texts():
    wire = Wire()
    async with two_hubs(wire, wire) as (here, _):
        for number in range(1000):
            here.publish(f"project-{number:06}", "traces")
            here.publish(f"project-{number:06}", "traces")
        await asyncio.sleep(0.2)
    hints = [hint for text in wire.texts for hint in json.loads(text)[1]]
    assert len(hints) == 1000
    assert {count for _, _, count in hints} == {2}
    assert len(wire.texts) < 10
    assert max(len(text.encode()) for text in wire.texts) <= LONGEST_TEXT_BYTES


async def test_a_bus_that_is_down_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bus, "RETRY_AFTER_S", 0.01)
    wire = Wire()
    wire.failures = 3
    async with two_hubs(wire, wire) as (here, there):
        waiting = asyncio.create_task(next_hint(there))
        await asyncio.sleep(0)
        here.publish("p", "scores")
        assert await waiting == Hint("scores", 1)


def test_an_address_says_which_bus():
    assert isinstance(bus_at("postgresql://127.0.0.1/x"), PostgresBus)
    assert isinstance(bus_at("redis://127.0.0.1:6379"), RedisBus)


async def test_hints_travel_over_real_servers(place: Place):
    for address in place.buses:
        async with two_hubs(bus_at(address), bus_at(address)) as (here, there):
            waiting = asyncio.create_task(next_hint(there))
            while not waiting.done():  # until the listeners are connected nothing arrives
                here.publish("p", "traces")
                await asyncio.sleep(0.05)
            assert waiting.result().topic == "traces"
