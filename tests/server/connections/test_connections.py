"""Connections to model providers through their actions: one a provider, secrets sealed and opened in place only."""

import pytest
from sqlalchemy import select, update

from server.conftest import ELSEWHERE, HERE, Storage
from sightline.server.connections.actions import LlmConnections
from sightline.server.connections.records import LlmConnectionDraft
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.seal import Seal, SealBroken
from sightline.server.tables.connections import llm_connections

KEY = b"k" * 32


@pytest.fixture
def connections(storage: Storage) -> LlmConnections:
    return LlmConnections(storage.database, Seal(KEY))


def draft(**fields: object) -> LlmConnectionDraft:
    given = {"provider": "ours", "adapter": "openai", "secret_key": "sk-secret-1234"} | fields
    return LlmConnectionDraft(**given)  # type: ignore[arg-type]


async def test_the_same_provider_again_replaces_the_connection(connections: LlmConnections):
    first, made = await connections.put(HERE, draft(headers={"x-team": "blue"}))
    second, made_again = await connections.put(HERE, draft(secret_key="sk-other-5678"))
    assert (made, made_again, second.id, second.created_at) == (True, False, first.id, first.created_at)
    opened = await connections.open(HERE, "ours")
    assert (opened.secret_key, dict(opened.headers)) == ("sk-other-5678", {})


async def test_secrets_are_neither_shown_nor_stored_as_they_are(connections: LlmConnections, storage: Storage):
    made, _ = await connections.put(HERE, draft(headers={"x-token": "hush"}))
    assert (made.display_secret_key, made.header_names) == ("...1234", ("x-token",))
    async with storage.database.reading() as connection:
        row = (await connection.execute(select(llm_connections))).one()
    assert not any(secret in str(row) for secret in ("sk-secret", "hush"))


async def test_a_sealed_secret_does_not_open_in_another_project(connections: LlmConnections, storage: Storage):
    await connections.put(HERE, draft())
    async with storage.database.work() as work:
        await work.connection.execute(update(llm_connections).values(project_id=ELSEWHERE))
    with pytest.raises(SealBroken):
        await connections.open(ELSEWHERE, "ours")


async def test_connections_are_of_their_project(connections: LlmConnections):
    made, _ = await connections.put(HERE, draft())
    assert await connections.page(ELSEWHERE, 10, 0) == ([], 0)
    with pytest.raises(NotFound):
        await connections.open(ELSEWHERE, "ours")
    with pytest.raises(NotFound):
        await connections.delete(ELSEWHERE, made.id)
    await connections.delete(HERE, made.id)
    assert await connections.page(HERE, 10, 0) == ([], 0)


@pytest.mark.parametrize(
    ("adapter", "config", "said"),
    [
        ("bedrock", None, "needs a config with its region"),
        ("bedrock", {"region": ""}, "one entry: region"),
        ("openai", {"useResponsesApi": "yes"}, "one entry: useResponsesApi, as a bool"),
        ("anthropic", {"region": "eu"}, "takes no config"),
    ],
)
async def test_a_config_is_what_its_adapter_takes(
    connections: LlmConnections, adapter: str, config: dict[str, object] | None, said: str
):
    with pytest.raises(InvalidRequest, match=said):
        await connections.put(HERE, draft(adapter=adapter, config=config))
