"""What people and keys did. Append-only: triggers of the migration refuse changes and deletions.

Rows hold ids, never names of people, addresses of mail or contents: who is erased elsewhere leaves nothing here to
erase. Ids and names that clients chose (traces, prompts, labels) go with their project, the one change that is let
through. There are no foreign keys, because rows outlive what they tell of.
"""

from sqlalchemy import JSON, Column, Index, String, Table

from sightline.server.tables.accounts import ID
from sightline.server.tables.metadata import UtcDateTime, metadata

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("organization_id", ID),
    Column("project_id", ID),
    Column("actor_kind", String(32), nullable=False),
    Column("actor_id", String(128)),
    Column("address", String(64)),
    Column("action", String(64), nullable=False),
    Column("target_kind", String(32), nullable=False),
    Column("target_id", String(1000)),
    Column("outcome", String(16), nullable=False),
    Column("details", JSON(none_as_null=True)),
    Index("ix_audit_events_project", "project_id", "at", "id"),
    Index("ix_audit_events_organization", "organization_id", "at", "id"),
)
