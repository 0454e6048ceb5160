"""ASGI middleware: who is asking and by what name, believed only from where the settings say.

A peer that is no listed proxy speaks for itself: its X-Forwarded-* headers are ignored.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sightline.server.edges.answers import refusal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HOST = re.compile(r"(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""A Host header: a name or an address, and perhaps a port (RFC 9110, without its rarer spellings)."""
SITE_BITS = 64
"""Prefix of an IPv6 address that one customer holds: the rest is theirs to choose, so it identifies nobody."""


class TrustedProxies:
    """Takes client and scheme from X-Forwarded-For and X-Forwarded-Proto where the peer is a listed proxy."""

    def __init__(self, app: ASGIApp, *, proxies: Sequence[str]) -> None:
        self._app = app
        self._networks: list[Network] = [ip_network(each) for each in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client") and self._is_proxy(scope["client"][0]):
            scope = {**scope, **self._forwarded(Headers(scope=scope))}
        await self._app(scope, receive, send)

    def _forwarded(self, headers: Headers) -> dict[str, object]:
        found: dict[str, object] = {}
        hops = [hop.strip() for line in headers.getlist("x-forwarded-for") for hop in line.split(",") if hop.strip()]
        # From the right: each proxy appends its peer, so what stands left of the first stranger is the stranger's word.
        client = next((hop for hop in reversed(hops) if not self._is_proxy(hop)), None)
        if client is not None and address_of(client) is not None:
            found["client"] = (client, 0)
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            found["scheme"] = scheme
        return found

    def _is_proxy(self, text: str) -> bool:
        address = address_of(text)
        return address is not None and any(address in network for network in self._networks)


class AllowedHosts:
    """Refuses a Host that is malformed or, where hosts are listed, not among them: addresses are built from it.

    A listed name admits any port; `*.example.org` admits every name below it.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._exact = {host.lower() for host in hosts if not host.startswith("*.")}
        self._below = tuple(host[1:].lower() for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            problem = self._problem(Headers(scope=scope).getlist("host"))
            if problem:
                await refusal(400, problem, "InvalidRequestError", path=scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _problem(self, given: list[str]) -> str | None:
        if not given and not self._exact and not self._below:
            return None  # HTTP/1.0: such a client reads no addresses.
        found = HOST.fullmatch(given[0]) if len(given) == 1 else None
        if found is None:
            return "the Host header is missing, doubled or malformed: send the server's name"
        name = found["name"].lower().rstrip(".")
        if (self._exact or self._below) and name not in self._exact and not name.endswith(self._below or ("\0",)):
            return f"the host {name!r} is not one of SIGHTLINE_ALLOWED_HOSTS: use a name of this server, or add it"
        return None


def client_key(address: str | None) -> str:
    """What a rate limit counts a client by: its IPv4 address, or the /64 of its IPv6 address."""
    found = address_of(address or "")
    if isinstance(found, IPv6Address):
        return str(ip_network((found, SITE_BITS), strict=False))
    return str(found) if found else address or "unknown"


def address_of(text: str) -> Address | None:
    """An address, also with a port or a zone; one that maps an IPv4 address is that address."""
    bare = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
