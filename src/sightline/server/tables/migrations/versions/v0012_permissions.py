"""Scopes of API keys, protected labels of projects, and the audit log, which triggers keep append-only.

One change they let through: the target and the details of a row go when the project goes whose words they are.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None

FULL = "admin ingest read scores write"
"""Keys that are there already keep what they can do."""
REFUSED = "audit events are append-only"
STAY = (
    "id",
    "at",
    "organization_id",
    "project_id",
    "actor_kind",
    "actor_id",
    "address",
    "action",
    "target_kind",
    "outcome",
)
"""Columns of the audit log that never change."""
FUNCTION = f"""
CREATE FUNCTION refuse_audit_change() RETURNS trigger AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.target_id IS NULL AND NEW.details IS NULL
    AND ({", ".join(f"NEW.{name}" for name in STAY)}) IS NOT DISTINCT FROM ({", ".join(f"OLD.{name}" for name in STAY)})
  THEN RETURN NEW; END IF;
  RAISE EXCEPTION '{REFUSED}';
END $$ LANGUAGE plpgsql
"""
WITHOUT_WORDS = " AND ".join(
    ("NEW.target_id IS NULL", "NEW.details IS NULL", *(f"NEW.{name} IS OLD.{name}" for name in STAY))
)


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
        for change, when in (("UPDATE", f"WHEN NOT ({WITHOUT_WORDS}) "), ("DELETE", "")):
            op.execute(
                f"CREATE TRIGGER audit_events_no_{change.lower()} BEFORE {change} ON audit_events {when}"
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
