"""The relational store: one SQLAlchemy engine, and units of work that commit at their end.

SQLite runs in write-ahead mode with foreign keys on and a full sync, so what a unit of work committed survives a
crash. Writers of this process queue on a lock instead of on SQLite's busy timeout.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sightline.server.runtime.errors import Conflict, Unavailable

BUSY_TIMEOUT_MS = 10_000

Connection = AsyncConnection
"""What stores are handed; actions pass it on without knowing what it is."""


class Work:
    """One transaction: its connection, and what is to happen once it is committed."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._after_commit: list[Callable[[], None]] = []

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call `act` when the transaction is committed; never when it is rolled back."""
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

        Conflict when a constraint of the schema says that another process wrote the same between a look and a write.
        """
        try:
            async with self._writing, self.engine.execution_options(writes=True).connect() as connection:
                work = Work(connection)
                async with connection.begin():
                    yield work
        except IntegrityError as problem:
            raise Conflict("the same was written by somebody else just now: send it again") from problem
        work.committed()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads, on one snapshot; never waits for a writer."""
        async with self.engine.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """Ask for nothing; `Unavailable` names a database that cannot be had, and why."""
        try:
            async with self.engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except (OSError, DBAPIError) as failure:
            why = str(getattr(failure, "orig", None) or failure).partition("\n")[0]
            raise Unavailable(
                f"the database {self.engine.url.render_as_string()} cannot be had ({why}): see that it runs and that "
                "SIGHTLINE_DATABASE_URL names it"
            ) from failure

    async def close(self) -> None:
        await self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Settings of a fresh SQLite connection; the driver must not open transactions by itself."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    """Writers take the write lock at once: a read that later turns into a write could not wait for it."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
