"""Evaluators may share a name: their ids tell them apart, as Langfuse's clients expect."""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

NAME = "uq_evaluators_project_id_name"
INDEX = "ix_evaluators_project_id"


def upgrade() -> None:
    _keep_versions()
    with op.batch_alter_table("evaluators") as table:
        table.drop_constraint(NAME, type_="unique")
    _bring_versions_back()
    op.create_index(INDEX, "evaluators", ["project_id"])


def downgrade() -> None:
    op.drop_index(INDEX, "evaluators")
    _keep_versions()
    with op.batch_alter_table("evaluators") as table:
        table.create_unique_constraint(NAME, ["project_id", "name"])
    _bring_versions_back()


def _keep_versions() -> None:
    """SQLite alters a table by copying it, and dropping the old one cascades to what refers to it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text("CREATE TEMPORARY TABLE kept_versions AS SELECT * FROM evaluator_versions"))


def _bring_versions_back() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text("INSERT INTO evaluator_versions SELECT * FROM kept_versions"))
        op.execute(sa.text("DROP TABLE kept_versions"))
