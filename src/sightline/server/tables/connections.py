"""Connections to model providers. Secrets are ciphertext."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Text, UniqueConstraint

from sightline.server.tables.accounts import ID, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

llm_connections = Table(
    "llm_connections",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("provider", String(255), nullable=False),
    Column("adapter", String(32), nullable=False),
    Column("sealed_secret_key", Text, nullable=False),
    Column("display_secret_key", String(32), nullable=False),
    Column("base_url", Text),
    Column("custom_models", JSON, nullable=False),
    Column("with_default_models", Boolean, nullable=False),
    Column("sealed_headers", Text),
    Column("header_names", JSON, nullable=False),
    Column("config", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "provider"),
)
