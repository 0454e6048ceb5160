"""A real storage stack of its own for every test: engine, writer, database, media, two projects.

Embedded by default; with `--stack cluster` the same tests run on PostgreSQL and a ClickHouse server.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.cluster import Cluster, Place, embedded_in
from sightline.server.accounts.actions import Accounts
from sightline.server.accounts.records import InitialAccounts, ProjectId
from sightline.server.prompts.actions import Prompts
from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.database import Database
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.observations import ObservationsEngine, engine_at
from sightline.server.runtime.writer import SpanWriter
from sightline.server.tables import migrate, migrate_observations
from sightline.server.tracing.actions import TracedExperiments, Tracing
from sightline.server.tracing.actions.removal import MediaRemoval
from sightline.server.upkeep.actions import Stores

HERE = ProjectId("here")
ELSEWHERE = ProjectId("elsewhere")


@dataclass(frozen=True)
class Storage:
    """Everything the composition root would build."""

    folder: Path
    engine: ObservationsEngine
    writer: SpanWriter
    database: Database
    hub: LiveHub
    accounts: Accounts
    tracing: Tracing


@pytest.fixture(scope="session")
def new_place(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Place]]:
    """Makes places to store in that nothing was stored in before; the argument is a folder that may be used."""
    if request.config.getoption("--stack") == "embedded":
        yield embedded_in
        return
    with Cluster.running() as cluster:
        yield lambda _: cluster.place()


@pytest.fixture
def place(new_place: Callable[[Path], Place], tmp_path: Path) -> Place:
    return new_place(tmp_path)


@pytest.fixture
async def engine(place: Place) -> AsyncIterator[ObservationsEngine]:
    engine = engine_at(place.observations)
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    await migrate(place.database)
    database = Database(place.database)
    yield database
    await database.close()


@pytest.fixture
async def storage(tmp_path: Path, engine: ObservationsEngine, database: Database) -> AsyncIterator[Storage]:
    await migrate_observations(engine)
    writer = SpanWriter(engine)
    writer.start()
    hub = LiveHub(between_hints_s=0.01)
    accounts = Accounts(database, pepper=b"pepper")
    for project in (HERE, ELSEWHERE):
        await accounts.seed(InitialAccounts(org_id="lab", project_id=project))
    tracing = Tracing(
        engine=engine,
        writer=writer,
        database=database,
        blobs=Blobs(str(tmp_path / "media")),
        hub=hub,
        signing_secret=b"signing",
    )
    yield Storage(tmp_path, engine, writer, database, hub, accounts, tracing)
    hub.close()
    await writer.stop()


@pytest.fixture
def stores(storage: Storage) -> Stores:
    """Where deletions delete from."""
    return Stores(
        engine=storage.engine,
        database=storage.database,
        tracing=storage.tracing,
        traced=TracedExperiments(storage.engine, storage.tracing.index),
        media=MediaRemoval(storage.database, Blobs(str(storage.folder / "media")), storage.engine),
        prompts=Prompts(storage.database, storage.hub),
        accounts=storage.accounts,
        hub=storage.hub,
    )


@pytest.fixture
def tracing(storage: Storage) -> Tracing:
    return storage.tracing
