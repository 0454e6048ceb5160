"""The door on this machine: not for other web pages, and not for connections that say nothing."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import httpx2
import pytest
import uvicorn

from sightline.vlm.endpoint import create_app
from sightline.vlm.endpoint.bounds import HEAD_BYTES, BoundedProtocol, is_local


async def status(headers: dict[str, str], key: str | None = None, method: str = "GET") -> int:
    transport = httpx2.ASGITransport(app=create_app({}, key))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8100") as client:
        bearer = {"Authorization": f"Bearer {key}"} if key else {}
        path = "/v1/models" if method == "GET" else "/v1/chat/completions"
        answer = await client.request(
            method, path, headers=headers | bearer, content=b"{}" if method == "POST" else None
        )
        return answer.status_code


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"Host": "localhost:8100"}, False),
        ({"Host": "[::1]:8100"}, False),
        ({"Host": "127.0.0.1:8100", "Origin": "http://127.0.0.1:8100"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Host": "rebound.example:8100"}, True),
        ({"Host": "127.0.0.1.example"}, True),
        ({"Host": "[::ffff"}, True),
        ({"Host": ""}, True),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://127.0.0.1:9999"}, True),
        ({"Host": "rebound.example", "Origin": "http://rebound.example"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_other_pages_and_other_names_are_refused(headers: dict[str, str], refused: bool, method: str) -> None:
    assert (await status(headers, method=method) == 403) == refused


async def test_with_a_key_any_name_will_do_and_other_pages_still_may_not() -> None:
    assert await status({"Host": "models.example"}, "k") == 200
    assert await status({"Host": "models.example", "Origin": "https://evil.example"}, "k") == 403


def test_what_is_this_machine() -> None:
    assert all(is_local(host) for host in ("localhost", "LOCALHOST:1", "app.localhost", "127.8.8.8", "[::1]"))
    assert not any(is_local(host) for host in ("", "10.0.0.1", "localhost.example", "0.0.0.0", "a b", "::1"))


async def spoken(sent: bytes, drip: bytes = b"") -> bytes:
    """What a raw connection hears until it is closed."""
    quick = type("Quick", (BoundedProtocol,), {"head_s": 0.4, "silence_s": 0.4})
    config = uvicorn.Config(
        create_app({}),
        http=quick,
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES,
        access_log=False,
        log_level="critical",
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        return await _heard(reader, writer, sent, drip)
    finally:
        server.should_exit = server.force_exit = True
        await serving
        listener.close()


async def _heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes, drip: bytes) -> bytes:
    async def send() -> Any:
        with suppress(ConnectionError):
            writer.write(sent)
            for _ in range(100 if drip else 0):
                await asyncio.sleep(0.05)
                writer.write(drip)

    task = asyncio.create_task(send())
    heard = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(8):
            while block := await reader.read(1000):
                heard += block
    task.cancel()
    writer.transport.abort()
    await asyncio.sleep(0)
    return heard


async def test_a_head_is_bounded_in_size_and_in_time_and_a_body_in_silence() -> None:
    assert b" 200 " not in await spoken(
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: " + b"b" * HEAD_BYTES * 2 + b"\r\n\r\n"
    )
    assert await spoken(b"GET / HTTP/1.1\r\n", drip=b"A") == b""
    assert await spoken(b"") == b""
    post = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{"
    assert b" 200 " not in await spoken(post)
    assert b" 404 " in await spoken(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
