"""Leases (distributed locks with expiry): of several processes on one database, one runs a background job at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from sqlalchemy import ColumnElement, Table, delete, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.ids import new_id

LEASE = timedelta(minutes=5)
"""Expiry of a lease: when its holder crashes, the others wait no longer than this."""


class Leases:
    """The leases this process takes; `table` has `name`, `holder`, `until`."""

    def __init__(self, database: Database, table: Table, *, lasts: timedelta = LEASE) -> None:
        self._database = database
        self._table = table
        self._lasts = lasts
        self._holder = new_id()

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        """Try to acquire the lease: True if this process holds it within the block. Renewed until the block ends."""
        if not await self._take(name):
            yield False
            return
        renewing = asyncio.create_task(self._renew(name), name=f"lease {name}")
        try:
            yield True
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            await self._give_back(name)

    async def taken(self, name: str) -> bool:
        """Whether anybody holds it now."""
        held = not_(self._is_free())
        query = select(self._table.c.until).where(self._table.c.name == name, held)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).first() is not None

    def _is_free(self) -> ColumnElement[bool]:
        """Expired, or valid for longer than any lease is: a clock that was ahead gave it."""
        until = self._table.c.until
        return or_(until <= now(), until > now() + 2 * self._lasts)

    async def _take(self, name: str) -> bool:
        columns = self._table.c
        values = {"holder": self._holder, "until": now() + self._lasts}
        try:
            async with self._database.work() as work:
                free = update(self._table).where(columns.name == name, self._is_free()).values(values)
                if (await work.connection.execute(free)).rowcount:
                    return True
                known = await work.connection.execute(select(columns.name).where(columns.name == name))
                if known.first():
                    return False
                await work.connection.execute(insert(self._table).values(name=name, **values))
        except IntegrityError:
            return False  # Another process won the race.
        return True

    async def _renew(self, name: str) -> None:
        while True:
            await asyncio.sleep(self._lasts.total_seconds() / 3)
            async with self._database.work() as work:
                mine = self._table.c.name == name, self._table.c.holder == self._holder
                await work.connection.execute(update(self._table).where(*mine).values(until=now() + self._lasts))

    async def _give_back(self, name: str) -> None:
        async with self._database.work() as work:
            mine = self._table.c.name == name, self._table.c.holder == self._holder
            await work.connection.execute(delete(self._table).where(*mine))
