"""Prompts: one row a name, one a version; labels point at versions, tags belong to the name."""

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from sightline.server.tables.accounts import ID, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

prompts = Table(
    "prompts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    UniqueConstraint("project_id", "name"),
)

prompt_versions = Table(
    "prompt_versions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("prompt_id", ForeignKey(prompts.c.id, ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    Column("config", JSON, nullable=False),
    Column("commit_message", Text),
    Column("created_by", ID, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("prompt_id", "version"),
)

prompt_labels = Table(
    "prompt_labels",
    metadata,
    Column("prompt_id", ID, primary_key=True),
    Column("label", String(36), primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(
        ["prompt_id", "version"], [prompt_versions.c.prompt_id, prompt_versions.c.version], ondelete="CASCADE"
    ),
    Index("ix_prompt_labels_prompt_id_version", "prompt_id", "version"),
)
"""The primary key makes a label unique among the versions of a prompt: moving it updates one row."""

prompt_tags = Table(
    "prompt_tags",
    metadata,
    Column("prompt_id", ForeignKey(prompts.c.id, ondelete="CASCADE"), primary_key=True),
    Column("tag", String(255), primary_key=True),
    Column("position", Integer, nullable=False),
)

prompt_references = Table(
    "prompt_references",
    metadata,
    Column("parent_id", ForeignKey(prompt_versions.c.id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("version", Integer),
    Column("label", String(36)),
    Index("ix_prompt_references_project_id_name", "project_id", "name"),
)
"""Inclusions between prompts (reverse references), so that an included prompt cannot be deleted unseen."""
