"""A ClickHouse server as the analytics engine, over HTTP; several Sightline processes may share it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from sightline.server.runtime.errors import SightlineError, Unavailable
from sightline.server.runtime.observations import engine
from sightline.server.runtime.observations.engine import not_stored, plain_name, rows_of, translated

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

READERS = 8
"""Threads that run queries."""
PORTS = {"clickhouse": 8123, "clickhouses": 8443}
"""By scheme; the second is encrypted."""
RETRY_AFTER_S = 5
"""Seconds of Retry-After while the server does not answer."""
T = TypeVar("T")


class ClickHouseEngine:
    """The database named in `clickhouse://user:password@host:port/database` (`clickhouses` over TLS)."""

    is_shared = True
    """Other server processes may write to the same database."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is not clickhouse://user:password@host:port/database")
        self.database = plain_name(parts.path.strip("/") or "sightline")
        self.address = f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"
        self._place: dict[str, Any] = {
            "host": parts.hostname,
            "port": parts.port or PORTS[parts.scheme],
            "secure": parts.scheme == "clickhouses",
            "username": unquote(parts.username or "default"),
            "password": unquote(parts.password or ""),
        }
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="observations-reader")
        self._connected: Client | None = None

    async def open(self) -> None:
        """Connect, and create the database where it is missing; `Unavailable` names a server that does not answer."""
        await self._in_reader(self._create_database)

    async def close(self) -> None:
        await asyncio.to_thread(self._readers.shutdown, cancel_futures=True)
        if self._connected:
            self._connected.close()
            self._connected = None

    async def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return rows_of(await self._in_reader(lambda: self._client.raw_query(sql, _bound(params), fmt="JSONEachRow")))

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        await self._in_reader(lambda: self._client.command(sql, _bound(params)))

    def insert(self, table: str, lines: Iterable[bytes]) -> None:
        block = b"\n".join(lines)
        self._asked(lambda: self._client.raw_insert(table, insert_block=block, fmt="JSONEachRow"), not_stored)

    @property
    def _client(self) -> "Client":
        if self._connected is None:
            raise Unavailable(f"the ClickHouse server at {self.address} is not connected: open the engine first")
        return self._connected

    async def _in_reader(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._asked, act)

    def _asked(self, act: Callable[[], T], refused: Callable[[Exception], SightlineError] = translated) -> T:
        from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError  # late: see _create_database

        try:
            return act()
        except OperationalError as failure:
            raise Unavailable(
                f"the ClickHouse server at {self.address} does not answer ({failure}): see that it runs, and that "
                "SIGHTLINE_OBSERVATIONS_URL names it",
                retry_after_s=RETRY_AFTER_S,
            ) from failure
        except DatabaseError as failure:
            raise refused(failure) from failure

    def _create_database(self) -> None:
        # Only an installation that uses a server pays for importing the client.
        from clickhouse_connect import get_client

        options: dict[str, Any] = {
            **self._place,
            "settings": {**engine.SESSION_SETTINGS, "fsync_metadata": 1},
            # One client serves all threads: without a session there is no state between statements.
            "autogenerate_session_id": False,
            # Parameters travel in the body: a list of ids outgrows an address.
            "form_encode_query_params": True,
        }
        with get_client(**options, database="default") as first:
            first.command(f"CREATE DATABASE IF NOT EXISTS {self.database}")
        self._connected = get_client(**options, database=self.database)


def _bound(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Parameters as the client binds them: truth values as numbers, every sequence as an array."""
    return {name: _plain(value) for name, value in (params or {}).items()}


def _plain(value: Any) -> Any:
    match value:
        case bool():
            return int(value)
        case tuple():
            return list(value)
        case _:
            return value
