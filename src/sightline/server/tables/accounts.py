"""Organisations, projects, people, their memberships and keys, and what signs them in."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table

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
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(255)),
    Column("password_hash", String(255)),
    Column("created_at", UtcDateTime, nullable=False),
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
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("user_id", ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
)
