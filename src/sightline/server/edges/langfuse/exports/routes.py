"""Scheduled exports to object storage (S3, GCS, Azure Blob) through Langfuse's paths. Secrets are write-only."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field, field_validator

from sightline.server.accounts.records import OrganizationAccess, ProjectId
from sightline.server.edges.access import organization_key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Moment
from sightline.server.edges.services import Served
from sightline.server.exports.records import (
    BlobExport,
    ExportDraft,
    ExportId,
    FieldGroup,
    FileType,
    Frequency,
    Mode,
    Source,
    Store,
)

router = APIRouter(route_class=PlainJson, prefix="/api/public/integrations/blob-storage")

Reader = Annotated[OrganizationAccess, organization_key_for("exports.read")]
Manager = Annotated[OrganizationAccess, organization_key_for("exports.manage")]


class ExportBody(Body):
    model_config = ConfigDict(str_strip_whitespace=True)

    project_id: str
    type: Store
    bucket_name: str = Field(min_length=1, max_length=255)
    endpoint: str | None = Field(None, max_length=2_000)
    region: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")
    access_key_id: str | None = Field(None, max_length=2_000)
    secret_access_key: str | None = Field(None, max_length=20_000)
    prefix: str | None = Field(None, max_length=500)
    export_frequency: Frequency
    enabled: bool
    force_path_style: bool
    file_type: FileType
    export_mode: Mode
    export_start_date: Moment | None = None
    compressed: bool | None = None
    export_source: Source | None = None
    export_field_groups: list[FieldGroup] | None = None

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, given: str | None) -> str | None:
        if given and not given.startswith(("http://", "https://")):
            raise ValueError("an address begins with http:// or https://")
        return given or None

    def draft(self) -> ExportDraft:
        return ExportDraft(
            project_id=ProjectId(self.project_id),
            kind=self.type,
            bucket_name=self.bucket_name,
            region=self.region,
            endpoint=self.endpoint,
            access_key_id=self.access_key_id or None,
            secret=self.secret_access_key or None,
            prefix=self.prefix or "",
            frequency=self.export_frequency,
            enabled=self.enabled,
            force_path_style=self.force_path_style,
            file_type=self.file_type,
            mode=self.export_mode,
            start_date=self.export_start_date,
            compressed=self.compressed is not False,
            source=self.export_source,
            field_groups=self.export_field_groups,
        )


@router.get("")
async def list_exports(who: Reader, services: Served) -> Json:
    return Json({"data": [_export(each) for each in await services.exports.every(who.organization_id)]})


@router.put("")
async def put(body: ExportBody, who: Manager, services: Served) -> Json:
    """Upsert the export of a project: each project has one."""
    return Json(_export(await services.exports.put(who.organization_id, body.draft())))


@router.get("/{exportId}")
async def read_status(exportId: str, who: Reader, services: Served) -> Json:
    export, status = await services.exports.status(who.organization_id, ExportId(exportId))
    return Json(
        {
            "id": export.id,
            "projectId": export.project_id,
            "syncStatus": status,
            "enabled": export.enabled,
            **_moments(export),
        }
    )


@router.delete("/{exportId}")
async def delete(exportId: str, who: Manager, services: Served) -> Json:
    await services.exports.delete(who.organization_id, ExportId(exportId))
    return Json({"message": "Blob storage integration deleted; what it exported stays where it is"})


def _export(export: BlobExport) -> dict[str, Any]:
    return {
        "id": export.id,
        "projectId": export.project_id,
        "type": export.kind,
        "bucketName": export.bucket_name,
        "endpoint": export.endpoint,
        "region": export.region,
        "accessKeyId": export.access_key_id,
        "prefix": export.prefix,
        "exportFrequency": export.frequency,
        "enabled": export.enabled,
        "forcePathStyle": export.force_path_style,
        "fileType": export.file_type,
        "exportMode": export.mode,
        "exportStartDate": iso(export.start_date),
        "compressed": export.compressed,
        "exportSource": export.source,
        "exportFieldGroups": list(export.field_groups),
        **_moments(export),
        "createdAt": iso(export.created_at),
        "updatedAt": iso(export.updated_at),
    }


def _moments(export: BlobExport) -> dict[str, Any]:
    return {
        "lastSyncAt": iso(export.last_sync_at),
        "nextSyncAt": iso(export.next_sync_at),
        "lastError": export.last_error,
        "lastErrorAt": iso(export.last_error_at),
    }
