"""Comments, annotation queues, feedback; connections to model providers."""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

TABLES = (
    "comments",
    "annotation_queues",
    "annotation_queue_items",
    "annotation_queue_assignments",
    "feedback",
    "llm_connections",
)
"""Created in this order, dropped in reverse."""


def upgrade() -> None:
    _comments()
    _queues()
    _queue_items()
    _feedback()
    _connections()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _text(name: str, length: int, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE")


def _of_project(table: str) -> tuple["sa.Column[str]", "sa.Column[str]", sa.Constraint, sa.Constraint]:
    """An id of its own and the project it belongs to."""
    return (
        _text("id", 64),
        _text("project_id", 64),
        _belongs(table, "project_id", "projects"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _comments() -> None:
    op.create_table(
        "comments",
        *_of_project("comments"),
        _text("object_type", 16),
        _text("object_id", 255),
        sa.Column("content", sa.Text(), nullable=False),
        _text("author_user_id", 255, nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
    )
    op.create_index("ix_comments_project_id", "comments", ["project_id", "object_type", "object_id"])


def _queues() -> None:
    op.create_table(
        "annotation_queues",
        *_of_project("annotation_queues"),
        _text("name", 255),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("score_config_ids", sa.JSON(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.UniqueConstraint("project_id", "name", name="uq_annotation_queues_project_id_name"),
    )
    op.create_table(
        "annotation_queue_assignments",
        _text("queue_id", 64),
        _text("user_id", 64),
        _moment("created_at"),
        _belongs("annotation_queue_assignments", "queue_id", "annotation_queues"),
        _belongs("annotation_queue_assignments", "user_id", "users"),
        sa.PrimaryKeyConstraint("queue_id", "user_id", name="pk_annotation_queue_assignments"),
    )
    op.create_index("ix_annotation_queue_assignments_user_id", "annotation_queue_assignments", ["user_id"])


def _queue_items() -> None:
    op.create_table(
        "annotation_queue_items",
        *_of_project("annotation_queue_items"),
        _text("queue_id", 64),
        _text("object_id", 255),
        _text("object_type", 16),
        _text("status", 16),
        _moment("completed_at", nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _belongs("annotation_queue_items", "queue_id", "annotation_queues"),
    )
    op.create_index("ix_annotation_queue_items_queue_id", "annotation_queue_items", ["queue_id", "created_at"])
    op.create_index("ix_annotation_queue_items_project_id", "annotation_queue_items", ["project_id", "object_id"])


def _feedback() -> None:
    op.create_table(
        "feedback",
        *_of_project("feedback"),
        _text("target_type", 16),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=True),
        sa.Column("reference_url", sa.Text(), nullable=True),
        _moment("created_at"),
    )
    op.create_index("ix_feedback_project_id", "feedback", ["project_id"])


def _connections() -> None:
    op.create_table(
        "llm_connections",
        *_of_project("llm_connections"),
        _text("provider", 255),
        _text("adapter", 32),
        sa.Column("sealed_secret_key", sa.Text(), nullable=False),
        _text("display_secret_key", 32),
        sa.Column("base_url", sa.Text(), nullable=True),
        sa.Column("custom_models", sa.JSON(), nullable=False),
        sa.Column("with_default_models", sa.Boolean(), nullable=False),
        sa.Column("sealed_headers", sa.Text(), nullable=True),
        sa.Column("header_names", sa.JSON(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.UniqueConstraint("project_id", "provider", name="uq_llm_connections_project_id_provider"),
    )
