"""Schema migrations of both databases, run at every start."""

import asyncio
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import Connection, inspect, text

from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Unavailable
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables.observations import ANALYTICS_CHANGES, ANALYTICS_TABLES

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0013"
"""The newest migration; a test compares it with the migrations folder."""


UNHURRIED = "alter_sync = 0, mutations_sync = 0, max_execution_time = 0"
"""Asynchronous DDL: a mutation of a large table runs in the background; a start does not wait for it."""


class NewerSchema(Unavailable):
    """A newer version of Sightline has written here: this one does not know what its tables mean."""

    def __init__(self, where: str, version: str) -> None:
        super().__init__(
            f"{where} was written by a newer version of Sightline (schema {version}, this version knows {HEAD}): "
            "install that version, or choose another folder with --data-dir"
        )


async def check_schema(database_url: str) -> str | None:
    """The revision of the database, None for an empty one; NewerSchema when this version is too old for it."""
    database = Database(database_url)
    try:
        await database.ping()
        async with database.reading() as connection:
            version = await connection.run_sync(_version)
    finally:
        await database.close()
    if version is not None and version > HEAD:
        raise NewerSchema(database.engine.url.render_as_string(), version)
    return version


async def migrate(database_url: str) -> None:
    """Migrate the relational schema to the head revision, in one transaction."""
    database = Database(database_url)
    try:
        await database.ping()
        async with database.work() as work:
            await work.connection.run_sync(_upgrade)
    finally:
        await database.close()


async def migrate_observations(engine: ObservationsEngine) -> None:
    """Create missing tables of the analytics engine and apply pending changes. Idempotent."""
    for statement in ANALYTICS_TABLES:
        await engine.execute(statement)
    applied = {row["name"] for row in await engine.query("SELECT name FROM applied_changes")}
    for name, statements in ANALYTICS_CHANGES.items():
        if name not in applied:
            for statement in statements:
                await engine.execute(f"{statement} SETTINGS {UNHURRIED}")
            await asyncio.to_thread(engine.insert, "applied_changes", [orjson.dumps({"name": name})])


def migration_config() -> "Config":
    """Alembic's configuration: the scripts are found inside the installed package."""
    # Alembic takes a quarter of a second to import, and a start on an up-to-date folder does not need it.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "sightline.server.tables:migrations")
    return config


def _upgrade(connection: Connection) -> None:
    if _version(connection) == HEAD:
        return
    if connection.dialect.name == "postgresql":
        # Advisory lock: of several processes that start at once, one migrates and the others find it done.
        connection.execute(text("SELECT pg_advisory_xact_lock(7411297)"))
        if _version(connection) == HEAD:
            return
    from alembic import command  # As above: only a folder that needs it pays for it.

    config = migration_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
