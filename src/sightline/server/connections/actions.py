"""Connections to model providers. Secrets are write-only and encrypted at rest."""

from collections.abc import Mapping
from typing import Any

import orjson

from sightline.server.accounts.records import ProjectId
from sightline.server.connections.records import Adapter, ConnectionId, LlmConnection, LlmConnectionDraft, Opened
from sightline.server.connections.store import LlmConnectionStore, SealedConnection
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.ids import new_id
from sightline.server.runtime.seal import Seal

SETTING: Mapping[Adapter, tuple[str, type, bool]] = {
    "bedrock": ("region", str, True),
    "google-vertex-ai": ("location", str, False),
    "openai": ("useResponsesApi", bool, False),
}
"""The one setting an adapter takes, its type, and whether it must be given."""


class LlmConnections:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def page(self, project_id: ProjectId, limit: int, offset: int) -> tuple[list[LlmConnection], int]:
        """A page (limit/offset pagination), newest first, and the total count."""
        async with self._database.reading() as connection:
            found, total = await LlmConnectionStore(connection, project_id).page(limit, offset)
        return [each.connection for each in found], total

    async def put(self, project_id: ProjectId, draft: LlmConnectionDraft) -> tuple[LlmConnection, bool]:
        """Upsert a connection by provider; True when it was created."""
        _check(draft.adapter, draft.config)
        async with self._database.work() as work:
            store = LlmConnectionStore(work.connection, project_id)
            old = await store.of_provider(draft.provider)
            sealed = self._sealed(project_id, draft, old.connection if old else None)
            await (store.change(sealed) if old else store.add(sealed))
        return sealed.connection, old is None

    async def delete(self, project_id: ProjectId, connection_id: ConnectionId) -> None:
        async with self._database.work() as work:
            if not await LlmConnectionStore(work.connection, project_id).delete(connection_id):
                raise NotFound(f"LLM connection {connection_id!r} does not exist in this project")

    async def open(self, project_id: ProjectId, provider: str) -> Opened:
        """A connection with its secrets, for what calls the provider."""
        async with self._database.reading() as connection:
            found = await LlmConnectionStore(connection, project_id).of_provider(provider)
        if found is None:
            raise NotFound(f"no LLM connection is named {provider!r} in this project")
        place = place_of(project_id, found.connection.id)
        headers = orjson.loads(self._seal.open(found.headers, place)) if found.headers else {}
        secret_key = self._seal.open(found.secret_key, place)
        return Opened(connection=found.connection, secret_key=secret_key, headers=headers)

    def _sealed(self, project_id: ProjectId, draft: LlmConnectionDraft, old: LlmConnection | None) -> SealedConnection:
        moment = now()
        connection = LlmConnection(
            id=old.id if old else ConnectionId(new_id()),
            project_id=project_id,
            provider=draft.provider,
            adapter=draft.adapter,
            display_secret_key=f"...{draft.secret_key[-4:]}",
            base_url=draft.base_url,
            custom_models=tuple(draft.custom_models),
            with_default_models=draft.with_default_models,
            header_names=tuple(draft.headers),
            config=draft.config,
            created_at=old.created_at if old else moment,
            updated_at=moment,
        )
        place = place_of(project_id, connection.id)
        headers = self._seal.close(orjson.dumps(dict(draft.headers)).decode(), place) if draft.headers else None
        return SealedConnection(
            connection=connection, secret_key=self._seal.close(draft.secret_key, place), headers=headers
        )


def place_of(project_id: ProjectId, connection_id: ConnectionId) -> str:
    """Associated data that its secrets are encrypted with."""
    return f"LLM connection {project_id}/{connection_id}"


def _check(adapter: Adapter, config: Mapping[str, Any] | None) -> None:
    """InvalidRequest unless the config is what its adapter takes."""
    setting = SETTING.get(adapter)
    if setting is None:
        if config is not None:
            raise InvalidRequest(f"adapter {adapter!r} takes no config: leave it out")
        return
    name, kind, needed = setting
    if config is None:
        if needed:
            raise InvalidRequest(f"adapter {adapter!r} needs a config with its {name}")
        return
    if set(config) != {name} or not isinstance(config[name], kind) or config[name] == "":
        raise InvalidRequest(f"config of adapter {adapter!r} is one entry: {name}, as a {kind.__name__}")
