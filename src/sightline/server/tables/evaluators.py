"""Evaluators in versions, and the rules that say what they look at."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from sightline.server.tables.accounts import ID, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

evaluators = Table(
    "evaluators",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("kind", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

evaluator_versions = Table(
    "evaluator_versions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("evaluator_id", ForeignKey(evaluators.c.id, ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("definition", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("evaluator_id", "version"),
)

evaluation_rules = Table(
    "evaluation_rules",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("sampling", Float, nullable=False),
    Column("filters", JSON, nullable=False),
    Column("assignments", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
