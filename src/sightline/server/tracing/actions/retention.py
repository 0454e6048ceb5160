"""What a project keeps for some days only: observations, scores and files older than that go."""

from datetime import datetime, timedelta

from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions.indexing import TraceIndex
from sightline.server.tracing.actions.media import key_of
from sightline.server.tracing.records import ProjectId
from sightline.server.tracing.store import MediaStore
from sightline.server.tracing.store.media import USED_WITHIN
from sightline.server.tracing.store.retention import RetentionStore

STEP = 500
"""Files deleted at once."""


class Retention:
    """Run twice, the second finds nothing; interrupted, the next run goes on."""

    def __init__(
        self, engine: ObservationsEngine, index: TraceIndex, database: Database, blobs: Blobs, hub: LiveHub
    ) -> None:
        self._store = RetentionStore(engine)
        self._index = index
        self._database = database
        self._blobs = blobs
        self._hub = hub

    async def keep(self, project_id: ProjectId, days: int) -> None:
        """Delete what is more than so many days old. A file's age counts from when it was last sent or announced."""
        if days <= 0:
            return
        moment = now() - timedelta(days=days)

        async def delete() -> None:
            await self._store.delete_before(project_id, moment)

        await self._index.cut(project_id, moment, delete)
        await self._delete_files(project_id, moment - USED_WITHIN)
        for topic in ("traces", "scores"):
            self._hub.publish(project_id, topic)

    async def _delete_files(self, project_id: ProjectId, moment: datetime) -> None:
        """Content before records: interrupted in between, the next run finds the records still."""
        while True:
            async with self._database.reading() as connection:
                old = await MediaStore(connection).unused_since(project_id, moment, STEP)
            if not old:
                return
            for media_id in old:
                await self._blobs.delete(key_of(project_id, media_id))
            async with self._database.work() as work:
                await MediaStore(work.connection).remove(project_id, old)
