"""The audit log as its readers ask for it, and a recorder for what has no unit of work of its own."""

from sightline.server.accounts import audit
from sightline.server.accounts.records import AuditEvent, AuditQuery, AuditRow
from sightline.server.accounts.store import audit as store
from sightline.server.runtime.database import Database


class Audit:
    """Append-only. Inside a unit of work, call `accounts.audit.record` with its connection instead."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, *events: AuditEvent) -> None:
        """Append rows in a transaction of their own: before an act on another store, so that none goes unrecorded."""
        async with self._database.work() as work:
            await audit.record(work.connection, *events)

    async def page(self, query: AuditQuery) -> tuple[list[AuditRow], bool]:
        """A page, newest first, and whether there are more."""
        async with self._database.reading() as connection:
            rows = await store.page(connection, query)
        return rows[: query.limit], len(rows) > query.limit
