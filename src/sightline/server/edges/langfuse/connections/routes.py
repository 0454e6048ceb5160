"""Connections to model providers through Langfuse's paths. Secrets are write-only."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, field_validator

from sightline.server.accounts.records import Access
from sightline.server.connections.records import Adapter, ConnectionId, LlmConnection, LlmConnectionDraft
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.wire.any_json import JsonObject
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Paged
from sightline.server.edges.services import Served

router = APIRouter(route_class=PlainJson, prefix="/api/public/llm-connections")

Reader = Annotated[Access, key_for("connections.read")]
Manager = Annotated[Access, key_for("connections.manage")]


class ConnectionBody(Body):
    provider: str = Field(min_length=1, max_length=255)
    adapter: Adapter
    secret_key: str = Field(min_length=1, max_length=20_000)
    base_url: str | None = Field(default=None, validation_alias="baseURL", max_length=2_000)
    custom_models: list[str] | None = Field(default=None, max_length=1_000)
    with_default_models: bool | None = None
    extra_headers: dict[str, str] | None = Field(default=None, max_length=100)
    config: JsonObject | None = None

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, given: str | None) -> str | None:
        if given is not None and not given.startswith(("http://", "https://")):
            raise ValueError("an address begins with http:// or https://")
        return given

    def draft(self) -> LlmConnectionDraft:
        return LlmConnectionDraft(
            provider=self.provider,
            adapter=self.adapter,
            secret_key=self.secret_key,
            base_url=self.base_url,
            custom_models=tuple(self.custom_models or ()),
            with_default_models=self.with_default_models is not False,
            headers=self.extra_headers or {},
            config=self.config,
        )


@router.get("")
async def list_connections(who: Reader, services: Served, params: Annotated[Paged, Query()]) -> Json:
    connections, total = await services.llm_connections.page(who.project_id, params.limit, params.offset)
    return Json(params.paged([_connection(each) for each in connections], total))


@router.put("")
async def put(body: ConnectionBody, who: Manager, services: Served) -> Json:
    """Upsert a connection by provider: 201 when it was created, 200 when it replaced one."""
    connection, new = await services.llm_connections.put(who.project_id, body.draft())
    return Json(_connection(connection), status_code=201 if new else 200)


@router.delete("/{connectionId}")
async def delete(connectionId: str, who: Manager, services: Served) -> Json:
    await services.llm_connections.delete(who.project_id, ConnectionId(connectionId))
    return Json({"message": "LLM connection deleted"})


def _connection(connection: LlmConnection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "provider": connection.provider,
        "adapter": connection.adapter,
        "displaySecretKey": connection.display_secret_key,
        "baseURL": connection.base_url,
        "customModels": list(connection.custom_models),
        "withDefaultModels": connection.with_default_models,
        "extraHeaderKeys": list(connection.header_names),
        "config": connection.config,
        "createdAt": iso(connection.created_at),
        "updatedAt": iso(connection.updated_at),
    }
