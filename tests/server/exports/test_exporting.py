"""A project's rows arrive at a store as files that other tools read, each row once."""

import base64
import csv
import gzip
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import obstore
import pyarrow.parquet
import pytest
from obstore.store import MemoryStore

from server.conftest import ELSEWHERE, HERE, Storage
from server.hands import Time
from server.tracing.making import observation, score
from sightline.server.accounts.actions import Organizations
from sightline.server.accounts.records import OrganizationId
from sightline.server.exports.actions import BlobExports, lease_of
from sightline.server.exports.destinations import DEFAULT_CREDENTIALS, Stores
from sightline.server.exports.jobs import OUR_FAULT, ExportRound, OpenStore
from sightline.server.exports.records import BlobExport, ExportDraft, ExportId
from sightline.server.runtime.clock import clock
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.leases import Leases
from sightline.server.runtime.outbound import Outbound, targets
from sightline.server.runtime.seal import Seal
from sightline.server.tables.leases import leases as lease_table

LAB = OrganizationId("lab")
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAYS = 5


@pytest.fixture
def time() -> Iterator[Time]:
    ours = Time(NOW)
    with clock(ours):
        yield ours


class Desk:
    """Exports and their round over a store in memory."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.leases = Leases(storage.database, lease_table)
        self.seal = Seal(b"k" * 32)
        organizations = Organizations(storage.database, storage.accounts, pepper=b"pepper")
        self.exports = BlobExports(storage.database, organizations, self.leases, self.seal)
        self.store = MemoryStore()
        self.secrets: list[str | None] = []

    def round(self, open_store: OpenStore | None = None) -> ExportRound:
        @asynccontextmanager
        async def remembered(export: BlobExport, secret: str | None) -> AsyncIterator[MemoryStore]:
            self.secrets.append(secret)
            yield self.store

        return ExportRound(
            self.storage.database, self.storage.tracing, self.leases, self.seal, open_store or remembered
        )

    def files(self) -> dict[str, bytes]:
        paths = [entry["path"] for batch in obstore.list(self.store) for entry in batch]
        return {path: bytes(obstore.get(self.store, path).bytes()) for path in sorted(paths)}


@pytest.fixture
def desk(storage: Storage) -> Desk:
    return Desk(storage)


def draft(**more: Any) -> ExportDraft:
    given: dict[str, Any] = {
        "project_id": HERE,
        "kind": "S3",
        "bucket_name": "bucket",
        "region": "us-east-1",
        "access_key_id": "key",
        "secret": "very secret",
        "prefix": "out/",
        "frequency": "hourly",
        "enabled": True,
        "force_path_style": True,
        "file_type": "JSONL",
        "mode": "FULL_HISTORY",
        "compressed": False,
    }
    return ExportDraft(**given | more)


async def seed(storage: Storage) -> None:
    """Two observations and a score a day, in the other project too."""
    for project in (HERE, ELSEWHERE):
        for day in range(DAYS):
            moment = NOW - timedelta(days=day, hours=1)
            spans = [
                replace(
                    observation(f"t{day}", f"o{day}-{number}", trace_user_id="ada", metadata={"k": '"v"'}),
                    project_id=project,
                    start_time=moment + timedelta(seconds=number),
                    end_time=moment + timedelta(seconds=number + 2),
                    input=f"in {day}, with a comma",
                    usage={"input": 3},
                )
                for number in range(2)
            ]
            await storage.tracing.record(project, spans)
            given = replace(score(f"s{day}"), project_id=project, trace_id=spans[0].trace_id, timestamp=moment)
            await storage.tracing.record_scores(project, [given])


def rows(files: dict[str, bytes], table: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for path, body in files.items() if f"/{table}/" in path for line in body.decode().splitlines()
    ]


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


@pytest.fixture
def bucket() -> Iterator[tuple[str, dict[str, tuple[bytes, str]]]]:
    """As much of a store as an upload needs: its address, and what was put there, signed by whom."""
    put: dict[str, tuple[bytes, str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            said, status = put.get("answer", (b"", "200"))
            if status == "200":
                put[self.path] = body, self.headers.get("Authorization", "")
            self.send_response(int(status))
            self.send_header("ETag", '"e"')
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", put
        server.shutdown()
        thread.join()


async def sent_to(desk: Desk, put: dict[str, tuple[bytes, str]], **more: Any) -> tuple[str, str]:
    """Path and signature of the one file of observations, after checking that it is whole."""
    recent = replace(observation("t1", "o1"), start_time=datetime.now(UTC) - timedelta(hours=30), end_time=None)
    await desk.storage.tracing.record(HERE, [recent])
    made = await desk.exports.put(LAB, draft(compressed=True, **more))
    await desk.round(Stores(Outbound(targets("127.0.0.1"))).opened).run()
    assert (await desk.exports.status(LAB, made.id))[0].last_error is None
    [(path, (body, signature))] = [each for each in put.items() if "observations" in each[0]]
    assert json.loads(gzip.decompress(body))["id"] == "o1"
    return path, signature


async def test_a_store_that_speaks_s3_gets_signed_uploads(desk: Desk, bucket: tuple[str, dict[str, tuple[bytes, str]]]):
    address, put = bucket
    path, signature = await sent_to(desk, put, kind="S3_COMPATIBLE", endpoint=address)
    assert path.startswith("/bucket/out/here/observations/")
    assert path.endswith(".jsonl.gz")
    assert "Credential=key/" in signature
    assert "very secret" not in signature


async def test_azures_store_gets_uploads_signed_with_its_account(
    desk: Desk, bucket: tuple[str, dict[str, tuple[bytes, str]]]
):
    address, put = bucket
    account = {"access_key_id": "account", "secret": base64.b64encode(b"a key").decode()}
    path, signature = await sent_to(desk, put, kind="AZURE_BLOB_STORAGE", endpoint=address, **account)
    assert path.startswith("/bucket/out/here/observations/")
    assert signature.startswith("SharedKey account:")


async def test_googles_store_gets_uploads_as_its_service_account_says(
    desk: Desk, bucket: tuple[str, dict[str, tuple[bytes, str]]]
):
    address, put = bucket
    key = {"gcs_base_url": address, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    path, _ = await sent_to(desk, put, kind="GOOGLE_CLOUD_STORAGE", secret=json.dumps(key))
    assert path.startswith("/bucket/out")


def stored(**fields: Any) -> BlobExport:
    made = datetime(2026, 11, 1, tzinfo=UTC)
    wanted = {
        name: value for name, value in vars(draft(**fields)).items() if name not in ("secret", "source", "field_groups")
    }
    return BlobExport(
        id=ExportId("e"),
        source="LEGACY_TRACES_OBSERVATIONS",
        field_groups=(),
        created_at=made,
        updated_at=made,
        **wanted,
    )


@pytest.mark.parametrize("secret", [None, DEFAULT_CREDENTIALS])
async def test_an_export_without_a_key_borrows_the_servers_only_where_that_is_allowed(secret: str | None):
    export = stored(kind="GOOGLE_CLOUD_STORAGE" if secret else "S3")
    with pytest.raises(InvalidRequest, match="SIGHTLINE_EXPORTS_LEND_CREDENTIALS"):
        async with Stores(Outbound()).opened(export, secret):
            pass
    async with Stores(Outbound(), lends=True).opened(stored(kind="S3"), None) as store:
        assert store is not None


@pytest.mark.parametrize(
    "endpoint", ["http://169.254.169.254/latest", "http://[fe80::1]:80", "http://localhost:9000", "https://10.0.0.1"]
)
async def test_an_internal_address_is_no_store(endpoint: str):
    with pytest.raises(InvalidRequest, match="internal address"):
        async with Stores(Outbound()).opened(stored(kind="S3_COMPATIBLE", endpoint=endpoint), "secret"):
            pass


async def last_error(desk: Desk, outbound: Outbound, **more: Any) -> str:
    recent = replace(observation("t1", "o1"), start_time=datetime.now(UTC) - timedelta(hours=30), end_time=None)
    await desk.storage.tracing.record(HERE, [recent])
    made = await desk.exports.put(LAB, draft(**more))
    await desk.round(Stores(outbound).opened).run()
    return (await desk.exports.status(LAB, made.id))[0].last_error or ""


async def test_an_internal_answer_is_not_told_to_whoever_configured_the_export(
    desk: Desk, bucket: tuple[str, dict[str, tuple[bytes, str]]]
):
    address, put = bucket
    s3 = {"kind": "S3_COMPATIBLE", "endpoint": address}
    assert "internal address" in await last_error(desk, Outbound(), **s3)
    put["answer"] = b"root:x:0:0 the words of an internal service", "403"
    told = await last_error(desk, Outbound(targets("127.0.0.1")), **s3)
    assert told == "the store answered 403: the key is wrong, or may not write there"
    assert [path for path in put if path != "answer"] == []


async def test_an_address_inside_of_a_key_is_checked_like_an_endpoint(
    desk: Desk, bucket: tuple[str, dict[str, tuple[bytes, str]]]
):
    address, put = bucket
    key = {"gcs_base_url": address, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    told = await last_error(desk, Outbound(), kind="GOOGLE_CLOUD_STORAGE", secret=json.dumps(key))
    assert "127.0.0.1 is an internal address" in told
    assert put == {}
