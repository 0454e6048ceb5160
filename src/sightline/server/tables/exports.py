"""Exports to object storage with their watermark. The secret is ciphertext."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Text

from sightline.server.tables.accounts import ID, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

blob_exports = Table(
    "blob_exports",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("bucket_name", String(255), nullable=False),
    Column("endpoint", Text),
    Column("region", String(64), nullable=False),
    Column("access_key_id", Text),
    Column("sealed_secret", Text),
    Column("prefix", Text, nullable=False),
    Column("frequency", String(32), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("force_path_style", Boolean, nullable=False),
    Column("file_type", String(16), nullable=False),
    Column("mode", String(32), nullable=False),
    Column("start_date", UtcDateTime),
    Column("compressed", Boolean, nullable=False),
    Column("source", String(64), nullable=False),
    Column("field_groups", JSON, nullable=False),
    Column("last_sync_at", UtcDateTime),
    Column("next_sync_at", UtcDateTime),
    Column("last_error", Text),
    Column("last_error_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
