"""Outbound HTTP: the one place that opens connections to addresses which tenants or the network name (SSRF protection).

A name is resolved once, every address it has is checked, and one of these very addresses is connected to: a second
lookup could answer otherwise (DNS rebinding). Redirects are not followed, and what a tenant is told of a failure is a
status and a sentence of ours, never the body of an internal answer.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2

from sightline.server.runtime.errors import InvalidRequest, TooLarge, Unavailable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

CONNECT_TIMEOUT_S = 10.0
"""Seconds until a TCP connection must stand."""
SETTING = "SIGHTLINE_OUTBOUND_ALLOWED"
NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
"""A host name."""
GLOBAL_UNICAST = ip_network("2000::/3")
"""All of IPv6 that is routed in public."""
NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's own services, at an address that looks public.
        "192.0.0.0/24",  # Protocol assignments, among them a cloud's metadata service.
        "192.88.99.0/24",  # Relays of 6to4.
        "2001::/32",  # Teredo, which embeds an IPv4 address.
        "2001:db8::/32",
        "3fff::/20",  # Documentation, as the one before.
        "5f00::/16",  # Segment routing.
    )
)
"""What `ipaddress` takes for public and is not, or not in every version of Python."""
EMBEDDED = ((ip_network("64:ff9b::/96"), 0), (ip_network("2002::/16"), 80), (ip_network("::/96"), 0))
"""IPv6 networks that embed an IPv4 address (NAT64, 6to4, IPv4-compatible), and by how many bits it is shifted."""


class Blocked(InvalidRequest):
    """An address that a tenant may not reach from here."""


@dataclass(frozen=True)
class Target:
    """One entry of the allow-list: a name, an address or a network, and perhaps one port of it."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    @classmethod
    def read(cls, text: str) -> "Target":
        """InvalidRequest for what is none."""
        host, port = _split_port(text.lower())
        try:
            return cls(network=ip_network(host, strict=False), port=port)
        except ValueError:
            if not NAME.fullmatch(host) or not (port is None or 0 < port < 65_536):
                raise InvalidRequest(
                    f"{SETTING} has {text!r}: write a name, an address or a network, each with :port if you like, as "
                    "in minio.lan:9000, 127.0.0.1, 10.0.0.0/8"
                ) from None
            return cls(name=host, port=port)

    def holds(self, host: str, address: Address, port: int) -> bool:
        if self.port not in (None, port):
            return False
        return host == self.name if self.network is None else address in self.network


@dataclass(frozen=True)
class Answer:
    """What another server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def targets(setting: str) -> tuple[Target, ...]:
    """The allow-list as it is set, with commas."""
    return tuple(Target.read(each.strip()) for each in setting.split(",") if each.strip())


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[4][0]).partition("%")[0] for place in found]


@dataclass(frozen=True)
class Outbound:
    """Connections to addresses that tenants give: to public ones, and to internal ones that the operator allows."""

    allowed: Sequence[Target] = ()
    resolve: Resolve = field(default=_resolve, repr=False)

    async def addresses(self, host: str, port: int) -> list[str]:
        """What the name resolves to, all of it checked. Blocked, or Unavailable where it does not resolve."""
        name = host.lower().rstrip(".")
        found = [name] if _is_address(name) else await self._looked_up(name, port)
        if not found:
            raise Unavailable(f"{host} cannot be found: is the address right?")
        for each in found:
            self._check(name, ip_address(each), port)
        return found

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TCP connection to one of the checked addresses."""
        for address in await self.addresses(host, port):
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    return await asyncio.open_connection(address, port)
            except OSError:  # TimeoutError is one.
                continue
        raise Unavailable(f"{host}:{port} does not answer")

    async def fetch(self, request: httpx2.Request, *, most_bytes: int, within_s: float) -> Answer:
        """One answer, whatever its status, bounded in size and time. TooLarge, Blocked or Unavailable else."""
        host = request.url.host
        try:
            async with (
                asyncio.timeout(within_s),
                _client(transport=_Pinned(self)) as client,
                aclosing(await client.send(request, stream=True)) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > most_bytes:
                        raise TooLarge(f"the answer of {host} has more than {most_bytes:,} bytes")
                return Answer(response.status_code, dict(response.headers), bytes(body))
        except TimeoutError:
            raise Unavailable(f"{host} did not answer within {within_s:g} seconds") from None
        except httpx2.HTTPError as problem:
            raise Unavailable(f"{host} does not answer: {type(problem).__name__}") from problem

    async def _looked_up(self, name: str, port: int) -> list[str]:
        try:
            return list(dict.fromkeys(await self.resolve(name, port)))
        except (OSError, UnicodeError):
            return []

    def _check(self, host: str, address: Address, port: int) -> None:
        if is_public(address) or any(target.holds(host, address, port) for target in self.allowed):
            return
        raise Blocked(
            f"{host} is an internal address, which this server does not connect to: whoever runs it can allow it "
            f"with {SETTING}={host}:{port}"
        )


def is_public(address: Address) -> bool:
    """Whether anybody on the internet may be there: nothing private, local, reserved, or a cloud's metadata service."""
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in NOT_PUBLIC)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    for network, shift in EMBEDDED:
        if address in network:
            return IPv4Address((int(address) >> shift) & 0xFFFF_FFFF)
    return None


class _Pinned(httpx2.AsyncBaseTransport):
    """Connects to a checked address, with the name in `Host` and in TLS (SNI, certificate)."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        # No keep-alive: connections are pooled by address, and two names may share one.
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        problem: Exception | None = None
        for address in await self._outbound.addresses(host, port):
            pinned = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions | {"sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as unreachable:
                problem = unreachable
        raise problem or httpx2.ConnectError(f"{host} does not answer")

    async def aclose(self) -> None:
        await self._inner.aclose()


def _client(transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    timeout = httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S)  # `fetch` bounds the whole.
    return httpx2.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


def operators_client(
    *,
    timeout: httpx2.Timeout,
    transport: httpx2.AsyncBaseTransport | None = None,
    headers: Mapping[str, str] | None = None,
    base_url: str = "",
    auth: httpx2.Auth | None = None,
    redirects: bool = False,
) -> httpx2.AsyncClient:
    """A client for addresses that whoever runs the server gives it: those are not checked."""
    return httpx2.AsyncClient(
        base_url=base_url, headers=headers, timeout=timeout, transport=transport, auth=auth, follow_redirects=redirects
    )


def _split_port(text: str) -> tuple[str, int | None]:
    """`name:port`, `[v6]:port`, or without a port, where a bare IPv6 address has colons of its own."""
    host, colon, port = text.rpartition(":")
    bare = text.count(":") > 1 and not text.startswith("[")
    if not colon or bare or not port.isdecimal():
        return text.strip("[]"), None
    return host.strip("[]"), int(port)
