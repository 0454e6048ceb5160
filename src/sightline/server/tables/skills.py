"""Skills of agents: immutable versions, and their files, content-addressed within a project."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from sightline.server.tables.accounts import ID, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

skill_versions = Table(
    "skill_versions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("description", Text, nullable=False),
    Column("frontmatter", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("files", JSON, nullable=False),
    Column("commit_message", Text),
    Column("created_by", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "name", "version"),
)

skill_contents = Table(
    "skill_contents",
    metadata,
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), primary_key=True),
    Column("sha256_base64", String(64), primary_key=True),
    Column("content", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
