"""The sequence of row versions that processes on one database share."""

from sqlalchemy import BigInteger, Column, String, Table

from sightline.server.tables.metadata import metadata

row_versions = Table(
    "row_versions",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("high", BigInteger, nullable=False),
)
