"""A sequence of row versions for processes that share their stores: their clocks differ."""

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "row_versions",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_row_versions"),
    )


def downgrade() -> None:
    op.drop_table("row_versions")
