"""Row versions: a hybrid logical clock, wall time in nanoseconds that never goes back, whatever the clock does.

Last write wins by version. A clock that was set back, over a restart too, or that differs between processes would
otherwise hide later writes behind earlier ones until real time catches up.
"""

from datetime import UTC, datetime

from sqlalchemy import Table, case, insert, update
from sqlalchemy.exc import IntegrityError

from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Conflict

STEP = 1_000
"""Gap between two takes: what the server derives from a row is written at its version + 1, + 2, …"""
AHEAD_NS = 100_000_000
"""So far ahead of the wall clock the last version is of a clock that was set back."""
SEQUENCE = "rows"
"""Name of the sequence that processes share."""


class Versions:
    """Versions of one process or, with `database`, of all processes on it: then each take is a statement there.

    `table` has `name` and `high`.
    """

    def __init__(self, table: Table, database: Database | None = None) -> None:
        self._table = table
        self._database = database
        self._last = 0

    async def open(self, high_water: int) -> None:
        """Go on after the highest version that is stored: over a restart the clock may have been set back."""
        self._last = max(self._last, high_water)

    @property
    def may_be_ahead(self) -> bool:
        """Whether a stored time may lie in the future: the clock went back, or other processes have clocks too."""
        return self._database is not None or self._last > wall_ns() + AHEAD_NS

    async def take(self, count: int) -> int:
        """The first of `count` consecutive versions, all higher than any before."""
        if not count:
            return self._last
        lowest = max(wall_ns(), self._last + STEP)
        first = lowest if self._database is None else await self._shared(self._database, lowest, count)
        self._last = first + count - 1
        return first

    async def _shared(self, database: Database, lowest: int, count: int) -> int:
        try:
            return await self._advance(database, lowest, count)
        except (Conflict, IntegrityError):  # Another process made the sequence just now.
            return await self._advance(database, lowest, count)

    async def _advance(self, database: Database, lowest: int, count: int) -> int:
        high = self._table.c.high
        following = case((high + STEP > lowest, high + STEP), else_=lowest) + (count - 1)
        raised = update(self._table).where(self._table.c.name == SEQUENCE).values(high=following).returning(high)
        async with database.work() as work:
            row = (await work.connection.execute(raised)).first()
            if row is None:
                await work.connection.execute(insert(self._table).values(name=SEQUENCE, high=lowest + count - 1))
        return lowest if row is None else int(row[0]) - count + 1


def wall_ns() -> int:
    """The wall clock in nanoseconds since 1970, exact to the microsecond."""
    since = now() - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
