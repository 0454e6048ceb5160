"""The schema: one migration head, the same tables as declared, found inside the package."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select

from server.cluster import Place
from sightline.server.runtime.database import Database
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables import accounts, evaluators, media, migrate, migrate_observations
from sightline.server.tables.metadata import metadata
from sightline.server.tables.migration import HEAD, migration_config

DECLARED = (accounts.users, media.media)


def test_there_is_one_head_and_it_is_the_one_named():
    assert ScriptDirectory.from_config(migration_config()).get_heads() == [HEAD]


async def test_migrating_gives_the_tables_that_are_declared(database: Database):
    async with database.reading() as connection:
        difference = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": False}), metadata)
        )
    assert difference == []
    assert {table.name for table in DECLARED} < set(metadata.tables)


async def test_evaluators_keep_their_versions_as_their_table_changes(place: Place):
    database = Database(place.database)
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    times = {"created_at": moment, "updated_at": moment}
    judge = {"id": "e", "project_id": "p", "name": "kind", "kind": "code", **times}
    version = {"id": "v", "project_id": "p", "evaluator_id": "e", "version": 1, "definition": {}, "created_at": moment}
    async with database.work() as work:
        await work.connection.run_sync(lambda sync: run(sync, "upgrade", "0006"))
        await work.connection.execute(insert(accounts.organizations).values(id="o", name="o", created_at=moment))
        project = {"id": "p", "organization_id": "o", "name": "p", "metadata": {}, "created_at": moment}
        await work.connection.execute(insert(accounts.projects).values(**project))
        await work.connection.execute(insert(evaluators.evaluators).values(**judge))
        await work.connection.execute(insert(evaluators.evaluator_versions).values(**version))
    for direction, revision in (("upgrade", "0007"), ("downgrade", "0006"), ("upgrade", "0007")):
        async with database.work() as work:
            await work.connection.run_sync(partial(run, direction=direction, revision=revision))
        async with database.reading() as connection:
            kept = (await connection.execute(select(evaluators.evaluator_versions.c.id))).scalars().all()
        assert kept == ["v"], direction
    async with database.work() as work:
        await work.connection.execute(insert(evaluators.evaluators).values(**judge | {"id": "namesake"}))
    await database.close()


def run(connection: Connection, direction: str, revision: str) -> None:
    config = migration_config()
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)


async def test_migrating_again_changes_nothing(tmp_path: Path, engine: ObservationsEngine):
    url = f"sqlite+aiosqlite:///{tmp_path}/again.db"
    for _ in range(2):
        await migrate(url)
        await migrate_observations(engine)
    names = await engine.query("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name")
    assert [row["name"] for row in names] == ["applied_changes", "changes", "observations", "scores", "traces"]
