"""Scopes of API keys, protected labels of projects, and the audit log, which triggers keep append-only."""

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None

FULL = "admin ingest read scores write"
"""Keys that are there already keep what they can do."""
REFUSED = "audit events are append-only"
FUNCTION = f"""
CREATE FUNCTION refuse_audit_change() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '{REFUSED}'; END $$ LANGUAGE plpgsql
"""


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("scopes", sa.String(64), nullable=True))
    op.execute(sa.text("UPDATE api_keys SET scopes = :full").bindparams(full=FULL))
    op.add_column("projects", sa.Column("protected_labels", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "audit_events",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.String(64)),
        sa.Column("project_id", sa.String(64)),
        sa.Column("actor_kind", sa.String(32), nullable=False),
        sa.Column("actor_id", sa.String(128)),
        sa.Column("address", sa.String(64)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target_kind", sa.String(32), nullable=False),
        sa.Column("target_id", sa.String(1000)),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True)),
    )
    for scope in ("project", "organization"):
        op.create_index(f"ix_audit_events_{scope}", "audit_events", [f"{scope}_id", "at", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_events_no_{change.lower()} BEFORE {change} ON audit_events "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
            )
    else:
        op.execute(FUNCTION)
        op.execute(
            "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events "
            "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
        )


def downgrade() -> None:
    op.drop_table("audit_events")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.drop_column("projects", "protected_labels")
    op.drop_column("api_keys", "scopes")
