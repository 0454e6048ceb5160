"""Files that observations and dataset items refer to, and their uses. All relational SQL of tracing.

The links are a reference count: a file goes with its last one. Whoever adds a link and whoever deletes a file lock the
file's row first, so that neither overlooks the other.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, Text, cast, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.runtime.clock import now
from sightline.server.tables.evals import dataset_items as items
from sightline.server.tables.media import media, media_links
from sightline.server.tracing.records import Media, MediaId, MediaUpload, ProjectId, TraceId

MediaUse = tuple[MediaId, TraceId]
"""A file, and a trace that refers to it."""
USED_WITHIN = timedelta(days=1)
"""Granularity of the last use: a file is touched at most once a day, to avoid a write for every span."""
OF_AN_ITEM = ""
"""Sentinel for the trace id where a dataset item uses a file (a primary key column cannot be NULL); the item's id then
stands for the observation's, and none of it says that the file was announced without saying for what."""
IN_TEXT = "text"
"""The field of a link that stands for all references in the texts of a trace or of an item."""


class MediaStore:
    """Media of one unit of work's connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def one(self, project_id: ProjectId, media_id: MediaId) -> Media | None:
        row = (await self._connection.execute(select(media).where(*_is(project_id, media_id)))).first()
        return _media(row) if row else None

    async def uploaded(self, project_id: ProjectId, media_ids: Iterable[MediaId]) -> set[MediaId]:
        """Which of these are stored already."""
        query = select(media.c.id).where(
            media.c.project_id == project_id, media.c.id.in_(list(media_ids)), media.c.uploaded_at.is_not(None)
        )
        return {MediaId(row.id) for row in await self._connection.execute(query)}

    async def unused_lately(self, project_id: ProjectId, media_ids: Iterable[MediaId]) -> set[MediaId]:
        """Those of these files whose last use is older than `USED_WITHIN`."""
        lately = media.c.used_at > now() - USED_WITHIN
        mine = media.c.project_id == project_id, media.c.id.in_(list(media_ids))
        query = select(media.c.id).where(*mine, media.c.used_at.is_(None) | ~lately)
        return {MediaId(row.id) for row in await self._connection.execute(query)}

    async def unused_since(self, project_id: ProjectId, moment: datetime, limit: int) -> list[MediaId]:
        """Files whose last use is before `moment`, except those of dataset items, which live as long as these."""
        of_an_item = select(media_links.c.media_id).where(
            media_links.c.project_id == project_id, media_links.c.trace_id == OF_AN_ITEM
        )
        used = func.coalesce(media.c.used_at, media.c.created_at)
        query = select(media.c.id).where(media.c.project_id == project_id, used < moment, media.c.id.not_in(of_an_item))
        return [MediaId(row.id) for row in await self._connection.execute(query.limit(limit))]

    async def use(self, project_id: ProjectId, media_ids: Collection[MediaId]) -> None:
        """Touch: update the last use."""
        if media_ids:
            mine = media.c.project_id == project_id, media.c.id.in_(list(media_ids))
            await self._connection.execute(update(media).where(*mine).values(used_at=now()))

    async def unlinked(self, project_id: ProjectId, uses: Collection[MediaUse]) -> set[MediaUse]:
        """Those of the uses that no link tells of."""
        query = select(media_links.c.media_id, media_links.c.trace_id).where(
            media_links.c.project_id == project_id,
            media_links.c.media_id.in_({media_id for media_id, _ in uses}),
            media_links.c.trace_id.in_({trace_id for _, trace_id in uses}),
        )
        rows = await self._connection.execute(query)
        return set(uses) - {(MediaId(row.media_id), TraceId(row.trace_id)) for row in rows}

    async def link_texts(self, project_id: ProjectId, uses: Collection[MediaUse], item_id: str = "") -> None:
        """Link files to the traces, or to the item, whose texts refer to them; unknown files are left out."""
        known = await self._locked(project_id, {media_id for media_id, _ in uses})
        for media_id, trace_id in sorted(uses):
            if media_id in known:
                row = {"project_id": project_id, "media_id": media_id, "trace_id": trace_id, "field": IN_TEXT}
                await self._insert_new(media_links, row | {"observation_id": item_id})

    async def of_traces(self, project_id: ProjectId, trace_ids: Collection[TraceId]) -> set[MediaId]:
        """Files with a link to one of these traces."""
        query = select(media_links.c.media_id).where(
            media_links.c.project_id == project_id, media_links.c.trace_id.in_(trace_ids)
        )
        return {MediaId(row.media_id) for row in await self._connection.execute(query)}

    async def linked_traces(self, project_id: ProjectId) -> list[TraceId]:
        """Every trace that a file is linked to."""
        query = select(media_links.c.trace_id).where(
            media_links.c.project_id == project_id, media_links.c.trace_id != OF_AN_ITEM
        )
        return [TraceId(row.trace_id) for row in await self._connection.execute(query.distinct())]

    async def uncounted(self, project_id: ProjectId, media_ids: Collection[MediaId] | None = None) -> set[MediaId]:
        """Files, all or of these, that may have more uses than links."""
        where = [media.c.project_id == project_id, ~media.c.uses_counted]
        if media_ids is not None:
            where.append(media.c.id.in_(media_ids))
        return {MediaId(row.id) for row in await self._connection.execute(select(media.c.id).where(*where))}

    async def in_items(self, project_id: ProjectId, media_ids: Collection[MediaId]) -> set[MediaId]:
        """Those of the files that a dataset item refers to, by its text."""
        found = set()
        texts = [cast(column, Text) for column in (items.c.input, items.c.expected_output, items.c.metadata)]
        for media_id in media_ids:
            mentions = or_(*(text.contains(f"|id={media_id}|", autoescape=True) for text in texts))
            query = select(items.c.id).where(items.c.project_id == project_id, mentions).limit(1)
            if (await self._connection.execute(query)).first():
                found.add(media_id)
        return found

    async def unused(self, project_id: ProjectId, media_ids: Collection[MediaId]) -> list[MediaId]:
        """Those of the files that no link is left of, locked against new ones."""
        locked = await self._locked(project_id, media_ids)
        query = select(media_links.c.media_id).where(
            media_links.c.project_id == project_id, media_links.c.media_id.in_(locked)
        )
        return sorted(locked - {MediaId(row.media_id) for row in await self._connection.execute(query)})

    async def unlink_items(self, project_id: ProjectId, item_ids: Collection[str]) -> set[MediaId]:
        """Delete the links of dataset items: the files they were to.

        A file that was announced for no object in particular was so for an item: that link goes with its last item.
        """
        mine = media_links.c.project_id == project_id, media_links.c.trace_id == OF_AN_ITEM
        of_these = *mine, media_links.c.observation_id.in_(item_ids)
        rows = await self._connection.execute(select(media_links.c.media_id).where(*of_these))
        touched = {MediaId(row.media_id) for row in rows}
        await self._connection.execute(delete(media_links).where(*of_these))
        others = select(media_links.c.media_id).where(*mine, media_links.c.observation_id != "")
        announced = *mine, media_links.c.media_id.in_(touched), media_links.c.media_id.not_in(others)
        await self._connection.execute(delete(media_links).where(*announced))
        return touched

    async def remove(self, project_id: ProjectId, media_ids: Sequence[MediaId]) -> None:
        """Delete the records and their links."""
        for table, column in ((media_links, media_links.c.media_id), (media, media.c.id)):
            gone = table.c.project_id == project_id, column.in_(list(media_ids))
            await self._connection.execute(delete(table).where(*gone))

    async def put(self, item: Media) -> None:
        """Insert the record unless it exists. Idempotent."""
        values = {**vars(item), "created_at": now(), "used_at": now(), "uses_counted": True}
        await self._insert_new(media, values)

    async def link(self, project_id: ProjectId, media_id: MediaId, upload: MediaUpload) -> None:
        values = {
            "project_id": project_id,
            "media_id": media_id,
            "trace_id": upload.trace_id or OF_AN_ITEM,
            "observation_id": upload.observation_id or "",
            "field": upload.field,
        }
        await self._insert_new(media_links, values)

    async def mark_uploaded(self, project_id: ProjectId, media_id: MediaId) -> bool:
        """False when the file is not known."""
        marked = update(media).where(*_is(project_id, media_id)).values(uploaded_at=now())
        return bool((await self._connection.execute(marked)).rowcount)

    async def mark_finished(self, project_id: ProjectId, media_id: MediaId, status: int, error: str | None) -> bool:
        """Keep what the client says of its upload; False when the file is not known."""
        changes = {"upload_status": status, "upload_error": error}
        done = await self._connection.execute(update(media).where(*_is(project_id, media_id)).values(changes))
        return bool(done.rowcount)

    async def unlink_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        gone = (media_links.c.project_id == project_id, media_links.c.trace_id.in_(list(trace_ids)))
        await self._connection.execute(delete(media_links).where(*gone))

    async def _locked(self, project_id: ProjectId, media_ids: Collection[MediaId]) -> set[MediaId]:
        """Those of the files that are known. PostgreSQL locks their rows; SQLite's transaction has locked all."""
        query = select(media.c.id).where(media.c.project_id == project_id, media.c.id.in_(media_ids))
        rows = await self._connection.execute(query.order_by(media.c.id).with_for_update())
        return {MediaId(row.id) for row in rows}

    async def _insert_new(self, table: Table, values: dict[str, Any]) -> None:
        """INSERT … ON CONFLICT DO NOTHING, which SQLAlchemy has per dialect."""
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        await self._connection.execute(dialect.insert(table).values(values).on_conflict_do_nothing())


def _is(project_id: ProjectId, media_id: MediaId) -> tuple[Any, Any]:
    return media.c.project_id == project_id, media.c.id == media_id


def _media(row: Row[Any]) -> Media:
    return Media(
        project_id=ProjectId(row.project_id),
        id=MediaId(row.id),
        sha256_base64=row.sha256_base64,
        content_type=row.content_type,
        content_length=row.content_length,
        uploaded_at=row.uploaded_at,
    )
