"""All SQL of exports. Secrets come and go as ciphertext."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.exports.records import BlobExport, ExportId, Progress
from sightline.server.tables.exports import blob_exports

SealedExport = tuple[BlobExport, str | None]
"""An export with its secret as ciphertext."""


class ExportStore:
    """Exports in one unit of work; every method but `due` names the projects it is scoped to."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, project_ids: Collection[ProjectId]) -> list[BlobExport]:
        """By time of creation."""
        mine = select(blob_exports).where(blob_exports.c.project_id.in_(list(project_ids)))
        rows = (await self._connection.execute(mine.order_by(blob_exports.c.created_at, blob_exports.c.id))).all()
        return [_export(row._mapping)[0] for row in rows]

    async def of_project(self, project_id: ProjectId) -> SealedExport | None:
        query = select(blob_exports).where(blob_exports.c.project_id == project_id)
        row = (await self._connection.execute(query)).first()
        return _export(row._mapping) if row else None

    async def due(self, moment: datetime) -> list[SealedExport]:
        """All enabled exports that are due, of every project; also those that a clock which was ahead has reached."""
        columns = blob_exports.c
        come = columns.next_sync_at.is_(None) | (columns.next_sync_at <= moment) | (columns.last_sync_at > moment)
        query = select(blob_exports).where(columns.enabled, come).order_by(columns.next_sync_at, columns.id)
        return [_export(row._mapping) for row in (await self._connection.execute(query)).all()]

    async def add(self, export: BlobExport, sealed_secret: str | None) -> None:
        await self._connection.execute(insert(blob_exports).values(_row(export, sealed_secret)))

    async def change(self, export: BlobExport, sealed_secret: str | None) -> None:
        mine = blob_exports.c.id == export.id, blob_exports.c.project_id == export.project_id
        await self._connection.execute(update(blob_exports).where(*mine).values(_row(export, sealed_secret)))

    async def reach(self, export: BlobExport, progress: Progress) -> None:
        mine = blob_exports.c.id == export.id, blob_exports.c.project_id == export.project_id
        await self._connection.execute(update(blob_exports).where(*mine).values(vars(progress)))

    async def delete(self, project_ids: Collection[ProjectId], export_id: ExportId) -> bool:
        """Whether there was such an export."""
        mine = blob_exports.c.id == export_id, blob_exports.c.project_id.in_(list(project_ids))
        return bool((await self._connection.execute(delete(blob_exports).where(*mine))).rowcount)


def _export(row: Mapping[Any, Any]) -> SealedExport:
    names = {each.name for each in fields(BlobExport)}
    given: dict[str, Any] = {name: value for name, value in row.items() if name in names}
    return BlobExport(**given | {"field_groups": tuple(row["field_groups"])}), row["sealed_secret"]


def _row(export: BlobExport, sealed_secret: str | None) -> dict[str, Any]:
    return vars(export) | {"field_groups": list(export.field_groups), "sealed_secret": sealed_secret}
