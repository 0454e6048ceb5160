"""What was asked to be deleted and may still be on the disk."""

from sqlalchemy import JSON, Column, String, Table

from sightline.server.tables.accounts import ID
from sightline.server.tables.metadata import UtcDateTime, metadata

removals = Table(
    "removals",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False),
    Column("thing", String(32), nullable=False),
    Column("ids", JSON, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
)
"""A write-ahead log of deletions: a row is written first, and goes when the bytes are off the disk.

No foreign key: it outlives the project it deletes.
"""
