"""PostgreSQL, Redis and a ClickHouse server of the tests' own, on loopback, as long as a session of tests lasts.

The first two are Debian's. The ClickHouse server is the library of an npm package, run as a process that listens on
HTTP: test equipment, never part of the product. `scripts/cluster.sh` brings all three.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / ".cache/clickhouse/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
SERVE = """
SYSTEM START LISTEN HTTP;
SELECT sleepEachRow(3) FROM numbers(1000000)
SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null
"""
CLICKHOUSE = """
import ctypes, sys
arguments = [each.encode() for each in ("clickhouse", *sys.argv[2:])]
library = ctypes.CDLL(sys.argv[1])
library.query_stable_v2(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments))
"""
PATIENCE_S = 60


@dataclass(frozen=True)
class Place:
    """Where a server under test keeps what it stores, as its settings want it."""

    database: str
    observations: str
    buses: tuple[str, ...] = ()
    """Over which several servers could tell each other what is new."""


def embedded_in(folder: Path) -> Place:
    """SQLite and the embedded engine in a folder."""
    return Place(f"sqlite+aiosqlite:///{folder}/sightline.db", str(folder / "observations"))


@dataclass
class Cluster:
    """The running servers; `place()` gives databases of their own on them."""

    postgres_port: int
    clickhouse_port: int
    redis_port: int
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Cluster"]:
        """The servers, stopped at the end."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
            folder.chmod(0o755)
            yield cls(
                stack.enter_context(_postgres(folder / "postgres")),
                stack.enter_context(_clickhouse(folder / "clickhouse")),
                stack.enter_context(_redis()),
            )

    def place(self) -> Place:
        """Databases nobody used before."""
        name = f"test_{next(self._numbers)}"
        _run(POSTGRES[-1] / "createdb", "-h", "127.0.0.1", "-p", str(self.postgres_port), "-U", "postgres", name)
        database = f"postgresql+asyncpg://postgres@127.0.0.1:{self.postgres_port}/{name}"
        buses = (database, f"redis://127.0.0.1:{self.redis_port}")
        return Place(database, f"clickhouse://127.0.0.1:{self.clickhouse_port}/{name}", buses)


@contextmanager
def _postgres(folder: Path) -> Iterator[int]:
    port = _free_port()
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    _run(POSTGRES[-1] / "initdb", "-D", str(folder), "-A", "trust", "-U", "postgres", "--no-sync", unprivileged=True)
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "max_connections=200"]
    with _process([str(POSTGRES[-1] / "postgres"), "-D", str(folder), *options], signal.SIGINT, unprivileged=True):
        _wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
        yield port


@contextmanager
def _clickhouse(folder: Path) -> Iterator[int]:
    port = _free_port()
    options = [f"--path={folder}", "--listen_host=127.0.0.1", f"--http_port={port}", f"--query={SERVE}"]
    with _process([sys.executable, "-c", CLICKHOUSE, str(LIBRARY), *options], signal.SIGKILL):
        _wait_for(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1).close())
        yield port


@contextmanager
def _redis() -> Iterator[int]:
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with _process(["redis-server", *options], signal.SIGTERM):
        _wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
        yield port


@contextmanager
def _process(command: list[str], end: signal.Signals, *, unprivileged: bool = False) -> Iterator[None]:
    """A process of our own, ended by its id."""
    with subprocess.Popen(
        _as_user(command, unprivileged), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.send_signal(end)
            process.wait(PATIENCE_S)


def _run(program: Path, *arguments: str, unprivileged: bool = False) -> None:
    command = _as_user([str(program), *arguments], unprivileged)
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)


def _as_user(command: list[str], unprivileged: bool) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if not unprivileged or os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


def _wait_for(act: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            act()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
