"""Stores of each kind get what they understand, and none lies inside the network or tells what did."""

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from server.conftest import HERE
from server.exports.desk import LAB, Desk, draft
from server.tracing.making import observation
from sightline.server.exports.destinations import DEFAULT_CREDENTIALS, Stores
from sightline.server.exports.records import BlobExport, ExportId
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.outbound import Outbound, targets


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
