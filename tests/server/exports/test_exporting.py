"""A project's rows arrive at a store as files that other tools read, each row once."""

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow.parquet
import pytest

from server.conftest import HERE
from server.exports.desk import DAYS, LAB, NOW, Desk, draft, rows, seed
from server.hands import Time
from server.tracing.making import observation
from sightline.server.accounts.records import OrganizationId
from sightline.server.exports.actions import lease_of
from sightline.server.exports.jobs import OUR_FAULT
from sightline.server.exports.records import BlobExport
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.leases import Leases
from sightline.server.tables.leases import leases as lease_table


async def test_the_whole_history_arrives_once_by_days(desk: Desk, time: Time):
    await seed(desk.storage)
    made = await desk.exports.put(LAB, draft())
    assert (await desk.exports.status(LAB, made.id))[1] == "idle"
    await desk.round().run()
    files = desk.files()
    assert sorted(row["id"] for row in rows(files, "observations")) == sorted(
        f"o{day}-{number}" for day in range(DAYS) for number in range(2)
    )
    assert sorted(row["id"] for row in rows(files, "traces")) == [f"t{day}" for day in range(DAYS)]
    assert sorted(row["id"] for row in rows(files, "scores")) == [f"s{day}" for day in range(DAYS)]
    assert {row["project_id"] for row in rows(files, "observations")} == {HERE}
    assert all(path.startswith("out/here/") for path in files)
    assert len([path for path in files if "/traces/" in path]) == DAYS
    assert desk.secrets == ["very secret"]
    export, status = await desk.exports.status(LAB, made.id)
    assert (status, export.last_sync_at) == ("up_to_date", NOW - timedelta(minutes=20))
    assert export.next_sync_at == NOW + timedelta(hours=1)


async def test_the_next_round_brings_only_what_is_new(desk: Desk, time: Time):
    await seed(desk.storage)
    made = await desk.exports.put(LAB, draft())
    await desk.round().run()
    before = desk.files()
    await desk.round().run()
    assert desk.files() == before  # Not due yet.
    late = replace(observation("t9", "o9"), start_time=NOW + timedelta(minutes=5), end_time=None)
    await desk.storage.tracing.record(HERE, [late])
    time.now = NOW + timedelta(hours=1)
    assert (await desk.exports.status(LAB, made.id))[1] == "queued"
    await desk.round().run()
    fresh = {path: body for path, body in desk.files().items() if path not in before}
    assert [row["id"] for row in rows(fresh, "observations")] == ["o9"]
    assert {path: body for path, body in desk.files().items() if path in before} == before


@pytest.mark.parametrize(
    ("mode", "more", "days"),
    [("FROM_TODAY", {}, 1), ("FROM_CUSTOM_DATE", {"start_date": NOW - timedelta(days=2, hours=12)}, 3)],
)
async def test_it_begins_where_it_is_told_to(desk: Desk, time: Time, mode: Any, more: dict[str, Any], days: int):
    await seed(desk.storage)
    await desk.exports.put(LAB, draft(mode=mode, **more))
    await desk.round().run()
    assert sorted(row["id"] for row in rows(desk.files(), "traces")) == [f"t{day}" for day in range(days)]


READ: dict[str, Callable[[bytes], list[dict[str, Any]]]] = {
    "JSON": json.loads,
    "JSONL": lambda body: [json.loads(line) for line in body.splitlines()],
    "CSV": lambda body: list(csv.DictReader(io.StringIO(body.decode()))),
    "PARQUET": lambda body: pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist(),
}


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("file_type", list(READ))
async def test_every_type_of_file_reads_back(desk: Desk, time: Time, file_type: Any, compressed: bool):
    await seed(desk.storage)
    await desk.exports.put(LAB, draft(file_type=file_type, compressed=compressed))
    await desk.round().run()
    read = []
    for path, body in desk.files().items():
        if "/observations/" in path:
            packed = path.endswith(".gz")
            assert packed == (compressed and file_type != "PARQUET")
            read += READ[file_type](gzip.decompress(body) if packed else body)
    by_id = {row["id"]: row for row in read}
    assert len(by_id) == len(read) == 2 * DAYS
    one = by_id["o1-0"]
    metadata = one["metadata"] if isinstance(one["metadata"], dict) else json.loads(one["metadata"])
    assert (one["input"], metadata, one["user_id"]) == ("in 1, with a comma", {"k": '"v"'}, "ada")
    assert float(one["latency"]) == 2


async def test_groups_of_fields_and_sources_say_what_is_in_the_files(desk: Desk, time: Time):
    await seed(desk.storage)
    await desk.exports.put(LAB, draft(source="OBSERVATIONS_V2", field_groups=["core", "trace_context"]))
    await desk.round().run()
    files = desk.files()
    assert rows(files, "traces") == []
    [first, *_] = rows(files, "observations_v2")
    assert set(first) == {
        *("id", "trace_id", "project_id", "parent_observation_id", "type", "start_time", "end_time"),
        *("trace_name", "release", "tags"),
    }


async def test_a_store_that_fails_is_named_and_tried_again(desk: Desk, time: Time):
    await seed(desk.storage)
    made = await desk.exports.put(LAB, draft())

    @asynccontextmanager
    async def broken(export: BlobExport, secret: str | None) -> AsyncIterator[Any]:
        raise OSError("/srv/secrets/internal.key is missing")
        yield

    await desk.round(broken).run()
    export, status = await desk.exports.status(LAB, made.id)
    assert (status, export.last_error, export.last_error_at) == ("error", OUR_FAULT, NOW)
    time.now = NOW + timedelta(minutes=21)
    await desk.round().run()
    export, status = await desk.exports.status(LAB, made.id)
    assert (status, export.last_error) == ("up_to_date", None)
    assert len(rows(desk.files(), "traces")) == DAYS


async def test_what_another_process_is_exporting_is_left_to_it(desk: Desk, time: Time):
    await seed(desk.storage)
    made = await desk.exports.put(LAB, draft())
    async with Leases(desk.storage.database, lease_table).held(lease_of(made)):
        assert (await desk.exports.status(LAB, made.id))[1] == "running"
        await desk.round().run()
        assert desk.files() == {}


async def test_one_that_is_switched_off_does_nothing(desk: Desk, time: Time):
    await seed(desk.storage)
    made = await desk.exports.put(LAB, draft(enabled=False))
    await desk.round().run()
    assert desk.files() == {}
    assert (await desk.exports.status(LAB, made.id))[1] == "disabled"


async def test_a_change_keeps_the_secret_and_the_place(desk: Desk, time: Time):
    await seed(desk.storage)
    made = await desk.exports.put(LAB, draft())
    await desk.round().run()
    changed = await desk.exports.put(LAB, draft(secret=None, file_type="CSV"))
    assert (changed.id, changed.last_sync_at) == (made.id, NOW - timedelta(minutes=20))
    time.now = NOW + timedelta(hours=2)
    await desk.round().run()
    assert desk.secrets == ["very secret", "very secret"]
    with pytest.raises(InvalidRequest, match="no key of another"):
        await desk.exports.put(LAB, draft(secret=None, kind="GOOGLE_CLOUD_STORAGE"))


async def test_another_organisation_sees_nothing_of_it(desk: Desk, time: Time):
    made = await desk.exports.put(LAB, draft())
    others = OrganizationId("others")
    assert await desk.exports.every(others) == []
    for call in (desk.exports.status, desk.exports.delete):
        with pytest.raises(NotFound):
            await call(others, made.id)
    with pytest.raises(NotFound):
        await desk.exports.put(others, draft())
    await desk.exports.delete(LAB, made.id)
    assert await desk.exports.every(LAB) == []
