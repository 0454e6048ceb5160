"""All SQL of connections. Secrets come and go as ciphertext."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import ProjectId
from sightline.server.connections.records import LlmConnection
from sightline.server.runtime.rows import ProjectRows
from sightline.server.tables.connections import llm_connections

LISTS = ("custom_models", "header_names")
"""Columns that JSON gives back as lists and records hold as tuples."""


@dataclass(frozen=True, kw_only=True)
class SealedConnection:
    """A connection with its secrets as ciphertext."""

    connection: LlmConnection
    secret_key: str
    headers: str | None


class LlmConnectionStore(ProjectRows[SealedConnection]):
    """Connections of one project, in one unit of work."""

    def __init__(self, connection: AsyncConnection, project_id: ProjectId) -> None:
        super().__init__(connection, llm_connections, project_id, _record, _row)

    async def of_provider(self, provider: str) -> SealedConnection | None:
        return await self.first(llm_connections.c.provider == provider)


def _record(row: Mapping[str, Any]) -> SealedConnection:
    names = {each.name for each in fields(LlmConnection)}
    given: dict[str, Any] = {
        name: tuple(value) if name in LISTS else value for name, value in row.items() if name in names
    }
    return SealedConnection(
        connection=LlmConnection(**given), secret_key=row["sealed_secret_key"], headers=row["sealed_headers"]
    )


def _row(sealed: SealedConnection) -> Mapping[str, Any]:
    lists = {name: list(getattr(sealed.connection, name)) for name in LISTS}
    secrets = {"sealed_secret_key": sealed.secret_key, "sealed_headers": sealed.headers}
    return vars(sealed.connection) | lists | secrets
