"""Of several processes one works at a time, and one that dies does not stop the others."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from server.hands import Time
from sightline.server.runtime.clock import clock
from sightline.server.runtime.database import Database
from sightline.server.runtime.jobs import RecurringJob
from sightline.server.runtime.leases import Leases
from sightline.server.tables.leases import leases as table

START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def time() -> Iterator[Time]:
    ours = Time(START)
    with clock(ours):
        yield ours


async def test_one_holds_it_and_the_other_waits_for_its_turn(database: Database, time: Time):
    first, second = Leases(database, table), Leases(database, table)
    async with first.held("sweep") as ours:
        assert ours
        async with second.held("sweep") as theirs:
            assert not theirs
        async with second.held("another") as theirs:
            assert theirs
        assert await second.taken("sweep")
    async with second.held("sweep") as theirs:
        assert theirs


async def test_one_that_died_with_it_is_outlived(database: Database, time: Time):
    dead, alive = Leases(database, table), Leases(database, table)
    assert await dead._take("sweep")  # and never gives it back
    time.now += timedelta(minutes=4)
    async with alive.held("sweep") as ours:
        assert not ours
    time.now += timedelta(minutes=2)
    async with alive.held("sweep") as ours:
        assert ours


async def test_it_is_renewed_as_long_as_the_work_takes(database: Database):
    working, waiting = Leases(database, table, lasts=timedelta(seconds=0.3)), Leases(database, table)
    async with working.held("sweep"):
        await asyncio.sleep(0.8)
        async with waiting.held("sweep") as theirs:
            assert not theirs


async def test_a_job_that_fails_is_done_again():
    done = asyncio.Event()
    calls = 0

    async def act() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("not today")
        done.set()

    job = RecurringJob("sweep", act, every_s=0.01)
    with capture_logs() as logged:
        job.start()
        await asyncio.wait_for(done.wait(), 10)
        await job.stop()
    assert [(line["job"], line["log_level"]) for line in logged] == [("sweep", "error")]
