"""The schema: one migration head, the same tables as declared, found inside the package."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sightline.server.runtime.database import Database
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables import accounts, media, migrate, migrate_observations
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


async def test_migrating_again_changes_nothing(tmp_path: Path, engine: ObservationsEngine):
    url = f"sqlite+aiosqlite:///{tmp_path}/again.db"
    for _ in range(2):
        await migrate(url)
        await migrate_observations(engine)
    names = await engine.query("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name")
    assert [row["name"] for row in names] == ["applied_changes", "changes", "observations", "scores"]
