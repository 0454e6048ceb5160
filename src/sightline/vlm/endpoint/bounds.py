"""Who may call by way of a browser, and for how long a connection may say nothing.

The endpoint on this machine has no key, and any web page can send a request to this machine: `Origin` tells those, and
`Host` those whose name was pointed here (DNS rebinding).
"""

import asyncio
from ipaddress import ip_address
from urllib.parse import urlsplit

import h11
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sightline.vlm.endpoint.wire import error_body

HEAD_BYTES = 64 * 1024
"""Limit of a request's head."""
HEAD_S = 15.0
"""Time in which a head must be whole."""
SILENCE_S = 30.0
"""Longest time without a byte of a body that is being sent."""
CONNECTIONS = 256
"""Limit of open connections; beyond it requests are answered 503."""
LOOK_EVERY_S = 1.0
"""Resolution of the two times."""


class SamePlace:
    """Refuses what comes from other web pages and, with `local_only`, under a name that is not this machine's."""

    def __init__(self, app: ASGIApp, *, local_only: bool) -> None:
        self._app = app
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(Headers(scope=scope)) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
            return
        answer = JSONResponse(error_body(problem, "invalid_request_error", "forbidden"), 403)
        await answer(scope, receive, send)

    def _problem(self, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if self._local_only and not is_local(host):
            return (
                f"Host {host[:100]!r} is not a name of this machine: call 127.0.0.1 or localhost, or set "
                "SIGHTLINE_ENDPOINT_KEY to serve under other names"
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return f"the request comes from a page of another site (Origin: {origin[:100]})"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "the request comes from a page of another site (Sec-Fetch-Site)"
        return None


def is_local(host: str) -> bool:
    """Whether a `Host` header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, which bounds the size of a head (`h11_max_incomplete_event_size`), with bounds on time."""

    head_s = HEAD_S
    silence_s = SILENCE_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head = True
        self._begun = self._heard = self.loop.time()
        self._watch = self.loop.call_later(self._look_every_s(), self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        if not self._in_head:
            self._begun = self._heard
        super().data_received(data)
        self._in_head = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])

    def _look_every_s(self) -> float:
        return min(LOOK_EVERY_S, self.head_s / 4, self.silence_s / 4)

    def _look(self) -> None:
        now = self.loop.time()
        in_body = self.conn.their_state is h11.SEND_BODY
        if self.flow.read_paused:  # The model is slow, not the client.
            self._heard = now
        late = self._in_head and now - self._begun > self.head_s
        if late or (in_body and now - self._heard > self.silence_s):
            self.transport.close()
        self._watch = self.loop.call_later(self._look_every_s(), self._look)
