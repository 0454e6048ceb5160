"""Prompts, datasets with their runs, score configs."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

TABLES = (
    "prompts",
    "prompt_versions",
    "prompt_labels",
    "prompt_tags",
    "prompt_references",
    "datasets",
    "dataset_items",
    "dataset_runs",
    "dataset_run_items",
    "score_configs",
)
"""Created in this order, dropped in reverse."""


def upgrade() -> None:
    _prompts()
    _prompt_marks()
    _prompt_references()
    _datasets()
    _dataset_runs()
    _score_configs()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _id(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=64), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE")


def _prompts() -> None:
    op.create_table(
        "prompts",
        _id("id"),
        _id("project_id"),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        _belongs("prompts", "project_id", "projects"),
        sa.PrimaryKeyConstraint("id", name="pk_prompts"),
        sa.UniqueConstraint("project_id", "name", name="uq_prompts_project_id_name"),
    )
    op.create_table(
        "prompt_versions",
        _id("id"),
        _id("prompt_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("commit_message", sa.Text(), nullable=True),
        _id("created_by"),
        _moment("created_at"),
        _moment("updated_at"),
        _belongs("prompt_versions", "prompt_id", "prompts"),
        sa.PrimaryKeyConstraint("id", name="pk_prompt_versions"),
        sa.UniqueConstraint("prompt_id", "version", name="uq_prompt_versions_prompt_id_version"),
    )


def _prompt_marks() -> None:
    """Labels and tags."""
    op.create_table(
        "prompt_labels",
        _id("prompt_id"),
        sa.Column("label", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prompt_id", "version"],
            ["prompt_versions.prompt_id", "prompt_versions.version"],
            name="fk_prompt_labels_prompt_id_version_prompt_versions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prompt_id", "label", name="pk_prompt_labels"),
    )
    op.create_index("ix_prompt_labels_prompt_id_version", "prompt_labels", ["prompt_id", "version"])
    op.create_table(
        "prompt_tags",
        _id("prompt_id"),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _belongs("prompt_tags", "prompt_id", "prompts"),
        sa.PrimaryKeyConstraint("prompt_id", "tag", name="pk_prompt_tags"),
    )


def _prompt_references() -> None:
    op.create_table(
        "prompt_references",
        _id("parent_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        _id("project_id"),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=36), nullable=True),
        _belongs("prompt_references", "parent_id", "prompt_versions"),
        _belongs("prompt_references", "project_id", "projects"),
        sa.PrimaryKeyConstraint("parent_id", "position", name="pk_prompt_references"),
    )
    op.create_index("ix_prompt_references_project_id_name", "prompt_references", ["project_id", "name"])


def _datasets() -> None:
    op.create_table(
        "datasets",
        _id("id"),
        _id("project_id"),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("input_schema", sa.JSON(), nullable=True),
        sa.Column("expected_output_schema", sa.JSON(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _belongs("datasets", "project_id", "projects"),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.UniqueConstraint("project_id", "name", name="uq_datasets_project_id_name"),
    )
    op.create_table(
        "dataset_items",
        _id("project_id"),
        sa.Column("id", sa.String(length=255), nullable=False),
        _moment("valid_from"),
        _moment("valid_to", nullable=True),
        _id("dataset_id"),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("input", sa.JSON(), nullable=True),
        sa.Column("expected_output", sa.JSON(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=True),
        sa.Column("source_trace_id", sa.String(length=128), nullable=True),
        sa.Column("source_observation_id", sa.String(length=128), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _belongs("dataset_items", "project_id", "projects"),
        _belongs("dataset_items", "dataset_id", "datasets"),
        sa.PrimaryKeyConstraint("project_id", "id", "valid_from", name="pk_dataset_items"),
    )
    op.create_index("ix_dataset_items_dataset_id_created_at", "dataset_items", ["dataset_id", "created_at"])
    op.create_index("ix_dataset_items_project_id_source_trace_id", "dataset_items", ["project_id", "source_trace_id"])


def _dataset_runs() -> None:
    op.create_table(
        "dataset_runs",
        _id("id"),
        _id("project_id"),
        _id("dataset_id"),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _belongs("dataset_runs", "project_id", "projects"),
        _belongs("dataset_runs", "dataset_id", "datasets"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_runs"),
        sa.UniqueConstraint("dataset_id", "name", name="uq_dataset_runs_dataset_id_name"),
    )
    op.create_index("ix_dataset_runs_project_id", "dataset_runs", ["project_id"])
    op.create_table(
        "dataset_run_items",
        _id("id"),
        _id("project_id"),
        _id("run_id"),
        sa.Column("item_id", sa.String(length=255), nullable=False),
        _moment("item_valid_from"),
        sa.Column("trace_id", sa.String(length=128), nullable=False),
        sa.Column("observation_id", sa.String(length=128), nullable=True),
        _moment("created_at"),
        _belongs("dataset_run_items", "project_id", "projects"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["dataset_runs.id"], name="fk_dataset_run_items_run_id_dataset_runs", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_run_items"),
    )
    op.create_index("ix_dataset_run_items_run_id_created_at", "dataset_run_items", ["run_id", "created_at"])
    op.create_index("ix_dataset_run_items_project_id_item_id", "dataset_run_items", ["project_id", "item_id"])


def _score_configs() -> None:
    op.create_table(
        "score_configs",
        _id("id"),
        _id("project_id"),
        sa.Column("name", sa.String(length=35), nullable=False),
        sa.Column("data_type", sa.String(length=16), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=True),
        sa.Column("min_value", sa.Float(), nullable=True),
        sa.Column("max_value", sa.Float(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _belongs("score_configs", "project_id", "projects"),
        sa.PrimaryKeyConstraint("id", name="pk_score_configs"),
    )
    op.create_index("ix_score_configs_project_id", "score_configs", ["project_id"])
