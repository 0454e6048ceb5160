"""A real storage stack in a folder of its own for every test: engine, writer, database, media, two projects."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sightline.server.accounts.actions import Accounts
from sightline.server.accounts.records import InitialAccounts, ProjectId
from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.database import Database
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.writer import SpanWriter
from sightline.server.tables import migrate, migrate_observations
from sightline.server.tracing.actions import Tracing

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


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[ObservationsEngine]:
    engine = ObservationsEngine(tmp_path / "observations", database="test")
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/sightline.db"
    await migrate(url)
    database = Database(url)
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
def tracing(storage: Storage) -> Tracing:
    return storage.tracing
