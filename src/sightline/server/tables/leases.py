"""Leases of background jobs: name, holder, expiry."""

from sqlalchemy import Column, String, Table

from sightline.server.tables.metadata import UtcDateTime, metadata

leases = Table(
    "leases",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
