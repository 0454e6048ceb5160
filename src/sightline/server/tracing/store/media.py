"""Files that observations refer to: what is known of them, and where they are used. All relational SQL of tracing."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.runtime.clock import now
from sightline.server.tables.media import media, media_links
from sightline.server.tracing.records import Media, MediaId, MediaUpload, ProjectId, TraceId

USED_WITHIN = timedelta(days=1)
"""Granularity of the last use: a file is touched at most once a day, to avoid a write for every span."""
OF_AN_ITEM = ""
"""Sentinel for the trace id where a dataset item uses a file (a primary key column cannot be NULL)."""


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

    async def remove(self, project_id: ProjectId, media_ids: Sequence[MediaId]) -> None:
        """Delete the records and their links."""
        for table, column in ((media_links, media_links.c.media_id), (media, media.c.id)):
            gone = table.c.project_id == project_id, column.in_(list(media_ids))
            await self._connection.execute(delete(table).where(*gone))

    async def put(self, item: Media) -> None:
        """Insert the record unless it exists. Idempotent."""
        values = {**vars(item), "created_at": now(), "used_at": now()}
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

    async def mark_uploaded(self, project_id: ProjectId, media_id: MediaId) -> None:
        await self._connection.execute(update(media).where(*_is(project_id, media_id)).values(uploaded_at=now()))

    async def mark_finished(self, project_id: ProjectId, media_id: MediaId, status: int, error: str | None) -> bool:
        """Keep what the client says of its upload; False when the file is not known."""
        changes = {"upload_status": status, "upload_error": error}
        done = await self._connection.execute(update(media).where(*_is(project_id, media_id)).values(changes))
        return bool(done.rowcount)

    async def unlink_traces(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> None:
        gone = (media_links.c.project_id == project_id, media_links.c.trace_id.in_(list(trace_ids)))
        await self._connection.execute(delete(media_links).where(*gone))

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
