"""Bounds on HTTP connections, below the application: heads, time, silence, connections per address.

uvicorn's protocol bounds none of them: a head of 300 MB is held in memory, half a head or body for ever.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Literal

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sightline.server.edges.answers import ERRORS_BY_STATUS
from sightline.server.edges.proxies import Network, address_of, client_key

Phase = Literal["head", "body", "answer"]

LOOK_EVERY_S = 1.0
"""Resolution of the timeouts: a timer per connection, rather than one per read."""
LINGER_S = 2.0
"""How long a refused connection is drained: closing at once would reset it before the client has read why."""
SLOWEST_BYTES_PER_S = 500
"""Lowest average rate of a body, which must not be a byte a minute (slowloris)."""


@dataclass(frozen=True, kw_only=True)
class HttpLimits:
    """All of them hold for a single connection, but the last three."""

    head_bytes: int = 64 * 1024
    """Of all header lines together, trailers included."""
    request_line_bytes: int = 32 * 1024
    headers: int = 100
    head_s: float = 15.0
    """From the first byte, or from connecting, to the end of the head."""
    silence_s: float = 30.0
    """Without a byte of the body, or with an answer that is not read."""
    connections: int = 4096
    connections_per_address: int = 512
    uncounted: Sequence[Network] = ()
    """Proxies in front: their addresses stand for many clients."""


class Crowd:
    """Open connections. Where one too many arrives, the one that has idled longest is closed (LRU eviction)."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._all: dict[BoundedHttp, str] = {}
        """In order of their last request, with their address."""
        self._by_address: dict[str, dict[BoundedHttp, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, connection: "BoundedHttp") -> bool:
        """Count it; False when there is no room and nobody idles."""
        address = self._address(connection)
        mine = self._by_address.get(address, {})
        full = (
            (mine, self._limits.connections_per_address) if address else ({}, 1),
            (self._all, self._limits.connections),
        )
        if not all(len(held) < most or self._evict(held) for held, most in full):
            return False
        self._all[connection] = address
        self._by_address.setdefault(address, {})[connection] = None
        return True

    def renew(self, connection: "BoundedHttp") -> None:
        """It begins a request: it is the last to be evicted."""
        if connection in self._all:
            address = self._all[connection] = self._all.pop(connection)
            self._by_address[address][connection] = self._by_address[address].pop(connection)

    def leave(self, connection: "BoundedHttp") -> None:
        address = self._all.pop(connection, None)
        if address is None:
            return
        mine = self._by_address[address]
        del mine[connection]
        if not mine:
            del self._by_address[address]

    def _evict(self, held: dict["BoundedHttp", Any]) -> bool:
        idle = next((each for each in held if each.idles), None)
        if idle is None:
            return False
        self.leave(idle)
        idle.transport.close()
        return True

    def _address(self, connection: "BoundedHttp") -> str:
        """What is counted together; empty for what is not counted."""
        address = address_of(connection.client[0]) if connection.client else None
        if address is None or any(address in network for network in self._limits.uncounted):
            return ""
        return client_key(str(address))


class TooMuch(Exception):  # noqa: N818 - named for what it says
    """Ends the parse of a head; uvicorn's protocol then answers with what was found."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol with `limits`. Made by `bounded`."""

    limits: ClassVar[HttpLimits]
    crowd: ClassVar[Crowd]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._phase: Phase = "head"
        self._since = self._heard_at = self.loop.time()
        self._stalled_since: float | None = None
        self._closing_since: float | None = None
        self._refused_at: float | None = None
        self._fault = (400, "this is no HTTP request")
        self._unread = self._head_size = self._body_size = 0
        self._watch = self.loop.call_later(self._look_every_s(), self._look)
        if not self.crowd.enter(self):
            self._refuse(429, "too many connections are open from this address: use them again, or close some")
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        self.crowd.leave(self)
        super().connection_lost(exc)

    @property
    def idles(self) -> bool:
        """Whether no request is being read or answered: it waits for a head, or for the rest of one."""
        return self._phase != "body" and (self.cycle is None or self.cycle.response_complete)

    def data_received(self, data: bytes) -> None:
        if self._refused_at is not None:
            return  # Drained, see `LINGER_S`.
        self._heard_at = self.loop.time()
        if self._phase == "answer":
            self._phase, self._since = "head", self._heard_at
        self._unread += len(data)
        super().data_received(data)
        if self._unread > self.limits.head_bytes + self.limits.request_line_bytes and self._refused_at is None:
            self._refuse(431, self._head_too_large())

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser fails, as it does where a callback raises."""
        del msg  # The same for every failure.
        self._refuse(*self._fault)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase, self._since, self._unread = "head", self._heard_at, max(1, self._unread)
        self._head_size = self._body_size = 0
        self.crowd.renew(self)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        most = self.limits.request_line_bytes
        if len(self.url) > most:
            self._give_up(414, f"the address has more than {most:,} bytes: ask in a shorter one")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_size += len(name) + len(value) + len(b": \r\n")
        if self._head_size > self.limits.head_bytes:
            self._give_up(431, self._head_too_large())
        if len(self.headers) > self.limits.headers:
            self._give_up(431, f"the request has more than {self.limits.headers} headers: send fewer")

    def on_headers_complete(self) -> None:
        self._phase, self._since, self._unread = "body", self._heard_at, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._phase, self._unread = "answer", 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = None
        super().resume_writing()

    def _look_every_s(self) -> float:
        return min(LOOK_EVERY_S, self.limits.head_s / 4, self.limits.silence_s / 4)

    def _look(self) -> None:
        """Close what took too long; a refused connection, at the end of its linger."""
        at = self.loop.time()
        if self.flow.read_paused:  # We are slow ourselves (backpressure), not the client.
            self._since, self._heard_at = self._since + self._look_every_s(), at
        if self.transport.is_closing() and self._closing_since is None:
            self._closing_since = at
        if self._is_over(at):
            self.transport.abort()
        elif self._refused_at is None and self._closing_since is None and (problem := self._overdue(at)):
            self._refuse(408, problem)
        self._watch = self.loop.call_later(self._look_every_s(), self._look)

    def _is_over(self, at: float) -> bool:
        """Whether to wait no longer for the client to read its answer."""
        unread_since = self._stalled_since or self._closing_since
        silent = unread_since is not None and at - unread_since > self.limits.silence_s
        return silent or (self._refused_at is not None and at - self._refused_at > LINGER_S)

    def _overdue(self, at: float) -> str | None:
        limits = self.limits
        if self._phase == "head" and self.idles and at - self._since > limits.head_s:
            return f"the head of the request was not whole after {limits.head_s:g} seconds"
        if self._phase != "body":
            return None
        if at - self._heard_at > limits.silence_s:
            return f"nothing of the body came for {limits.silence_s:g} seconds"
        if at - self._since > limits.silence_s + self._body_size / SLOWEST_BYTES_PER_S:
            return f"the body came more slowly than {SLOWEST_BYTES_PER_S} bytes a second"
        return None

    def _head_too_large(self) -> str:
        return f"the headers have more than {self.limits.head_bytes:,} bytes: send fewer or shorter ones"

    def _give_up(self, status: int, problem: str) -> None:
        self._fault = (status, problem)
        raise TooMuch

    def _refuse(self, status: int, problem: str) -> None:
        """Answer if nothing was answered yet, and close."""
        self._refused_at = self.loop.time()
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and self.cycle.response_started:
            self.transport.abort()
            return
        if not answering and status == 408 and not self._unread:
            self.transport.close()  # Nothing was asked: browsers open connections in advance.
            return
        self.transport.write(_answer(status, problem))
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _answer(status: int, problem: str) -> bytes:
    body = orjson.dumps({"message": problem, "error": ERRORS_BY_STATUS.get(status, "HTTPError")})
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def bounded(limits: HttpLimits) -> type[BoundedHttp]:
    """The protocol of one server, as uvicorn wants it: a class."""
    return type("BoundedHttp", (BoundedHttp,), {"limits": limits, "crowd": Crowd(limits)})
