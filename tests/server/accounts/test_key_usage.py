"""When keys were last used is known to the minute, and nobody waits for it to be written."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from server.conftest import HERE, Storage
from server.hands import Time
from sightline.server.accounts.actions import Accounts, Organizations
from sightline.server.accounts.records import KeyDraft, OrganizationId
from sightline.server.runtime.clock import clock
from sightline.server.runtime.errors import Unauthorized

LAB = OrganizationId("lab")
START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def time() -> Iterator[Time]:
    ours = Time(START)
    with clock(ours):
        yield ours


async def last_used(accounts: Accounts, public_key: str) -> datetime | None:
    return {key.public_key: key.last_used_at for key in await accounts.keys(HERE)}[public_key]


async def test_a_key_says_when_it_was_last_used(storage: Storage, time: Time):
    accounts = storage.accounts
    made = await accounts.create_key(HERE)
    public_key, secret_key = made.key.public_key, made.secret_key
    await accounts.by_key(public_key, secret_key)
    assert await last_used(accounts, public_key) is None
    await accounts.write_usage()
    assert await last_used(accounts, public_key) == START
    time.now += timedelta(minutes=5)
    await accounts.by_public_key(public_key)
    await accounts.write_usage()
    assert await last_used(accounts, public_key) == time.now
    time.now += timedelta(minutes=5)
    await accounts.write_usage()
    assert await last_used(accounts, public_key) == START + timedelta(minutes=5)


async def test_a_wrong_secret_is_no_use_of_a_key(storage: Storage, time: Time):
    made = await storage.accounts.create_key(HERE)
    with pytest.raises(Unauthorized):
        await storage.accounts.by_key(made.key.public_key, "sk-lf-wrong")
    await storage.accounts.write_usage()
    assert await last_used(storage.accounts, made.key.public_key) is None


async def test_an_organisations_key_says_so_too(storage: Storage, time: Time):
    organizations = Organizations(storage.database, storage.accounts, pepper=b"pepper")
    made = await organizations.create_key(LAB, KeyDraft())
    await organizations.by_key(made.key.public_key, made.secret_key)
    await storage.accounts.write_usage()
    assert [key.last_used_at for key in await organizations.keys(LAB)] == [START]


async def test_a_key_ends_when_it_was_said_to_end(storage: Storage, time: Time):
    organizations = Organizations(storage.database, storage.accounts, pepper=b"pepper")
    draft = KeyDraft(expires_at=START + timedelta(days=1))
    made = await organizations.create_project_key(LAB, HERE, draft)
    assert (await storage.accounts.by_key(made.key.public_key, made.secret_key)).project_id == HERE
    time.now += timedelta(days=2)
    storage.accounts.forget_keys()  # As it does by itself within seconds.
    with pytest.raises(Unauthorized):
        await storage.accounts.by_key(made.key.public_key, made.secret_key)
