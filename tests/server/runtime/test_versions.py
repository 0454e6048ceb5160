"""Row versions never go back, whatever clocks do."""

from datetime import UTC, datetime, timedelta

import pytest

from server.cluster import Place
from sightline.server.runtime.clock import clock
from sightline.server.runtime.database import Database
from sightline.server.runtime.versions import STEP, Versions, wall_ns
from sightline.server.tables.versions import row_versions

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def test_versions_are_wall_time_in_nanoseconds():
    with clock(lambda: NOON):
        assert await Versions(row_versions).take(1) == int(NOON.timestamp()) * 1_000_000_000 == wall_ns()


async def test_a_clock_that_is_set_back_does_not_take_versions_back():
    versions = Versions(row_versions)
    with clock(lambda: NOON + timedelta(days=2)):
        before = await versions.take(3)
        assert not versions.may_be_ahead
    with clock(lambda: NOON):
        assert versions.may_be_ahead
        assert await versions.take(1) == before + 2 + STEP
    with clock(lambda: NOON + timedelta(days=3)):
        assert await versions.take(1) == wall_ns()


async def test_versions_go_on_after_what_is_stored():
    versions = Versions(row_versions)
    with clock(lambda: NOON):
        high = wall_ns() + 5
        await versions.open(high)
        assert await versions.take(1) == high + STEP


@pytest.mark.parametrize("behind", [timedelta(seconds=5), timedelta(days=2)])
async def test_processes_on_one_database_take_turns_whatever_their_clocks_say(database: Database, behind: timedelta):
    one, other = Versions(row_versions, database), Versions(row_versions, database)
    taken = []
    for _ in range(3):
        with clock(lambda: NOON):
            taken.append(await one.take(2))
        with clock(lambda: NOON - behind):
            taken.append(await other.take(1))
    assert taken == sorted(taken)
    assert len(set(taken)) == 6


async def test_a_sequence_outlives_its_processes(place: Place, database: Database):
    with clock(lambda: NOON):
        last = await Versions(row_versions, database).take(1)
    later = Database(place.database)
    with clock(lambda: NOON - timedelta(days=1)):
        assert await Versions(row_versions, later).take(1) > last
    await later.close()
