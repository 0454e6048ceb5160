"""What is older than a project keeps things goes, and nothing else does."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from server.hands import Time
from server.tracing.making import observation
from sightline.server.accounts.actions import Organizations
from sightline.server.accounts.records import OrganizationId
from sightline.server.runtime.clock import clock
from sightline.server.runtime.errors import NotFound
from sightline.server.runtime.leases import Leases
from sightline.server.tables.leases import leases as lease_table
from sightline.server.tracing.records import MediaUpload, ObservationQuery, Score, ScoreId, ScoreQuery, TraceId
from sightline.server.upkeep.actions import Removal, Retention, Stores
from sightline.server.upkeep.jobs import RetentionRound

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture
def time() -> Iterator[Time]:
    ours = Time(NOW)
    with clock(ours):
        yield ours


@pytest.fixture
def rounds(storage: Storage, stores: Stores) -> RetentionRound:
    retention = Retention(stores, Removal(stores))
    return RetentionRound(retention, storage.accounts, Leases(storage.database, lease_table))


async def keep(storage: Storage, days: int) -> None:
    organizations = Organizations(storage.database, storage.accounts, pepper=b"pepper")
    await organizations.change_project(OrganizationId("lab"), HERE, "here", None, days)


async def seed(storage: Storage) -> None:
    """In both projects an observation and a score of each of the last thirty days."""
    for project in (HERE, ELSEWHERE):
        for age in range(30):
            moment = NOW - timedelta(days=age, hours=1)
            span = replace(
                observation(), project_id=project, trace_id=TraceId(f"t{age}"), id=f"o{age}", start_time=moment
            )
            await storage.tracing.record(project, [replace(span, end_time=moment)])
            score = Score(
                project_id=project,
                id=ScoreId(f"s{age}"),
                name="n",
                data_type="NUMERIC",
                value=1,
                trace_id=TraceId(f"t{age}"),
                timestamp=moment,
                created_at=moment,
                updated_at=moment,
            )
            await storage.tracing.record_scores(project, [score])


async def counts(storage: Storage, project: str) -> tuple[int | None, int | None]:
    observations = await storage.tracing.observations(project, ObservationQuery(counted=True))
    scores = await storage.tracing.scores(project, ScoreQuery(counted=True))
    return observations.total, scores.total


async def upload(storage: Storage, content: bytes, trace_id: str | None) -> str:
    announced = MediaUpload(
        sha256_base64=base64.b64encode(hashlib.sha256(content).digest()).decode(),
        content_type="audio/wav",
        content_length=len(content),
        field="input",
        trace_id=TraceId(trace_id) if trace_id else None,
    )
    media, wanted = await storage.tracing.register_media(HERE, announced)
    if wanted:
        await storage.tracing.upload_media(HERE, media.id, content)
    return media.id


async def test_ten_days_are_kept_where_ten_days_are_asked_for(storage: Storage, rounds: RetentionRound, time: Time):
    await seed(storage)
    await keep(storage, 10)
    assert await rounds.run()
    assert await counts(storage, HERE) == (10, 10)
    assert await counts(storage, ELSEWHERE) == (30, 30)
    time.now += timedelta(days=3)
    assert await rounds.run()
    assert await counts(storage, HERE) == (7, 7)


async def test_everything_is_kept_where_nothing_is_asked_for(storage: Storage, rounds: RetentionRound, time: Time):
    await seed(storage)
    await keep(storage, 0)
    assert await rounds.run()
    assert await counts(storage, HERE) == (30, 30)


async def test_a_file_goes_when_nobody_has_sent_it_for_that_long(storage: Storage, rounds: RetentionRound, time: Time):
    await keep(storage, 5)
    old = await upload(storage, b"old", "t1")
    again = await upload(storage, b"again", "t1")
    item = await upload(storage, b"of an item", None)
    time.now += timedelta(days=4)
    assert await upload(storage, b"again", "t2") == again
    assert await rounds.run()
    assert (await storage.tracing.media_bytes(HERE, old))[0] == b"old"
    time.now += timedelta(days=3)
    assert await rounds.run()
    with pytest.raises(NotFound):
        await storage.tracing.media(HERE, old)
    assert (await storage.tracing.media_bytes(HERE, again))[0] == b"again"
    time.now += timedelta(days=300)
    assert await rounds.run()
    with pytest.raises(NotFound):
        await storage.tracing.media_bytes(HERE, again)
    assert (await storage.tracing.media_bytes(HERE, item))[0] == b"of an item"
    left = [path.name for path in (storage.folder / "media").rglob("*") if path.is_file()]
    assert left == [item]


async def test_while_another_process_is_at_it_nothing_is_done(storage: Storage, rounds: RetentionRound, time: Time):
    await seed(storage)
    await keep(storage, 10)
    async with Leases(storage.database, lease_table).held("retention"):
        assert not await rounds.run()
    assert await counts(storage, HERE) == (30, 30)
