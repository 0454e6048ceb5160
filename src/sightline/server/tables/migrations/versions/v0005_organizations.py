"""Keys of organisations, roles in single projects, what is said about projects and keys."""

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("metadata", sa.JSON(), nullable=True))
    op.add_column("api_keys", sa.Column("note", sa.String(length=1000), nullable=True))
    op.add_column("api_keys", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "organization_keys",
        sa.Column("public_key", sa.String(length=128), nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("display_secret_key", sa.String(length=32), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _belongs("organization_keys", "organization_id", "organizations"),
        sa.PrimaryKeyConstraint("public_key", name="pk_organization_keys"),
    )
    op.create_index("ix_organization_keys_organization_id", "organization_keys", ["organization_id"])
    op.create_table(
        "project_memberships",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _belongs("project_memberships", "project_id", "projects"),
        _belongs("project_memberships", "user_id", "users"),
        sa.PrimaryKeyConstraint("project_id", "user_id", name="pk_project_memberships"),
    )
    op.create_index("ix_project_memberships_user_id", "project_memberships", ["user_id"])


def downgrade() -> None:
    op.drop_table("project_memberships")
    op.drop_table("organization_keys")
    with op.batch_alter_table("api_keys") as keys:
        keys.drop_column("expires_at")
        keys.drop_column("note")
    with op.batch_alter_table("projects") as projects:
        projects.drop_column("metadata")


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE")
