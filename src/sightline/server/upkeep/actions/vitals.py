"""Health checks beyond liveness."""

from datetime import timedelta

from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Unavailable
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.upkeep.store import EngineRemovalStore

RECENT = timedelta(minutes=3)
"""Window of the check that data still arrives."""


class Vitals:
    """Health checks beyond liveness."""

    def __init__(self, engine: ObservationsEngine, database: Database) -> None:
        self._store = EngineRemovalStore(engine)
        self._database = database

    async def check_databases(self) -> None:
        """Unavailable (503) when either database does not answer."""
        try:
            await self._database.ping()
            await self._store.any_since(now())
        except Exception as problem:
            raise Unavailable(f"a database does not answer: {problem}") from problem

    async def check_recent_events(self) -> None:
        """Unavailable (503) when nothing arrived within `RECENT`."""
        if not await self._store.any_since(now() - RECENT):
            raise Unavailable(f"no observation and no score within the last {RECENT.seconds // 60} minutes")
