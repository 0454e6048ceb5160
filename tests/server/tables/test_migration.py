"""The schema: one migration head, the same tables as declared, found inside the package."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select

from server.cluster import Place
from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import ConfigId
from sightline.server.evals.store import ScoreConfigStore
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Conflict
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tables import accounts, evals, judges, media, migrate, migrate_observations, reviews
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
        await work.connection.execute(insert(judges.evaluators).values(**judge))
        await work.connection.execute(insert(judges.evaluator_versions).values(**version))
    for direction, revision in (("upgrade", "0007"), ("downgrade", "0006"), ("upgrade", "0007")):
        async with database.work() as work:
            await work.connection.run_sync(partial(run, direction=direction, revision=revision))
        async with database.reading() as connection:
            kept = (await connection.execute(select(judges.evaluator_versions.c.id))).scalars().all()
        assert kept == ["v"], direction
    async with database.work() as work:
        await work.connection.execute(insert(judges.evaluators).values(**judge | {"id": "namesake"}))
    await database.close()


async def test_equal_rows_of_older_folders_stay_and_the_newest_has_the_natural_key(place: Place):
    database = Database(place.database)
    moment = datetime(2026, 5, 1, tzinfo=UTC)

    def at(hour: int) -> dict[str, datetime]:
        return {"created_at": moment + timedelta(hours=hour), "updated_at": moment}

    config = {"project_id": "p", "name": "mood", "data_type": "NUMERIC", "is_archived": False, "min_value": 0.5}
    comment = {"project_id": "p", "object_type": "TRACE", "object_id": "t", "content": "good"}
    queue = {"id": "q", "project_id": "p", "name": "q", "score_config_ids": []}
    queued = {"project_id": "p", "queue_id": "q", "object_type": "TRACE", "object_id": "t", "status": "PENDING"}
    ran = {"project_id": "p", "run_id": "r", "item_id": "i", "item_valid_from": moment, "trace_id": "t"}
    async with database.work() as work:
        await work.connection.run_sync(lambda sync: run(sync, "upgrade", "0008"))
        await work.connection.execute(insert(accounts.organizations).values(id="o", name="o", created_at=moment))
        project = {"id": "p", "organization_id": "o", "name": "p", "metadata": {}, "created_at": moment}
        await work.connection.execute(insert(accounts.projects).values(**project))
        await work.connection.execute(insert(reviews.annotation_queues).values(**queue | at(0)))
        await work.connection.execute(insert(evals.datasets).values(id="d", project_id="p", name="d", **at(0)))
        await work.connection.execute(
            insert(evals.dataset_runs).values(id="r", project_id="p", dataset_id="d", name="r", **at(0))
        )
        for hour in range(3):
            for table, row in (
                (evals.score_configs, config | {"is_archived": hour == 2}),
                (reviews.comments, comment),
                (reviews.annotation_queue_items, queued),
            ):
                await work.connection.execute(insert(table).values(id=f"row-{hour}", **row | at(hour)))
            for trace in ("t", "u"):
                values = ran | {"id": f"{trace}-{hour}", "trace_id": trace, "created_at": moment}
                await work.connection.execute(insert(evals.dataset_run_items).values(**values))
    for _ in range(2):
        await migrate(place.database)
    async with database.reading() as connection:
        for table, newest in (
            (evals.score_configs, "row-1"),
            (reviews.comments, "row-2"),
            (reviews.annotation_queue_items, "row-2"),
        ):
            rows = (await connection.execute(select(table.c.id, table.c.natural_key))).all()
            assert [row.id for row in rows if row.natural_key] == [newest], table.name
            assert len(rows) == 3
        left = (await connection.execute(select(evals.dataset_run_items.c.id))).scalars().all()
    assert sorted(left) == ["t-0", "u-0"]
    async with database.work() as work:
        stored = ScoreConfigStore(work.connection, ProjectId("p"))
        known = await stored.one("row-1")
        assert known is not None
        assert (await stored.put(replace(known, id=ConfigId("again")))).id == "row-1"

    async def twice() -> None:
        async with database.work() as work:
            for number in range(2):
                values = comment | {"id": f"twice-{number}", "natural_key": "k"} | at(9)
                await work.connection.execute(insert(reviews.comments).values(**values))

    with pytest.raises(Conflict):
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
    assert [row["name"] for row in names] == ["applied_changes", "changes", "observations", "scores"]
