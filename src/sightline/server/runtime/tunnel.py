"""A forward proxy on loopback for HTTP clients that are not ours: what they connect to goes through `Outbound`.

obstore has a client of its own, which resolves names by itself and takes no address in place of one. Behind this proxy
it has none to resolve: `CONNECT` for TLS, absolute-form requests for the rest. Only who knows the token may use it.
"""

import asyncio
import base64
import hmac
import secrets
from contextlib import suppress
from urllib.parse import urlsplit

from sightline.server.runtime.errors import SightlineError
from sightline.server.runtime.outbound import Outbound

HEAD_BYTES = 64 * 1024
"""Limit of a request's head."""
MOST_ANSWERED_BYTES = 16 * 1024 * 1024
"""Limit of what comes back over one connection: uploads have short answers, and errors are held in memory."""
BLOCK_BYTES = 64 * 1024
"""Read buffer."""
SILENCE_S = 60.0
"""Longest time without a byte in either direction."""
FLUSHED_S = 5.0
"""Longest time for the last bytes to be read."""
HOP_BY_HOP = ("proxy-authorization", "proxy-connection", "connection", "keep-alive")
"""Headers that are for the proxy and not for whom it connects to."""


class Tunnel:
    """Open within an `async with`."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._token = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self.refusal: SightlineError | None = None
        """Why the last target was not connected to: the client hears of a failed connection only."""

    async def __aenter__(self) -> "Tunnel":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_BYTES)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    @property
    def url(self) -> str:
        """For the client's proxy setting."""
        if self._server is None:
            raise RuntimeError("the tunnel is not open")
        port = self._server.sockets[0].getsockname()[1]
        return f"http://tunnel:{self._token}@127.0.0.1:{port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                await self._through(reader, writer)
        finally:
            await _gone(writer)

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(SILENCE_S):
            head = await reader.readuntil(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = request.split(" ")
        headers = [line.partition(":")[::2] for line in lines if line]
        if not self._may({name.lower(): value.strip() for name, value in headers}):
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        try:
            there = await self._outbound.connect(url.hostname or "", url.port or 80)
        except SightlineError as refusal:
            self.refusal = refusal
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
            kept = [f"{name}:{value}" for name, value in headers if name.lower() not in HOP_BY_HOP]
            # One request a connection: the next one may be for another host.
            asked = [f"{method} {path} {version}", *kept, "Connection: close", "", ""]
            there[1].write("\r\n".join(asked).encode("latin-1"))
        await _joined((reader, writer), there)

    def _may(self, headers: dict[str, str]) -> bool:
        wanted = "Basic " + base64.b64encode(f"tunnel:{self._token}".encode()).decode()
        return hmac.compare_digest(headers.get("proxy-authorization", "").encode(), wanted.encode())


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _joined(here: Ends, there: Ends) -> None:
    """Copy both ways until the other server has answered, or either goes away."""
    upload = asyncio.create_task(_copied(here[0], there[1], None))
    try:
        await _copied(there[0], here[1], MOST_ANSWERED_BYTES)
    finally:
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)
        await _gone(there[1])


async def _gone(writer: asyncio.StreamWriter) -> None:
    """Flush and close, or let go of an end that does not read."""
    writer.close()
    try:
        with suppress(OSError):
            async with asyncio.timeout(FLUSHED_S):
                await writer.wait_closed()
    finally:
        writer.transport.abort()


async def _copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter, most_bytes: int | None) -> None:
    size = 0
    with suppress(OSError):
        while True:
            async with asyncio.timeout(SILENCE_S):
                block = await source.read(BLOCK_BYTES)
            if not block:
                break
            size += len(block)
            if most_bytes is not None and size > most_bytes:
                break
            sink.write(block)
            async with asyncio.timeout(SILENCE_S):
                await sink.drain()
