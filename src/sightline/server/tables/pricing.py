"""Models of a project's own, with their prices."""

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table, Text

from sightline.server.tables.accounts import ID, NATURAL_KEY, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

models = Table(
    "models",
    metadata,
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), primary_key=True),
    Column("id", ID, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("match_pattern", Text, nullable=False),
    Column("start_date", UtcDateTime),
    Column("unit", String(16)),
    Column("tokenizer_id", String(32)),
    Column("tokenizer_config", JSON(none_as_null=True)),
    Column("tiers", JSON, nullable=False),
    Column("natural_key", NATURAL_KEY),
    Column("created_at", UtcDateTime, nullable=False),
    Index("uq_models_natural_key", "project_id", "natural_key", unique=True),
)
