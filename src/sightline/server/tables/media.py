"""Media, deduplicated by content within a project, and the places that refer to them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from sightline.server.tables.accounts import ID, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

media = Table(
    "media",
    metadata,
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), primary_key=True),
    Column("id", ID, primary_key=True),
    Column("sha256_base64", String(64), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("content_length", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("uploaded_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    Column("upload_status", Integer),
    Column("upload_error", Text),
    Column("uses_counted", Boolean, nullable=False, server_default=false()),
)
"""`uses_counted`: `media_links` has every use. Files of before links were kept for inline files do not have that."""

media_links = Table(
    "media_links",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("media_id", ID, primary_key=True),
    Column("trace_id", String(128), primary_key=True),
    Column("observation_id", String(128), primary_key=True, server_default=""),
    Column("field", String(32), primary_key=True),
    ForeignKeyConstraint(["project_id", "media_id"], [media.c.project_id, media.c.id], ondelete="CASCADE"),
    Index("ix_media_links_project_id_trace_id", "project_id", "trace_id"),
)
