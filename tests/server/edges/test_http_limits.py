"""What raw sockets may not do to a server: heads, slow heads, silent bodies, crowds."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn

from sightline.server.edges.http_limits import HttpLimits, bounded

LIMITS = HttpLimits(
    head_bytes=4096,
    request_line_bytes=1024,
    headers=20,
    head_s=0.4,
    silence_s=0.4,
    connections=30,
    connections_per_address=20,
)
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def echo(scope, receive, send) -> None:
    """Answers with the length of the body, once it is there."""
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message["body"]), message["more_body"]
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    body = b"x" * 50_000_000 if scope["path"] == "/large" else str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Door:
    def __init__(self, port: int, protocol: type) -> None:
        self.port = port
        self.crowd = protocol.crowd
        self.wires: list[Wire] = []

    async def open(self, first: bytes = b"", source: str = "127.0.0.1") -> "Wire":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        writer.write(first)
        self.wires.append(Wire(reader, writer))
        return self.wires[-1]

    async def status(self, sent: bytes) -> int:
        wire = await self.open(sent)
        return await wire.status()


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def status(self) -> int:
        """Of the next answer, which is read; 0 where the connection ends without."""
        async with asyncio.timeout(10):
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
                await self.reader.readexactly(length)
                return int(head.split()[1])
        return 0

    async def is_closed(self) -> bool:
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                return await self.reader.read() == b""
        return True


@asynccontextmanager
async def door(limits: HttpLimits = LIMITS) -> AsyncIterator[Door]:
    protocol = bounded(limits)
    server = uvicorn.Server(
        uvicorn.Config(echo, http=protocol, ws="none", lifespan="off", access_log=False, log_level="critical")
    )
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ours = Door(listener.getsockname()[1], protocol)
    try:
        yield ours
    finally:
        for wire in ours.wires:
            wire.writer.transport.abort()
        await asyncio.sleep(0)
        server.should_exit = server.force_exit = True
        await serving
        listener.close()


Sent = Callable[[Door], Awaitable[int]]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (GET, 200),
        (b"GET /" + b"a" * 900 + b" HTTP/1.1\r\nHost: here\r\n\r\n", 200),
        (b"GET /" + b"a" * 2_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", 414),
        (b"GET /" + b"a" * 9_000, 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 21 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: here\r\nA: " + b"b" * 5_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: here\r\nA: " + b"b" * 6_000, 431),
        (b"GET / HTTP/1.1\r\nHost: here\r\n" + b"a" * 6_000, 431),
        (b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"b" * 900_000, 431),
        (b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 30, 431),
        (b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"e" * 900_000, 431),
        (b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 20000\r\n\r\n" + b"b" * 20_000, 200),
        (b"\x16\x03\x01 not HTTP\r\n\r\n", 400),
    ],
)
async def test_a_head_beyond_its_bounds_is_refused_and_a_long_body_is_none(sent: bytes, status: int):
    async with door() as ours:
        wire = await ours.open(sent)
        assert await wire.status() == status
        if status != 200:
            assert await wire.is_closed()


@pytest.mark.parametrize(
    ("begin", "drip", "status"),
    [
        (b"GET / HTTP/1.1\r\n", b"A", 408),
        (b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9000\r\n\r\nsome", b"", 408),
        (b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9000\r\n\r\nsome", b"b", 408),
        (GET + b"GET / HT", b"", 200),
    ],
)
async def test_what_comes_too_slowly_is_given_up(begin: bytes, drip: bytes, status: int):
    async with door() as ours:
        wire = await ours.open(begin)

        async def dripping() -> None:
            with suppress(ConnectionError):
                for _ in range(100):
                    wire.writer.write(drip)
                    await asyncio.sleep(0.05)

        task = asyncio.create_task(dripping())
        assert await wire.status() == status
        if status == 200:
            assert await wire.status() == 408, "the second request on the connection is under the same bounds"
        task.cancel()
        assert await wire.is_closed()


async def test_a_connection_that_says_nothing_is_closed_without_a_word():
    async with door() as ours:
        assert await (await ours.open()).is_closed()
        assert len(ours.crowd) == 0


async def test_an_answer_may_take_longer_than_a_head():
    async with door() as ours:
        assert await ours.status(GET.replace(b"/ ", b"/slow ")) == 200


async def test_an_answer_that_nobody_reads_is_given_up():
    async with door() as ours:
        wire = await ours.open(GET.replace(b"/ ", b"/large "))
        wire.writer.transport.pause_reading()
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not len(ours.crowd):
                break
        assert len(ours.crowd) == 0, "the connection is still open"


async def test_who_idles_makes_room_for_who_asks():
    async with door() as ours:
        idle = [await ours.open() for _ in range(60)]
        assert len(ours.crowd) <= LIMITS.connections_per_address
        assert await ours.status(GET) == 200
        assert await idle[0].is_closed()


async def test_an_address_whose_connections_are_all_in_use_gets_no_more_and_others_do():
    async with door() as ours:
        asking = GET.replace(b"/ ", b"/slow ")
        busy = [await ours.open(asking) for _ in range(LIMITS.connections_per_address)]
        await asyncio.sleep(0.1)
        assert await ours.status(GET) in (429, 0)
        other = await ours.open(GET, source="127.0.0.2")
        assert await other.status() == 200
        assert await asyncio.gather(*(each.status() for each in busy)) == [200] * len(busy)
