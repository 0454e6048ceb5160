"""Retention: deletes what is older than a project's limit. Idempotent and resumable."""

from datetime import datetime, timedelta

from sightline.server.accounts.records import ProjectId
from sightline.server.runtime.clock import now
from sightline.server.tracing.records import TraceId
from sightline.server.upkeep.actions.removal import Removal, Stores
from sightline.server.upkeep.records import Thing
from sightline.server.upkeep.store import EngineRemovalStore, RemovalStore


class Retention:
    """A trace that ends takes the same with it as one that is deleted."""

    def __init__(self, stores: Stores, removal: Removal) -> None:
        self._removal = removal
        self._store = EngineRemovalStore(stores.engine)
        self._database = stores.database
        self._tracing = stores.tracing
        self._media = stores.media
        self._hub = stores.hub

    async def keep(self, project_id: ProjectId, days: int) -> None:
        """Delete observations, scores and files that are older than `days` days, with what belongs to them."""
        if days <= 0:
            return
        moment = now() - timedelta(days=days)
        await self._tracing.index.settled(project_id)
        sessions = await self._sessions(project_id)
        await self._removal.ended(project_id, await self._ending(project_id, moment))

        async def delete() -> None:
            await self._store.delete_before(project_id, moment)

        await self._tracing.index.cut(project_id, moment, delete)
        ended = sessions - await self._sessions(project_id)
        async with self._database.work() as work:
            await RemovalStore(work.connection).remove(project_id, Thing.SESSION, sorted(ended))
        await self._media.unused_since(project_id, moment)
        for topic in ("traces", "scores"):
            self._hub.publish(project_id, topic)

    async def _ending(self, project_id: ProjectId, moment: datetime) -> list[TraceId]:
        """Traces that end and that something else belongs to. All others are cut off by their time."""
        async with self._database.reading() as connection:
            named = await RemovalStore(connection).named(project_id, Thing.TRACE)
        named |= {*await self._media.linked_traces(project_id), *await self._store.scored(project_id, moment)}
        ending = await self._store.ending_before(project_id, moment, sorted(named))
        return [TraceId(each) for each in ending]

    async def _sessions(self, project_id: ProjectId) -> set[str]:
        """Sessions with something that belongs to them, and with traces."""
        async with self._database.reading() as connection:
            named = await RemovalStore(connection).named(project_id, Thing.SESSION)
        return {each for each in named if await self._tracing.traces_of_session(project_id, each)}
