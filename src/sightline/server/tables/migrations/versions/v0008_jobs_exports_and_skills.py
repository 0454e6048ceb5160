"""Leases of jobs, exports to stores, skills; how long projects keep data, when keys and files were last used."""

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

TABLES = ("leases", "blob_exports", "skill_versions", "skill_contents")
"""Created in this order, dropped in reverse."""
MOMENTS = (("api_keys", "last_used_at"), ("organization_keys", "last_used_at"), ("media", "used_at"))


def upgrade() -> None:
    op.create_table(
        "leases",
        _text("name", 128),
        _text("holder", 64),
        *_moments("until"),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    _exports()
    _skills()
    op.add_column("projects", sa.Column("retention_days", sa.Integer(), nullable=True))
    for table, column in MOMENTS:
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table, column in MOMENTS:
        op.drop_column(table, column)
    op.drop_column("projects", "retention_days")
    for table in reversed(TABLES):
        op.drop_table(table)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=length) if length else sa.Text(), nullable=nullable)


def _json(*names: str) -> "list[sa.Column[object]]":
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _moments(*names: str, nullable: bool = False) -> "list[sa.Column[object]]":
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=nullable) for name in names]


def _yes_or_no(*names: str) -> "list[sa.Column[bool]]":
    return [sa.Column(name, sa.Boolean(), nullable=False) for name in names]


def _of_project(table: str) -> tuple["sa.Column[str]", sa.Constraint]:
    return (
        _text("project_id", 64),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=f"fk_{table}_project_id_projects", ondelete="CASCADE"
        ),
    )


def _exports() -> None:
    op.create_table(
        "blob_exports",
        _text("id", 64),
        *_of_project("blob_exports"),
        _text("kind", 32),
        _text("bucket_name", 255),
        _text("endpoint", nullable=True),
        _text("region", 64),
        _text("access_key_id", nullable=True),
        _text("sealed_secret", nullable=True),
        _text("prefix"),
        _text("frequency", 32),
        *_yes_or_no("enabled", "force_path_style", "compressed"),
        _text("file_type", 16),
        _text("mode", 32),
        _text("source", 64),
        *_json("field_groups"),
        _text("last_error", nullable=True),
        *_moments("start_date", "last_sync_at", "next_sync_at", "last_error_at", nullable=True),
        *_moments("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_blob_exports"),
        sa.UniqueConstraint("project_id", name="uq_blob_exports_project_id"),
    )


def _skills() -> None:
    op.create_table(
        "skill_versions",
        _text("id", 64),
        *_of_project("skill_versions"),
        _text("name", 64),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("description"),
        *_json("frontmatter", "labels", "tags", "files"),
        _text("commit_message", nullable=True),
        _text("created_by", 255),
        *_moments("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_skill_versions"),
        sa.UniqueConstraint("project_id", "name", "version", name="uq_skill_versions_project_id_name_version"),
    )
    op.create_table(
        "skill_contents",
        *_of_project("skill_contents"),
        _text("sha256_base64", 64),
        _text("content"),
        *_moments("created_at"),
        sa.PrimaryKeyConstraint("project_id", "sha256_base64", name="pk_skill_contents"),
    )
