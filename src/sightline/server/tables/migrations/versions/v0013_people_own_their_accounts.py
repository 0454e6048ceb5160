"""People own their accounts: invitations and reset links, lockout, and addresses that are unique per organisation.

Whoever has a password has an account. A person without one was made by a directory: they become an invitation, but for
the first of the installation, who signs in by the printed link.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None

ONE_EMAIL = "uq_users_email"
ONE_PER_MAKER = "uq_users_made_by_email"
ACCOUNT = "fk_users_account_id_users"

MAKERS = """
UPDATE users SET made_by = (SELECT organization_id FROM memberships WHERE memberships.user_id = users.id)
WHERE (SELECT count(*) FROM memberships WHERE memberships.user_id = users.id) = 1
AND id <> (SELECT id FROM users ORDER BY created_at, id LIMIT 1)
"""
"""A person in one organisation was made by it; who made one in several is not known."""
JOINED = """
UPDATE users SET joined_at = created_at
WHERE password_hash IS NOT NULL OR id = (SELECT id FROM users ORDER BY created_at, id LIMIT 1)
"""


def upgrade() -> None:
    with _referring_rows_kept(), op.batch_alter_table("users") as users:
        users.drop_constraint(ONE_EMAIL, type_="unique")
        users.add_column(sa.Column("made_by", sa.String(length=64), nullable=False, server_default=""))
        users.add_column(sa.Column("account_id", sa.String(length=64), nullable=True))
        users.add_column(sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
        users.create_foreign_key(ACCOUNT, "users", ["account_id"], ["id"], ondelete="CASCADE")
        users.create_unique_constraint(ONE_PER_MAKER, ["made_by", "email"])
    op.create_index("ix_users_email", "users", ["email"])
    op.create_index("ix_users_account_id", "users", ["account_id"])
    op.execute(sa.text(MAKERS))
    op.execute(sa.text(JOINED))
    op.add_column("sessions", sa.Column("address", sa.String(length=64), nullable=True))
    op.add_column("sessions", sa.Column("browser", sa.String(length=255), nullable=True))
    op.add_column("sign_in_links", sa.Column("purpose", sa.String(length=16), nullable=False, server_default="sign-in"))
    op.create_table(
        "sign_in_attempts",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_sign_in_attempts"),
    )


def downgrade() -> None:
    """Invitations go: the older version would take them for people, and knows one row an address."""
    op.drop_table("sign_in_attempts")
    op.execute(sa.text("DELETE FROM sign_in_links WHERE purpose <> 'sign-in'"))
    op.drop_column("sign_in_links", "purpose")
    op.drop_column("sessions", "browser")
    op.drop_column("sessions", "address")
    op.execute(sa.text("DELETE FROM users WHERE account_id IS NOT NULL OR joined_at IS NULL"))
    op.drop_index("ix_users_account_id", "users")
    op.drop_index("ix_users_email", "users")
    with _referring_rows_kept(), op.batch_alter_table("users") as users:
        users.drop_constraint(ONE_PER_MAKER, type_="unique")
        users.drop_constraint(ACCOUNT, type_="foreignkey")
        for column in ("joined_at", "account_id", "made_by"):
            users.drop_column(column)
        users.create_unique_constraint(ONE_EMAIL, ["email"])


@contextmanager
def _referring_rows_kept() -> Iterator[None]:
    """SQLite alters a table by copying it, and dropping the old one cascades to what refers to it."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        yield
        return
    inspector = sa.inspect(connection)
    referring = [
        table
        for table in inspector.get_table_names()
        if table != "users" and any(key["referred_table"] == "users" for key in inspector.get_foreign_keys(table))
    ]
    for table in referring:
        op.execute(sa.text(f'CREATE TEMPORARY TABLE "kept_{table}" AS SELECT * FROM "{table}"'))  # noqa: S608
    yield
    for table in referring:
        op.execute(sa.text(f'INSERT INTO "{table}" SELECT * FROM "kept_{table}"'))  # noqa: S608
        op.execute(sa.text(f'DROP TABLE "kept_{table}"'))
