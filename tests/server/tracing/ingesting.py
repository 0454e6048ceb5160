"""A process that records spans without a pause and says which were acknowledged; the crash test kills it."""

import asyncio
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from sightline.server.accounts.records import ProjectId
from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.database import Database
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.observations import EmbeddedEngine
from sightline.server.runtime.writer import SpanWriter
from sightline.server.tables import migrate_observations
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import Observation, ObservationId, TraceId

HERE = ProjectId("here")
SENDERS, SPANS = 4, 20


async def send(tracing: Tracing) -> None:
    while True:
        trace = TraceId(secrets.token_hex(16))
        now = datetime.now(UTC)
        batch = [
            Observation(
                project_id=HERE,
                trace_id=trace,
                id=ObservationId(secrets.token_hex(8)),
                start_time=now,
                input="word " * 100,
            )
            for _ in range(SPANS)
        ]
        await tracing.record(HERE, batch)
        sys.stdout.write("".join(f"{one.trace_id} {one.id}\n" for one in batch))
        sys.stdout.flush()


async def main(folder: Path) -> None:
    engine = EmbeddedEngine(folder / "observations")
    await engine.open()
    await migrate_observations(engine)
    writer = SpanWriter(engine)
    writer.start()
    tracing = Tracing(
        engine=engine,
        writer=writer,
        database=Database(f"sqlite+aiosqlite:///{folder}/unused.db"),
        blobs=Blobs(str(folder / "media")),
        hub=LiveHub(),
        signing_secret=b"",
    )
    await asyncio.gather(*(send(tracing) for _ in range(SENDERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
