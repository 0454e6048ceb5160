"""The relational database: one SQLAlchemy engine, and units of work that commit at their end.

SQLite runs in WAL mode with foreign keys and `synchronous=FULL` (fsync on commit), so committed work survives a
crash. Writers of this process queue on a lock instead of polling for SQLite's busy timeout.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sightline.server.runtime.errors import Conflict, Unavailable

log = structlog.get_logger()

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process' write lock."""

RETRY_AFTER_S = 10
"""Seconds of Retry-After while the database cannot work."""
FAILING_SQLITE = frozenset(
    (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
    )
)
"""Primary result codes that speak of the file, the disk or the system, not of the statement."""
FAILING_STATES = ("08", "53", "57P", "58")
"""The same as SQLSTATE prefixes: connection, resources, shutdown, system."""

Connection = AsyncConnection
"""The connection of a unit of work; actions pass it on without importing SQLAlchemy."""


class Work:
    """A unit of work: one transaction, and its after-commit callbacks."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._after_commit: list[Callable[[], None]] = []

    def after_commit(self, act: Callable[[], None]) -> None:
        """Run `act` after the commit; never after a rollback."""
        self._after_commit.append(act)

    def committed(self) -> None:
        for act in self._after_commit:
            act()


class Database:
    """The engine behind every relational store."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(url)
        self._writing = asyncio.Lock()
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """A read-write transaction: committed at the end of the block, rolled back when it raises.

        Conflict on an IntegrityError: a concurrent writer won a race between check and write.
        """
        try:
            with told():
                async with self._writing, self.engine.execution_options(writes=True).connect() as connection:
                    work = Work(connection)
                    async with connection.begin():
                        yield work
        except IntegrityError as problem:
            raise Conflict("the same was written by somebody else just now: send it again") from problem
        work.committed()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A read-only connection on one snapshot (MVCC); readers never wait for a writer."""
        with told():
            async with self.engine.connect() as connection:
                yield connection

    async def ping(self) -> None:
        """Health check (SELECT 1). Unavailable names a database that does not answer, and why."""
        try:
            async with self.engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except (OSError, DBAPIError) as failure:
            where, why = self.engine.url.render_as_string(), _first_line(failure)
            raise Unavailable(
                f"the database {where} cannot be had ({why}): see that it runs and that SIGHTLINE_DATABASE_URL names it"
            ) from failure

    async def close(self) -> None:
        await self.engine.dispose()


@contextmanager
def told() -> Iterator[None]:
    """Unavailable (503) when the database's disk or system failed: full, unreadable, out of descriptors, shut down."""
    try:
        yield
    except DBAPIError as failure:
        if isinstance(failure, IntegrityError) or not is_failing(failure):
            raise
        log.error("the database failed", problem=_first_line(failure))
        raise Unavailable(
            f"the server's database cannot work just now ({_first_line(failure)}): nothing was stored, send it again; "
            "if it lasts, make room on its disk or run `sightline doctor`",
            retry_after_s=RETRY_AFTER_S,
        ) from failure


def is_failing(failure: DBAPIError) -> bool:
    """Whether it is the disk or the system that failed, and not the statement."""
    if failure.connection_invalidated:
        return True
    code = getattr(failure.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in FAILING_SQLITE
    return str(getattr(failure.orig, "sqlstate", None) or "").startswith(FAILING_STATES)


def _first_line(failure: BaseException) -> str:
    return str(getattr(failure, "orig", None) or failure).partition("\n")[0]


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """PRAGMAs of a new SQLite connection; the driver's implicit transactions are off."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    """BEGIN IMMEDIATE for writers: upgrading a read transaction to a write fails without waiting (SQLITE_BUSY)."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
