"""An export to object storage: source, destination, schedule, and watermark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NewType, get_args

from sightline.server.accounts.records import ProjectId

ExportId = NewType("ExportId", str)
Store = Literal["S3", "S3_COMPATIBLE", "AZURE_BLOB_STORAGE", "GOOGLE_CLOUD_STORAGE"]
Frequency = Literal["every_20_minutes", "hourly", "daily", "weekly"]
FileType = Literal["JSON", "CSV", "JSONL", "PARQUET"]
Mode = Literal["FULL_HISTORY", "FROM_TODAY", "FROM_CUSTOM_DATE"]
Source = Literal["LEGACY_TRACES_OBSERVATIONS", "OBSERVATIONS_V2", "LEGACY_TRACES_AND_ENRICHED_OBSERVATIONS"]
FieldGroup = Literal[
    "core", "basic", "time", "io", "metadata", "model", "usage", "prompt", "metrics", "tools", "trace_context"
]
Status = Literal["idle", "running", "queued", "up_to_date", "disabled", "error"]

FIELD_GROUPS: tuple[FieldGroup, ...] = get_args(FieldGroup)
EVERY: dict[Frequency, timedelta] = {
    "every_20_minutes": timedelta(minutes=20),
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
}
"""Frequency to the interval between runs."""


@dataclass(frozen=True, kw_only=True)
class ExportDraft:
    """An export to upsert by project; None keeps the stored value."""

    project_id: ProjectId
    kind: Store
    bucket_name: str
    region: str
    endpoint: str | None = None
    access_key_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    prefix: str = ""
    frequency: Frequency
    enabled: bool
    force_path_style: bool
    file_type: FileType
    mode: Mode
    start_date: datetime | None = None
    compressed: bool = True
    source: Source | None = None
    field_groups: Sequence[FieldGroup] | None = None


@dataclass(frozen=True, kw_only=True)
class BlobExport:
    """An export without its secret."""

    id: ExportId
    project_id: ProjectId
    kind: Store
    bucket_name: str
    region: str
    endpoint: str | None
    access_key_id: str | None
    prefix: str
    frequency: Frequency
    enabled: bool
    force_path_style: bool
    file_type: FileType
    mode: Mode
    start_date: datetime | None
    compressed: bool
    source: Source
    field_groups: tuple[FieldGroup, ...]
    last_sync_at: datetime | None = None
    """Watermark: everything before it is exported."""
    next_sync_at: datetime | None = None
    """None until the first one."""
    last_error: str | None = None
    last_error_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a run of an export stores: watermark, next run, error."""

    last_sync_at: datetime | None
    next_sync_at: datetime
    last_error: str | None = None
    last_error_at: datetime | None = None
