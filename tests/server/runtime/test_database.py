"""Units of work: committed whole or not at all."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Unavailable


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return (await connection.execute(text("SELECT count(*) FROM organizations"))).scalar_one()


INSERT = "INSERT INTO organizations (id, name, created_at) VALUES (:id, 'n', '2026-01-01')"


async def test_work_commits_at_its_end_and_then_acts(database: Database):
    acts: list[int] = []
    async with database.work() as work:
        await work.connection.execute(text(INSERT), {"id": "a"})
        work.after_commit(lambda: acts.append(1))
        assert not acts
    assert (await count(database), acts) == (1, [1])


async def test_work_that_raises_leaves_nothing_behind(database: Database):
    acts: list[int] = []

    async def fail() -> None:
        async with database.work() as work:
            await work.connection.execute(text(INSERT), {"id": "a"})
            work.after_commit(lambda: acts.append(1))
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await fail()
    assert (await count(database), acts) == (0, [])


async def test_writers_queue_and_readers_do_not_wait(database: Database):
    async def add(number: int) -> None:
        async with database.work() as work:
            seen = (await work.connection.execute(text("SELECT count(*) FROM organizations"))).scalar_one()
            assert await count(database) == seen
            await work.connection.execute(text(INSERT), {"id": f"o{number}"})

    await asyncio.gather(*(add(number) for number in range(20)))
    assert await count(database) == 20


async def test_sqlite_is_safe_to_kill_and_checks_references(tmp_path: Path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/sqlite.db")
    async with database.reading() as connection:
        settings = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    await database.close()
    assert settings == ["wal", 2, 1]


async def test_a_database_that_cannot_be_had_is_named_without_its_password():
    database = Database("postgresql+asyncpg://ada:secret@127.0.0.1:1/x")
    with pytest.raises(Unavailable, match=r"SIGHTLINE_DATABASE_URL") as refusal:
        await database.ping()
    assert "secret" not in refusal.value.message
    await database.close()
