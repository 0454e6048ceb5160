"""Where the server connects to for its tenants, and where it does not."""

import ast
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest

from sightline.server.runtime.errors import InvalidRequest, TooLarge, Unavailable
from sightline.server.runtime.outbound import Blocked, Outbound, is_public, targets
from sightline.server.runtime.tunnel import Tunnel

SERVER = Path(__file__).parents[3] / "src/sightline/server"

INTERNAL = """
127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 169.254.170.2 100.64.0.1
100.100.100.200 192.0.0.192 198.18.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 168.63.129.16 192.0.2.1
203.0.113.1 ::1 :: fe80::1 fc00::1 fd00:ec2::254 fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
::ffff:169.254.169.254 ::ffff:100.100.100.200 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::1
2002:7f00:1:: 2002:a9fe:a9fe::1 2002:a00:1::1 2001::1 2001:db8::1 ::127.0.0.1 ::10.0.0.1 100::1 3fff::1 5f00::1 4000::1
""".split()
PUBLIC = """
1.1.1.1 8.8.8.8 52.95.110.1 100.63.0.1 100.128.0.1 172.32.0.1 2606:4700:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8
64:ff9b::808:808 2002:808:808::1
""".split()


@pytest.mark.parametrize("address", INTERNAL)
def test_an_internal_address_is_not_public_in_any_spelling(address: str):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is(address: str):
    assert is_public(ip_address(address))


class Names:
    """A resolver whose answers are given, and counted."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@pytest.mark.parametrize("address", [each for each in INTERNAL if each not in ("0.0.0.0", "::")])
async def test_a_name_with_one_internal_address_is_not_connected_to_at_all(address: str):
    with pytest.raises(Blocked, match="SIGHTLINE_OUTBOUND_ALLOWED=tenant"):
        await Outbound(resolve=Names(["8.8.8.8", address])).addresses("tenant.example", 443)


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f000001", "localhost", "LOCALHOST.", "0177.0.0.1"])
async def test_every_spelling_of_loopback_is_loopback(spelling: str):
    with pytest.raises((Blocked, Unavailable)):
        await Outbound().addresses(spelling, 80)


@pytest.mark.parametrize(
    ("allowed", "host", "address", "port"),
    [
        ("minio.lan", "minio.lan", "10.0.0.7", 9000),
        ("minio.lan:9000", "MinIO.lan.", "10.0.0.7", 9000),
        ("10.0.0.0/8", "whatever", "10.0.0.7", 443),
        ("a.example, 127.0.0.1:11434", "localhost", "127.0.0.1", 11434),
        ("[fd00::1]:80", "six.lan", "fd00::1", 80),
        ("fd00::/8", "six.lan", "fd00::1", 81),
    ],
)
async def test_what_the_operator_allows_is_reached(allowed: str, host: str, address: str, port: int):
    assert await Outbound(targets(allowed), Names([address])).addresses(host, port) == [address]


@pytest.mark.parametrize(
    ("allowed", "host", "address", "port"),
    [
        ("minio.lan:9000", "minio.lan", "10.0.0.7", 22),
        ("minio.lan", "evil.minio.lan", "10.0.0.7", 9000),
        ("minio.lan", "evil.example", "10.0.0.7", 9000),
        ("10.0.0.0/24", "x", "10.0.1.7", 443),
        ("127.0.0.1:11434", "localhost", "127.0.0.1", 5432),
    ],
)
async def test_and_nothing_beside_it(allowed: str, host: str, address: str, port: int):
    with pytest.raises(Blocked):
        await Outbound(targets(allowed), Names([address])).addresses(host, port)


@pytest.mark.parametrize("wrong", ["http://minio.lan", "10.0.0.0/99", "*.lan", "minio.lan:0", "a b", "minio.lan:99999"])
def test_a_setting_that_names_no_target_says_how_to(wrong: str):
    with pytest.raises(InvalidRequest, match="SIGHTLINE_OUTBOUND_ALLOWED has"):
        targets(wrong)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server on a port; at the end all of its connections are."""
    calls: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.add(asyncio.current_task())
        with suppress(OSError):
            await handler(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*calls)


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that reads a head, says the next of its answers and hangs up; its port, and the heads it was sent."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[min(len(heads), len(answers)) - 1])
        await writer.drain()

    async with serving(answer) as port:
        yield port, heads


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def local(*answers: Sequence[str]) -> tuple[Outbound, Names]:
    names = Names(*(answers or (["127.0.0.1"],)))
    return Outbound(targets("tenant.example"), names), names


def get(port: int, scheme: str = "http") -> httpx2.Request:
    return httpx2.Request("GET", f"{scheme}://tenant.example:{port}/path?q=1")


async def test_the_name_is_resolved_once_and_asked_for_at_the_address_that_was_checked():
    async with answering(OK) as (port, heads):
        outbound, names = local(["127.0.0.1"], ["127.0.0.99"])
        answer = await outbound.fetch(get(port), most_bytes=10, within_s=5)
    assert (answer.status, answer.body, names.asked) == (200, b"ok", ["tenant.example"])
    assert heads[0].startswith(b"GET /path?q=1 HTTP/1.1\r\n")
    assert f"host: tenant.example:{port}".encode() in heads[0].lower()


async def test_the_next_address_is_tried_where_the_first_does_not_answer():
    async with answering(OK) as (port, _):
        outbound, _ = local(["127.0.0.77", "127.0.0.1"])
        assert (await outbound.fetch(get(port), most_bytes=10, within_s=5)).status == 200


async def test_tls_is_spoken_under_the_name():
    said: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        said.append(await reader.read(2_000))

    async with serving(listen) as port:
        outbound, _ = local()
        with pytest.raises(Unavailable, match="does not answer"):
            await outbound.fetch(get(port, "https"), most_bytes=10, within_s=5)
    assert b"tenant.example" in said[0], "the name is in the ClientHello (SNI)"


async def test_a_redirect_is_an_answer_and_not_followed():
    async with answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n") as (
        port,
        heads,
    ):
        outbound, _ = local()
        answer = await outbound.fetch(get(port), most_bytes=10, within_s=5)
    assert (answer.status, answer.headers["location"], len(heads)) == (302, "http://127.0.0.1/", 1)


async def test_an_answer_is_bounded_in_size_and_in_time():
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000
    async with answering(endless) as (port, _):
        outbound, _ = local()
        with pytest.raises(TooLarge, match="more than 1,000 bytes"):
            await outbound.fetch(get(port), most_bytes=1_000, within_s=5)

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as port:
        with pytest.raises(Unavailable, match="did not answer within"):
            await outbound.fetch(get(port), most_bytes=10, within_s=0.2)


async def through(tunnel: Tunnel, request: bytes, *, token: bool = True) -> bytes:
    url = httpx2.URL(tunnel.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    proof = httpx2.BasicAuth(url.username, url.password)._auth_header if token else "Basic x"
    writer.write(request.replace(b"\r\n", f"\r\nProxy-Authorization: {proof}\r\n".encode(), 1))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_client_of_another_make_goes_through_the_same_door():
    async with answering(OK) as (port, heads), Tunnel(local()[0]) as tunnel:
        asked = f"PUT http://tenant.example:{port}/a?b=c HTTP/1.1\r\nHost: tenant.example\r\n\r\n".encode()
        assert (await through(tunnel, asked)).endswith(b"ok")
        connect = f"CONNECT tenant.example:{port} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode()
        answer = await through(tunnel, connect)
        assert answer.startswith(b"HTTP/1.1 200 Connection established")
        assert answer.endswith(b"ok")
        assert (await through(tunnel, asked, token=False)).startswith(b"HTTP/1.1 407")
    assert len(heads) == 2
    assert heads[0].startswith(b"PUT /a?b=c HTTP/1.1\r\n")
    assert b"proxy-authorization" not in heads[0].lower()


async def test_the_tunnel_leads_nowhere_else():
    async with answering(OK) as (port, heads), Tunnel(Outbound()) as tunnel:
        for asked in (f"CONNECT 127.0.0.1:{port} HTTP/1.1", f"GET http://localhost:{port}/ HTTP/1.1"):
            assert (await through(tunnel, f"{asked}\r\nHost: x\r\n\r\n".encode())).startswith(b"HTTP/1.1 403")
            assert "internal address" in tunnel.refusal.message
    assert heads == []


MAKERS = {
    "httpx2": ("AsyncClient", "Client", "get", "post", "put", "request", "stream", "AsyncHTTPTransport"),
    "asyncio": ("open_connection",),
    "socket": ("create_connection",),
    "obstore.store": ("S3Store", "AzureStore", "GCSStore", "HTTPStore", "from_url"),
}
"""What opens connections, by the module that has it."""
NEVER = ("urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3")
MADE_AT = {
    "runtime/outbound.py": "the one door",
    "edges/mcp/tools.py": "calls the application itself, in process",
    "exports/destinations.py": "connects through the tunnel",
    "runtime/blobs.py": "the store that whoever runs the server names",
}


def test_nobody_else_makes_a_client_of_their_own():
    found = {
        str(path.relative_to(SERVER)) for path in SERVER.rglob("*.py") if _makes_clients(ast.parse(path.read_text()))
    }
    assert found == set(MADE_AT)


def _makes_clients(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(alias.name in NEVER for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom):
            named = [alias.name for alias in node.names]
            if node.module in NEVER or any(name in MAKERS.get(node.module or "", ()) for name in named):
                return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if node.func.attr in MAKERS.get(owner, ()):
                return True
    return False
