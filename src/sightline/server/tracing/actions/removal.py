"""Deletion of files by use count, and what a dataset item uses. Idempotent: an interrupted deletion is run again."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.database import Connection, Database
from sightline.server.runtime.media_tokens import tokens_in
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions.media import folder_of, key_of
from sightline.server.tracing.records import MediaId, ProjectId, TraceId
from sightline.server.tracing.store import MediaStore
from sightline.server.tracing.store.media import OF_AN_ITEM, USED_WITHIN
from sightline.server.tracing.store.media_uses import MediaUseStore

REMOVED_AT_ONCE = 500
"""Batch size of deletion."""


class MediaRemoval:
    """A file goes with the last trace or dataset item that uses it.

    Its content is deleted before its row is committed as deleted, so an interrupted deletion leaves no content without
    a row: the row says what is still to be deleted.
    """

    def __init__(self, database: Database, blobs: Blobs, engine: ObservationsEngine) -> None:
        self._database = database
        self._blobs = blobs
        self._uses = MediaUseStore(engine)

    async def of_project(self, project_id: ProjectId) -> None:
        """Delete all contents of a project; the records cascade with the project's row."""
        await self._blobs.delete_under(folder_of(project_id))

    async def told_by(self, project_id: ProjectId, trace_ids: Collection[TraceId]) -> set[MediaId]:
        """Files that these traces refer to, of which no link may tell: asked before the traces' rows are deleted."""
        async with self._database.reading() as connection:
            uncounted = await MediaStore(connection).uncounted(project_id)
        return await self._uses.of_traces(project_id, trace_ids) & uncounted if uncounted else set()

    async def of_traces(
        self, project_id: ProjectId, trace_ids: Collection[TraceId], told: Collection[MediaId] = frozenset()
    ) -> None:
        """Delete the links of these traces, whose rows are deleted already, and files nothing else uses."""
        async with self._database.reading() as connection:
            touched = {*told, *await MediaStore(connection).of_traces(project_id, trace_ids)}
            uncounted = await MediaStore(connection).uncounted(project_id, touched)
        used = await self._uses.still(project_id, uncounted)
        async with self._database.work() as work:
            store = MediaStore(work.connection)
            used |= await store.in_items(project_id, uncounted - used)
            await store.unlink_traces(project_id, sorted(trace_ids))
            await self._remove(store, project_id, await store.unused(project_id, touched - used))

    async def of_items(self, project_id: ProjectId, item_ids: Collection[str]) -> None:
        """Delete the links of dataset items, and files nothing else uses."""
        async with self._database.reading() as connection:
            uncounted = await MediaStore(connection).uncounted(project_id)
        used = await self._uses.still(project_id, uncounted)
        async with self._database.work() as work:
            store = MediaStore(work.connection)
            touched = await store.unlink_items(project_id, item_ids)
            await self._remove(store, project_id, await store.unused(project_id, touched - used))

    async def linked_traces(self, project_id: ProjectId) -> list[TraceId]:
        """Every trace that uses a file."""
        async with self._database.reading() as connection:
            return await MediaStore(connection).linked_traces(project_id)

    async def unused_since(self, project_id: ProjectId, moment: datetime) -> None:
        """Retention: a file's age counts from its last use (upload, announcement, or reference)."""
        while True:
            async with self._database.work() as work:
                store = MediaStore(work.connection)
                old = await store.unused_since(project_id, moment - USED_WITHIN, REMOVED_AT_ONCE)
                await self._remove(store, project_id, old)
            if not old:
                return

    async def _remove(self, store: MediaStore, project_id: ProjectId, media_ids: Iterable[MediaId]) -> None:
        gone = list(media_ids)
        await store.remove(project_id, gone)
        for identity in gone:
            await self._blobs.delete(key_of(project_id, identity))


async def use_by_item(connection: Connection, project_id: ProjectId, item_id: str, texts: Iterable[str]) -> None:
    """Count the files that an item's texts refer to as used by it, in the unit of work that stores the item."""
    uses = {(MediaId(token.id), TraceId(OF_AN_ITEM)) for text in texts for token in tokens_in(text)}
    if uses:
        await MediaStore(connection).link_texts(project_id, uses, item_id)
