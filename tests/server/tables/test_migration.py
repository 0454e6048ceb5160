"""The schema: one migration head, the same tables as declared, found inside the package."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.cluster import Place
from sightline.server.accounts.records import FULL, ProjectId
from sightline.server.accounts.store import accounts as account_store
from sightline.server.evals.records import ConfigId
from sightline.server.evals.store import ScoreConfigStore
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Conflict
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables import accounts, evals, evaluators, media, migrate, migrate_observations, reviews
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


async def test_keys_from_before_there_were_scopes_keep_all_of_them(place: Place):
    database = Database(place.database)
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    async with database.work() as work:
        await work.connection.run_sync(lambda sync: run(sync, "upgrade", "0009"))
        await put(work.connection, accounts.organizations, id="o", name="o", created_at=moment)
        await put(work.connection, accounts.projects, id="p", organization_id="o", name="p", created_at=moment)
        key = {"public_key": "pk", "secret_hash": "h", "display_secret_key": "s", "created_at": moment}
        await put(work.connection, accounts.api_keys, project_id="p", **key)
    await migrate(place.database)
    async with database.reading() as connection:
        kept = await account_store.key(connection, "pk")
    await database.close()
    assert kept is not None
    assert kept.scopes == FULL


KEYED = (
    (evals.score_configs, {"name": "mood", "data_type": "NUMERIC", "is_archived": False, "min_value": 0.5}),
    (reviews.comments, {"object_type": "TRACE", "object_id": "t", "content": "good"}),
    (
        reviews.annotation_queue_items,
        {"queue_id": "q", "object_type": "TRACE", "object_id": "t", "status": "PENDING"},
    ),
)
"""Tables whose rows have a natural key, and a row."""


def at(hour: int) -> dict[str, datetime]:
    moment = datetime(2026, 5, 1, hour, tzinfo=UTC)
    return {"created_at": moment, "updated_at": moment}


async def put(connection: AsyncConnection, table: Table, **row: Any) -> None:
    await connection.execute(insert(table).values(**row))


async def fill_older_folder(connection: AsyncConnection) -> None:
    """Each row three times; the newest config is out of use."""
    await connection.run_sync(lambda sync: run(sync, "upgrade", "0008"))
    made, of_project = at(0)["created_at"], {"project_id": "p", **at(0)}
    await put(connection, accounts.organizations, id="o", name="o", created_at=made)
    await put(connection, accounts.projects, id="p", organization_id="o", name="p", metadata={}, created_at=made)
    await put(connection, reviews.annotation_queues, id="q", name="q", score_config_ids=[], **of_project)
    await put(connection, evals.datasets, id="d", name="d", **of_project)
    await put(connection, evals.dataset_runs, id="r", dataset_id="d", name="r", **of_project)
    for hour in range(3):
        for table, row in KEYED:
            archived = {"is_archived": hour == 2} if "is_archived" in row else {}
            await put(connection, table, id=f"row-{hour}", project_id="p", **row | archived | at(hour))
        for trace in ("t", "u"):
            ran = {"run_id": "r", "item_id": "i", "item_valid_from": made, "trace_id": trace, "created_at": made}
            await put(connection, evals.dataset_run_items, id=f"{trace}-{hour}", project_id="p", **ran)


async def test_equal_rows_of_older_folders_stay_and_the_newest_has_the_natural_key(place: Place):
    database = Database(place.database)
    async with database.work() as work:
        await fill_older_folder(work.connection)
    for _ in range(2):
        await migrate(place.database)
    async with database.reading() as connection:
        for (table, _), newest in zip(KEYED, ("row-1", "row-2", "row-2"), strict=True):
            rows = (await connection.execute(select(table.c.id, table.c.natural_key))).all()
            assert [row.id for row in rows if row.natural_key] == [newest], table.name
            assert len(rows) == 3
        left = (await connection.execute(select(evals.dataset_run_items.c.id))).scalars().all()
    assert sorted(left) == ["t-0", "u-0"], "nothing refers to items of runs: equal ones are merged"
    async with database.work() as work:
        configs = ScoreConfigStore(work.connection, ProjectId("p"))
        known = await configs.one("row-1")
        assert known is not None
        assert (await configs.put(replace(known, id=ConfigId("again")))).id == "row-1"
    await database.close()


async def test_a_race_that_a_constraint_finds_is_a_conflict(place: Place):
    database = Database(place.database)
    async with database.work() as work:
        await fill_older_folder(work.connection)
    await migrate(place.database)

    async def twice() -> None:
        async with database.work() as work:
            for number in range(2):
                row = KEYED[1][1] | at(9) | {"id": f"twice-{number}", "natural_key": "k"}
                await put(work.connection, reviews.comments, project_id="p", **row)

    with pytest.raises(Conflict, match="send it again"):
        await twice()
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
