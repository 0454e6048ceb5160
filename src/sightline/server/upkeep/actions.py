"""Maintenance of stored data: project deletion, retention (TTL), health checks."""

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
"""Window of the check that data still arrives."""


class Removal:
    """Deletes the files and analytics rows of a deleted project. Media records cascade with its row."""

    def __init__(self, engine: ObservationsEngine, media: MediaRemoval) -> None:
        self._store = UpkeepStore(engine)
        self._media = media

    async def of_project(self, project_id: ProjectId) -> None:
        """Idempotent."""
        await self._store.delete_project(project_id)
        await self._media.of_project(project_id)


class Retention:
    """Retention: deletes what is older than a project's limit. Idempotent and resumable."""

    def __init__(self, engine: ObservationsEngine, index: TraceIndex, media: MediaRemoval, hub: LiveHub) -> None:
        self._store = UpkeepStore(engine)
        self._index = index
        self._media = media
        self._hub = hub

    async def keep(self, project_id: ProjectId, days: int) -> None:
        """Delete observations, scores and files that are older than `days` days."""
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
    """Health checks beyond liveness."""

    def __init__(self, engine: ObservationsEngine, database: Database) -> None:
        self._store = UpkeepStore(engine)
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
