"""Pub/sub of hints between server processes that share their stores: PostgreSQL LISTEN/NOTIFY, or Redis.

A bus fans short messages out to every process that listens, its own included. Delivery is at most once: a message
sent while a connection is down is lost. That is enough for hints, since pages read the data itself.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from sightline.server.runtime.hub import LiveHub

if TYPE_CHECKING:
    import asyncpg

CHANNEL = "sightline_hints"
"""Name of the pub/sub channel."""
SECONDS_BETWEEN_SENDS = 0.25
"""Interval in which hints are coalesced into one message."""
LONGEST_TEXT_BYTES = 7_500
"""PostgreSQL refuses notifications of 8,000 bytes and more."""
RETRY_AFTER_S = 1.0
"""Fixed delay before a broken connection is opened again."""

log = structlog.get_logger()
Receive = Callable[[str], None]


class Bus(Protocol):
    """A pub/sub connection."""

    async def listen(self, receive: Receive) -> None:
        """Hand over every text until the connection breaks (which raises) or the task is cancelled."""
        ...

    async def send(self, text: str) -> None:
        """Raises what the connection raises."""
        ...

    async def close(self) -> None: ...


class PostgresBus:
    """LISTEN and NOTIFY, on dedicated connections: a transaction-pooling proxy would break LISTEN."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._sender: asyncpg.Connection | None = None

    async def listen(self, receive: Receive) -> None:
        connection = await self._connect()
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _: broken.set())
        try:
            await connection.add_listener(CHANNEL, lambda *notification: receive(str(notification[3])))
            await broken.wait()
            raise ConnectionError("PostgreSQL ended the connection")
        finally:
            connection.terminate()

    async def send(self, text: str) -> None:
        if self._sender is None or self._sender.is_closed():
            self._sender = await self._connect()
        await self._sender.execute("SELECT pg_notify($1, $2)", CHANNEL, text)

    async def close(self) -> None:
        if self._sender:
            self._sender.terminate()

    async def _connect(self) -> "asyncpg.Connection":
        import asyncpg  # late: only an installation of several processes needs it here

        return await asyncpg.connect(self._url)


class RedisBus:
    """PUBLISH and SUBSCRIBE."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis  # late, as above

        self._redis = Redis.from_url(url)

    async def listen(self, receive: Receive) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                receive(message["data"].decode())

    async def send(self, text: str) -> None:
        await self._redis.publish(CHANNEL, text)

    async def close(self) -> None:
        await self._redis.aclose()


def bus_at(url: str) -> Bus:
    """The bus of an address `postgresql://…`, `redis://…` or `rediss://…`."""
    return PostgresBus(url) if url.startswith("postgresql") else RedisBus(url)


class Relay:
    """Bridges a hub with the hubs of other processes. `start()`, and `await stop()` at the end.

    Hints are coalesced, so memory is bounded by projects times topics. It reconnects every second; hints of the time
    between are lost (at-most-once delivery).
    """

    def __init__(self, hub: LiveHub, bus: Bus, *, between_sends_s: float = SECONDS_BETWEEN_SENDS) -> None:
        self._hub, self._bus, self._between_sends_s = hub, bus, between_sends_s
        self._name = token_hex(8)
        self._waiting: dict[tuple[str, str], int] = defaultdict(int)
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._hub.relay = self._add
        self._tasks = [asyncio.create_task(self._send_for_ever()), asyncio.create_task(self._listen_for_ever())]

    async def stop(self) -> None:
        self._hub.relay = None
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._bus.close()

    def _add(self, project_id: str, topic: str, count: int) -> None:
        self._waiting[project_id, topic] += count
        self._changed.set()

    async def _send_for_ever(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            waiting, self._waiting = self._waiting, defaultdict(int)
            for text in _texts(self._name, ([*key, count] for key, count in waiting.items())):
                await self._again_until_it_works(lambda text=text: self._bus.send(text))  # type: ignore[misc]
            await asyncio.sleep(self._between_sends_s)

    async def _listen_for_ever(self) -> None:
        while True:
            await self._again_until_it_works(lambda: self._bus.listen(self._receive))

    async def _again_until_it_works(self, act: Callable[[], Any]) -> None:
        while True:
            try:
                await act()
                return
            except Exception as failure:  # whatever a driver raises: hints are worth another try, and no more
                log.warning("the bus between processes does not answer", failure=str(failure))
                await asyncio.sleep(RETRY_AFTER_S)

    def _receive(self, text: str) -> None:
        sender, hints = json.loads(text)
        if sender != self._name:
            for project_id, topic, count in hints:
                self._hub.deliver(project_id, topic, count)


def _texts(name: str, hints: Iterable[list[Any]]) -> Iterator[str]:
    """Pack the hints into as few messages as the size limit allows."""
    pending: list[list[Any]] = []
    for hint in hints:
        if pending and len(json.dumps([name, [*pending, hint]]).encode()) > LONGEST_TEXT_BYTES:
            yield json.dumps([name, pending])
            pending = []
        pending.append(hint)
    if pending:
        yield json.dumps([name, pending])
