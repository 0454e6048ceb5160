"""What is done about stored data as a whole: remove a project's, keep some days' only, ask whether it is there."""

from datetime import timedelta

from sightline.server.accounts.records import ProjectId
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Unavailable
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions.indexing import TraceIndex
from sightline.server.tracing.actions.media import MediaRemoval
from sightline.server.upkeep.store import UpkeepStore

RECENT = timedelta(minutes=3)


class Removal:
    """Once a project is gone: its files and its rows of the analytics engine. Media records go with its own row."""

    def __init__(self, engine: ObservationsEngine, media: MediaRemoval) -> None:
        self._store = UpkeepStore(engine)
        self._media = media

    async def of_project(self, project_id: ProjectId) -> None:
        """Run twice, the second finds nothing."""
        await self._store.delete_project(project_id)
        await self._media.of_project(project_id)


class Retention:
    """What a project keeps for some days only. Run twice, the second finds nothing; interrupted, the next goes on."""

    def __init__(self, engine: ObservationsEngine, index: TraceIndex, media: MediaRemoval, hub: LiveHub) -> None:
        self._store = UpkeepStore(engine)
        self._index = index
        self._media = media
        self._hub = hub

    async def keep(self, project_id: ProjectId, days: int) -> None:
        """Delete observations, scores and files that are more than so many days old."""
        if days <= 0:
            return
        moment = now() - timedelta(days=days)

        async def delete() -> None:
            await self._store.delete_before(project_id, moment)

        await self._index.cut(project_id, moment, delete)
        await self._media.unused_since(project_id, moment)
        for topic in ("traces", "scores"):
            self._hub.publish(project_id, topic)


class Vitals:
    """What a monitor asks beyond "is the process there"."""

    def __init__(self, engine: ObservationsEngine, database: Database) -> None:
        self._store = UpkeepStore(engine)
        self._database = database

    async def check_databases(self) -> None:
        """Unavailable when either database does not answer."""
        try:
            await self._database.ping()
            await self._store.any_since(now())
        except Exception as problem:
            raise Unavailable(f"a database does not answer: {problem}") from problem

    async def check_recent_events(self) -> None:
        """Unavailable when nothing has arrived within the last minutes."""
        if not await self._store.any_since(now() - RECENT):
            raise Unavailable(f"no observation and no score within the last {RECENT.seconds // 60} minutes")
