"""Dashboards with their widgets; evaluators with their versions and rules."""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

TABLES = ("dashboards", "dashboard_widgets", "evaluators", "evaluator_versions", "evaluation_rules")
"""Created in this order, dropped in reverse."""


def upgrade() -> None:
    _dashboards()
    _evaluators()
    for table in ("dashboards", "dashboard_widgets", "evaluator_versions", "evaluation_rules"):
        op.create_index(f"ix_{table}_project_id", table, ["project_id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=length) if length else sa.Text(), nullable=nullable)


def _json(*names: str) -> "list[sa.Column[object]]":
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _moments(*names: str) -> "list[sa.Column[object]]":
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]


def _of_project(table: str) -> tuple["sa.Column[str]", "sa.Column[str]", sa.Constraint, sa.Constraint]:
    """An id of its own and the project it belongs to."""
    return (
        _text("id", 64),
        _text("project_id", 64),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=f"fk_{table}_project_id_projects", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _dashboards() -> None:
    op.create_table(
        "dashboards",
        *_of_project("dashboards"),
        _text("name", 255),
        _text("description"),
        *_json("placements", "filters"),
        *_moments("created_at", "updated_at"),
    )
    op.create_table(
        "dashboard_widgets",
        *_of_project("dashboard_widgets"),
        _text("name", 255),
        _text("description"),
        _text("view", 32),
        *_json("dimensions", "metrics", "filters"),
        _text("chart_type", 32),
        *_json("chart_config"),
        *_moments("created_at", "updated_at"),
    )


def _evaluators() -> None:
    op.create_table(
        "evaluators",
        *_of_project("evaluators"),
        _text("name", 255),
        _text("description", nullable=True),
        _text("kind", 16),
        *_moments("created_at", "updated_at"),
        sa.UniqueConstraint("project_id", "name", name="uq_evaluators_project_id_name"),
    )
    op.create_table(
        "evaluator_versions",
        *_of_project("evaluator_versions"),
        _text("evaluator_id", 64),
        sa.Column("version", sa.Integer(), nullable=False),
        *_json("definition"),
        *_moments("created_at"),
        sa.ForeignKeyConstraint(
            ["evaluator_id"],
            ["evaluators.id"],
            name="fk_evaluator_versions_evaluator_id_evaluators",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("evaluator_id", "version", name="uq_evaluator_versions_evaluator_id_version"),
    )
    op.create_table(
        "evaluation_rules",
        *_of_project("evaluation_rules"),
        _text("name", 255),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("sampling", sa.Float(), nullable=False),
        *_json("filters", "assignments"),
        *_moments("created_at", "updated_at"),
    )
