"""Exports larger than one would hold: stored whole, refused before anything of them is stored, and bounded."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from server.edges.running_site import HERE, Site, one_span, opened
from serving import served
from sightline.server.edges.large import spool
from sightline.server.edges.large.spool import Spool
from sightline.server.runtime.errors import Crowded
from sightline.server.runtime.space import FreeSpace
from sightline.server.settings import MEBIBYTE, Settings

PROTOBUF = {**HERE, "Content-Type": "application/x-protobuf"}
LANGFUSE, STANDARD = "/api/public/otel/v1/traces", "/v1/traces"
LARGE = {"max_export_bytes": 40 * MEBIBYTE, "max_inflated_bytes": 40 * MEBIBYTE}
TEXT = "a text of about a hundred kilobytes " * 2_800


@pytest.fixture
async def large(fresh_settings: Callable[..., Settings]) -> AsyncIterator[Site]:
    async with opened(fresh_settings(**LARGE)) as running:
        yield running


def export_of(trace_id: str, spans: int, text: str = TEXT) -> ExportTraceServiceRequest:
    whole = ExportTraceServiceRequest()
    scope = whole.resource_spans.add().scope_spans.add()
    for _ in range(spans):
        one, _ = one_span({"langfuse.observation.input": text}, trace_id=trace_id)
        scope.spans.extend(one.resource_spans[0].scope_spans[0].spans)
    return whole


async def count(site: Site, trace_id: str) -> int:
    return int((await site.get("/observations", traceId=trace_id, limit=1))["meta"]["totalItems"])


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 300_000):
        yield body[start : start + 300_000]


TRACE = f"{0xABC:032x}"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("path", [LANGFUSE, STANDARD])
async def test_all_spans_of_a_large_export_are_stored(large: Site, path: str, packed: bool):
    body = export_of(TRACE, 201).SerializeToString()
    assert len(body) > 4 * spool.SMALL_BYTES
    headers = PROTOBUF | ({"Content-Encoding": "gzip"} if packed else {})
    sent = gzip.compress(body, 1) if packed else body
    for _ in range(2):
        answer = await large.client.post(path, content=in_chunks(sent), headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        assert await count(large, TRACE) == 201


async def test_large_json_is_stored_with_its_resources(large: Site):
    spans = [
        {
            "traceId": TRACE,
            "spanId": f"{number:016x}",
            "name": "cut \ud83d",
            "startTimeUnixNano": "1700000000000000000",
            "attributes": [{"key": "langfuse.observation.input", "value": {"stringValue": TEXT}}],
        }
        for number in range(1, 121)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "a browser"}}]}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}], "resource": resource}]}).encode()
    assert len(body) > 2 * spool.SMALL_BYTES
    headers = {**HERE, "Content-Type": "application/json"}
    answer = await large.client.post(LANGFUSE, content=in_chunks(body), headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})
    assert await count(large, TRACE) == 120
    [row] = (await large.get("/observations", traceId=TRACE, limit=1))["data"]
    assert (row["name"], row["metadata"]["resourceAttributes"]) == ("cut \ufffd", {"service.name": "a browser"})


async def test_one_wrong_id_at_the_end_refuses_it_before_anything_is_stored(large: Site):
    whole = export_of(TRACE, 120)
    whole.resource_spans[0].scope_spans[0].spans[-1].span_id = b"short"
    body = whole.SerializeToString()
    answer = await large.client.post(LANGFUSE, content=body, headers=PROTOBUF)
    assert answer.status_code == 400
    assert "invalid span id" in answer.json()["message"]
    assert await count(large, TRACE) == 0
    answer = await large.client.post(STANDARD, content=body, headers=PROTOBUF)
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 1
    assert await count(large, TRACE) == 119


@pytest.mark.parametrize("packed", [False, True])
async def test_one_that_is_cut_off_stores_nothing(large: Site, packed: bool):
    body = export_of(TRACE, 120).SerializeToString()
    headers = PROTOBUF | ({"Content-Encoding": "gzip"} if packed else {})
    sent = gzip.compress(body, 0)[:-100] if packed else body[:-100]
    answer = await large.client.post(STANDARD, content=sent, headers=headers)
    assert (answer.status_code, "cut off" in answer.text) == (400, True)
    assert await count(large, TRACE) == 0


async def test_what_is_over_the_limit_hears_the_limit_and_the_setting(large: Site):
    answer = await large.client.post(STANDARD, content=in_chunks(bytes(41 * MEBIBYTE)), headers=PROTOBUF)
    assert (answer.status_code, answer.json()["error"]) == (413, "PayloadTooLargeError")
    assert "41,943,040 are allowed" in answer.json()["message"]
    assert "SIGHTLINE_MAX_EXPORT_BYTES" in answer.json()["message"]
    bomb = gzip.compress(bytes(100 * MEBIBYTE))
    answer = await large.client.post(STANDARD, content=bomb, headers={**PROTOBUF, "Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert "SIGHTLINE_MAX_INFLATED_BYTES" in answer.json()["message"]


async def test_a_large_batch_of_events_is_stored_and_every_event_hears_of_itself(large: Site):
    def event(number: int, **body: Any) -> dict[str, Any]:
        told = {"id": f"o{number}", "traceId": "t-large", "input": {"text": TEXT}} | body
        return {"id": f"e{number}", "type": "span-create", "timestamp": "2026-01-01T00:00:00Z", "body": told}

    batch: list[Any] = [event(number) for number in range(1, 101)]
    batch[50] = event(51, name="a\0name")
    batch[60] = event(61, level="LOUD")
    body = json.dumps({"batch": batch}).encode()
    answer = await large.client.post("/api/public/ingestion", content=in_chunks(body), headers=HERE)
    assert answer.status_code == 207, answer.text
    assert len(answer.json()["successes"]) == 98
    assert [(each["id"], each["status"]) for each in answer.json()["errors"]] == [("e51", 400), ("e61", 400)]
    assert await count(large, "t-large") == 98
    no_list = json.dumps({"batch": {"a": TEXT * 60}})
    answer = await large.client.post("/api/public/ingestion", content=no_list, headers=HERE)
    assert (answer.status_code, answer.json()["message"]) == (400, "the body needs `batch`, a list of events")


async def test_only_so_many_are_worked_on_at_once(tmp_path: Path):
    waiting = Spool(tmp_path, FreeSpace([tmp_path]), at_once=1, patience_s=0.01)
    async with waiting.inflated(b"first", "", 10) as file:
        assert file.read() == b"first"
        with pytest.raises(Crowded) as crowded:
            async with waiting.inflated(b"second", "", 10):
                pass
        assert (crowded.value.status, crowded.value.retry_after_s) == (503, 5)
    async with waiting.inflated(b"third", "", 10) as file:
        assert file.read() == b"third"


async def test_a_refusal_for_the_crowd_says_when_to_come_again(large: Site, monkeypatch: pytest.MonkeyPatch):
    turns = large.app.state.services.spool
    monkeypatch.setattr(turns, "_patience_s", 0.01)
    body = export_of(TRACE, 60).SerializeToString()
    async with turns.inflated(b"", "", 1), turns.inflated(b"", "", 1):
        answer = await large.client.post(STANDARD, content=body, headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await large.client.post(STANDARD, content=body, headers=PROTOBUF)).status_code == 200


async def test_a_small_export_needs_no_file(large: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Spool, "_file", lambda self: pytest.fail("a small body was written to a file"))
    whole = export_of(TRACE, 20)
    answer = await large.client.post(STANDARD, content=whole.SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200
    packed = gzip.compress(whole.SerializeToString())
    headers = {**PROTOBUF, "Content-Encoding": "gzip"}
    assert (await large.client.post(STANDARD, content=packed, headers=headers)).status_code == 200


@pytest.mark.timeout(180)
@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_an_unmodified_batch_processor_loses_no_span(tmp_path: Path, compression: Compression):
    """512 spans a request, as it is set by default, of 100 kB each: 51 MB as one body."""
    with served(tmp_path, ("pk-lf-large", "sk-lf-large"), project_id="large") as address:
        headers = {"Authorization": "Basic cGstbGYtbGFyZ2U6c2stbGYtbGFyZ2U="}
        exporter = OTLPSpanExporter(f"{address}{STANDARD}", headers=headers, compression=compression, timeout=60)
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
        tracer = provider.get_tracer("large")
        with tracer.start_as_current_span("root") as root:
            trace_id = f"{root.get_span_context().trace_id:032x}"
            for number in range(510):
                with tracer.start_as_current_span(f"call {number}", attributes={"input.value": TEXT}):
                    pass
        assert provider.force_flush(60_000)
        provider.shutdown()
        found = httpx2.get(
            f"{address}/api/public/observations", params={"traceId": trace_id, "limit": 1}, headers=headers
        )
        assert found.json()["meta"]["totalItems"] == 511
