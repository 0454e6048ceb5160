"""Managing exports; for administrators of the organisation."""

from dataclasses import replace
from datetime import timedelta

from sightline.server.accounts import audit
from sightline.server.accounts.actions import Organizations
from sightline.server.accounts.records import OrganizationId, ProjectId
from sightline.server.exports.records import FIELD_GROUPS, BlobExport, ExportDraft, ExportId, Status
from sightline.server.exports.store import ExportStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.ids import new_id
from sightline.server.runtime.leases import Leases
from sightline.server.runtime.seal import Seal

TOLERANCE = timedelta(hours=27)
"""Clock tolerance: a day that has begun in any time zone is not in the future."""


class BlobExports:
    """Every method is scoped to the organisation it is given."""

    def __init__(self, database: Database, organizations: Organizations, leases: Leases, seal: Seal) -> None:
        self._database = database
        self._organizations = organizations
        self._leases = leases
        self._seal = seal

    async def every(self, organization_id: OrganizationId) -> list[BlobExport]:
        mine = await self._projects(organization_id)
        async with self._database.reading() as connection:
            return await ExportStore(connection).of(mine)

    async def put(self, organization_id: OrganizationId, draft: ExportDraft) -> BlobExport:
        """Upsert a project's export. Its watermark stays, unless the start was changed."""
        await self._organizations.project(organization_id, draft.project_id)
        _check(draft)
        async with self._database.work() as work:
            store = ExportStore(work.connection)
            known = await store.of_project(draft.project_id)
            export = _changed(known[0], draft) if known else _new(draft)
            sealed = self._sealed(export, draft, known)
            await (store.change if known else store.add)(export, sealed)
            await audit.record(
                work.connection, audit.of_project("export.change", export.project_id, "export", export.id)
            )
        return export

    async def status(self, organization_id: OrganizationId, export_id: ExportId) -> tuple[BlobExport, Status]:
        export = next((each for each in await self.every(organization_id) if each.id == export_id), None)
        if export is None:
            raise _unknown(export_id)
        return export, await self._status(export)

    async def delete(self, organization_id: OrganizationId, export_id: ExportId) -> None:
        """Delete the export; files already exported stay in the store."""
        mine = await self._projects(organization_id)
        async with self._database.work() as work:
            store = ExportStore(work.connection)
            going = next((each for each in await store.of(mine) if each.id == export_id), None)
            if going is None or not await store.delete(mine, export_id):
                raise _unknown(export_id)
            await audit.record(
                work.connection, audit.of_project("export.delete", going.project_id, "export", export_id)
            )

    async def _projects(self, organization_id: OrganizationId) -> list[ProjectId]:
        return [project.id for project in await self._organizations.projects(organization_id)]

    async def _status(self, export: BlobExport) -> Status:
        if not export.enabled:
            return "disabled"
        if await self._leases.taken(lease_of(export)):
            return "running"
        if export.last_error is not None:
            return "error"
        if export.next_sync_at is None:
            return "idle"
        return "queued" if export.next_sync_at <= now() else "up_to_date"

    def _sealed(
        self, export: BlobExport, draft: ExportDraft, known: tuple[BlobExport, str | None] | None
    ) -> str | None:
        if draft.secret is not None:
            return self._seal.close(draft.secret, place_of(export))
        if known is None:
            return None
        google = "GOOGLE_CLOUD_STORAGE"
        if (known[0].kind == google) != (draft.kind == google):
            raise InvalidRequest("a key of Google's store is no key of another: give secretAccessKey with the new type")
        return known[1]


def lease_of(export: BlobExport) -> str:
    """Name of the lease that the exporting process holds."""
    return f"export {export.id}"


def place_of(export: BlobExport) -> str:
    """Associated data that its secret is encrypted with."""
    return place_of_id(export.project_id, export.id)


def place_of_id(project_id: ProjectId, export_id: ExportId) -> str:
    return f"export {project_id}/{export_id}"


def _check(draft: ExportDraft) -> None:
    if draft.kind == "S3_COMPATIBLE" and not draft.endpoint:
        raise InvalidRequest("type S3_COMPATIBLE needs an endpoint, the address of the store")
    if draft.prefix and not draft.prefix.endswith("/"):
        raise InvalidRequest(f"prefix {draft.prefix!r} names a folder: end it with /")
    if draft.mode == "FROM_CUSTOM_DATE" and draft.start_date is None:
        raise InvalidRequest("exportMode FROM_CUSTOM_DATE needs an exportStartDate")
    if draft.start_date is not None and draft.start_date > now() + TOLERANCE:
        raise InvalidRequest(f"exportStartDate {draft.start_date.isoformat()} is in the future")
    if draft.field_groups is not None and (draft.source is None or "core" not in draft.field_groups):
        raise InvalidRequest("exportFieldGroups include core, and come with an exportSource")


def _new(draft: ExportDraft) -> BlobExport:
    moment = now()
    fields = {name: value for name, value in vars(draft).items() if name != "secret"}
    fields |= {
        "source": draft.source or "LEGACY_TRACES_OBSERVATIONS",
        "field_groups": tuple(draft.field_groups or FIELD_GROUPS),
    }
    return BlobExport(id=ExportId(new_id()), created_at=moment, updated_at=moment, **fields)


def _changed(known: BlobExport, draft: ExportDraft) -> BlobExport:
    made = _new(draft)
    elsewhere = (known.mode, known.start_date) != (draft.mode, draft.start_date)
    return replace(
        made,
        id=known.id,
        created_at=known.created_at,
        source=draft.source or known.source,
        field_groups=tuple(draft.field_groups or known.field_groups),
        last_sync_at=None if elsewhere else known.last_sync_at,
        next_sync_at=None if elsewhere or known.last_error else known.next_sync_at,
    )


def _unknown(export_id: ExportId) -> NotFound:
    return NotFound(f"blob storage integration {export_id!r} does not exist in this organisation")
