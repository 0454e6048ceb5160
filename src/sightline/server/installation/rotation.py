"""Making a secret of the installation anew; what it protects follows where it can."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.connections.actions import place_of as place_of_connection
from sightline.server.connections.records import ConnectionId
from sightline.server.exports.actions import place_of_id as place_of_export
from sightline.server.exports.records import ExportId
from sightline.server.runtime.database import Database
from sightline.server.runtime.seal import Seal, SealBroken
from sightline.server.runtime.secret import Secrets
from sightline.server.tables.accounts import api_keys, organization_keys
from sightline.server.tables.connections import llm_connections
from sightline.server.tables.exports import blob_exports

Row = Mapping[str, Any]

SEALED: Sequence[tuple[Table, tuple[str, ...], Callable[[Row], str]]] = (
    (
        llm_connections,
        ("sealed_secret_key", "sealed_headers"),
        lambda row: place_of_connection(ProjectId(row["project_id"]), ConnectionId(row["id"])),
    ),
    (
        blob_exports,
        ("sealed_secret",),
        lambda row: place_of_export(ProjectId(row["project_id"]), ExportId(row["id"])),
    ),
)
"""Columns of ciphertexts, and the associated data of a row's."""


async def rotate(secrets: Secrets, name: str, database: Database) -> str:
    """Make the secret anew; a sentence about what depends on it. Only while no server runs on the folder."""
    if name == "seal":
        return await _rotate_seal(secrets, database)
    secrets.rotate(name)
    if name == "pepper":
        return f"{await _keys(database)} API keys are unknown from now on: make new ones on the page of API keys"
    return "media addresses signed before have ended"


async def _rotate_seal(secrets: Secrets, database: Database) -> str:
    """Seal every stored credential with a new key. Cut off, it is taken up where it was: the new key comes first."""
    next_path = secrets.prepare("seal")
    new = Seal(secrets.read(next_path))
    old = None if secrets.is_damaged("seal") else Seal(secrets.of("seal"))
    lost = sealed = 0
    async with database.work() as work:
        for table, columns, place in SEALED:
            for found in (await work.connection.execute(select(table))).mappings().all():
                row = dict(found)
                for column in columns:
                    if row[column] is None:
                        continue
                    text = _opened(row[column], place(row), old, new)
                    lost, sealed = (lost + 1, sealed) if text is None else (lost, sealed + 1)
                    if text is not None:
                        await _put(work.connection, table, row, column, new.close(text, place(row)))
    next_path.replace(secrets.path_of("seal"))
    told = f"{sealed} stored credentials of other systems were sealed again"
    return f"{told}, {lost} cannot be opened and have to be given anew" if lost else told


def _opened(sealed: str, place: str, old: Seal | None, new: Seal) -> str | None:
    """The text; a row that an earlier try sealed already opens with the new key."""
    for seal in (old, new):
        if seal is not None:
            try:
                return seal.open(sealed, place)
            except SealBroken:
                continue
    return None


async def _put(connection: AsyncConnection, table: Table, row: Row, column: str, sealed: str) -> None:
    mine = and_(table.c.id == row["id"], table.c.project_id == row["project_id"])
    await connection.execute(update(table).where(mine).values({column: sealed}))


async def _keys(database: Database) -> int:
    async with database.reading() as connection:
        counts = [select(func.count()).select_from(table) for table in (api_keys, organization_keys)]
        return sum([(await connection.execute(count)).scalar_one() for count in counts])
