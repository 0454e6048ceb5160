"""Datasets with the history of their items, runs over them, and what scores may look like."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from sightline.server.tables.accounts import ID, NATURAL_KEY, projects
from sightline.server.tables.metadata import UtcDateTime, metadata

ITEM_ID = String(255)
"""Column type of item ids, which clients choose."""
TRACE_ID = String(128)
"""Column type of trace ids."""
ANY_JSON = JSON(none_as_null=True)
"""Column type of JSON, with None as SQL NULL."""

datasets = Table(
    "datasets",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("metadata", ANY_JSON),
    Column("input_schema", ANY_JSON),
    Column("expected_output_schema", ANY_JSON),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("project_id", "name"),
)

dataset_items = Table(
    "dataset_items",
    metadata,
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), primary_key=True),
    Column("id", ITEM_ID, primary_key=True),
    Column("valid_from", UtcDateTime, primary_key=True),
    Column("valid_to", UtcDateTime),
    Column("dataset_id", ForeignKey(datasets.c.id, ondelete="CASCADE"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("input", ANY_JSON),
    Column("expected_output", ANY_JSON),
    Column("metadata", ANY_JSON),
    Column("source_trace_id", TRACE_ID),
    Column("source_observation_id", TRACE_ID),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_dataset_items_dataset_id_created_at", "dataset_id", "created_at"),
    Index("ix_dataset_items_project_id_source_trace_id", "project_id", "source_trace_id"),
)
"""One row per version of an item (slowly changing dimension, type 2); the current one has no `valid_to`, a deleted
item has no current one."""

dataset_runs = Table(
    "dataset_runs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("dataset_id", ForeignKey(datasets.c.id, ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("metadata", ANY_JSON),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("dataset_id", "name"),
)

dataset_run_items = Table(
    "dataset_run_items",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False),
    Column("run_id", ForeignKey(dataset_runs.c.id, ondelete="CASCADE"), nullable=False),
    Column("item_id", ITEM_ID, nullable=False),
    Column("item_valid_from", UtcDateTime, nullable=False),
    Column("trace_id", TRACE_ID, nullable=False),
    Column("observation_id", TRACE_ID),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_dataset_run_items_run_id_created_at", "run_id", "created_at"),
    Index("ix_dataset_run_items_project_id_item_id", "project_id", "item_id"),
)
"""Which trace ran which state of an item."""

score_configs = Table(
    "score_configs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(35), nullable=False),
    Column("data_type", String(16), nullable=False),
    Column("is_archived", Boolean, nullable=False),
    Column("categories", ANY_JSON),
    Column("min_value", Float),
    Column("max_value", Float),
    Column("description", Text),
    Column("natural_key", NATURAL_KEY),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("uq_score_configs_natural_key", "project_id", "natural_key", unique=True),
)
