"""Organisations, projects, people, their memberships and keys, and what signs them in."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from sightline.server.tables.metadata import UtcDateTime, metadata

ID = String(64)
"""Column type of ids."""
HASH = String(64)
"""SHA-256 or HMAC-SHA-256, hexadecimal."""
NATURAL_KEY = String(64)
"""Natural key: SHA-256 of the fields that make a repeated POST idempotent; unique, NULL where another row has it."""

organizations = Table(
    "organizations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ForeignKey(organizations.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("metadata", JSON(none_as_null=True)),
    Column("retention_days", Integer),
    Column("protected_labels", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", ID, primary_key=True),
    Column("email", String(320), nullable=False, index=True),
    Column("name", String(255)),
    Column("password_hash", String(255)),
    # The organisation that made this row, empty for the installation itself. Nobody proves that an address is theirs,
    # so an address is unique per maker only: what one organisation writes neither meets nor tells of another's people.
    Column("made_by", ID, nullable=False, server_default=""),
    # The account that accepted an invitation made out to this row; NULL where the row is an account of its own.
    Column("account_id", ForeignKey("users.id", ondelete="CASCADE"), index=True),
    # When a person accepted; NULL while the row is only an invitation.
    Column("joined_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("made_by", "email"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("organization_id", ForeignKey(organizations.c.id, ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("public_key", String(128), primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", HASH, nullable=False),
    Column("display_secret_key", String(32), nullable=False),
    Column("note", String(1000)),
    Column("scopes", String(64)),  # separated by spaces, as in OAuth; NULL grants nothing
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
)

organization_keys = Table(
    "organization_keys",
    metadata,
    Column("public_key", String(128), primary_key=True),
    Column("organization_id", ForeignKey(organizations.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", HASH, nullable=False),
    Column("display_secret_key", String(32), nullable=False),
    Column("note", String(1000)),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
)

project_memberships = Table(
    "project_memberships",
    metadata,
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("address", String(64)),
    Column("browser", String(255)),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("purpose", String(16), nullable=False, server_default="sign-in"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    # HMAC of the name that was tried, known here or not: the table tells neither names nor who exists.
    Column("key_hash", HASH, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("locked_until", UtcDateTime, nullable=False),
)
