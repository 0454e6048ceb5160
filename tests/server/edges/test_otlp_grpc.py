"""OTLP over gRPC: real exporters, unmodified; every refusal has the code that tells a sender what to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest.mock import AsyncMock, Mock

import grpc
import pytest
import pytest_asyncio
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from server.cluster import Place
from server.edges.grpc_calls import LOGS, METRICS, TRACES, call, target
from server.edges.logging_senders import export, record
from server.edges.running_site import HERE, WRONG, Site, basic, one_span, opened, settings_in
from sightline.server.accounts.records import KeyDraft, ProjectId
from sightline.server.runtime.errors import TooBusy, Unavailable
from sightline.server.runtime.space import NoRoom
from sightline.server.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, new_place: Callable[..., Place]) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    return settings_in(folder, new_place(folder), otlp_grpc_port=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with opened(settings) as running:
        yield running


async def refused(site: Site, body: bytes, **how: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call(site, body, **how)
    return refusal.value


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_the_standard_exporters_send_a_call_and_its_messages(site: Site, compression: grpc.Compression):
    how: dict[str, Any] = {
        "endpoint": f"http://{target(site)}",
        "insecure": True,
        "headers": {"authorization": HERE["Authorization"]},
        "compression": compression,
    }
    tracers, loggers = TracerProvider(), LoggerProvider()
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**how)))
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**how)))
    logger = loggers.get_logger("a-library")
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
    with tracers.get_tracer("a-library").start_as_current_span("chat gpt-4o-mini", attributes=chat) as span:
        logger.emit(event_name="gen_ai.user.message", body={"content": "Which digits?"})
        logger.emit(event_name="gen_ai.choice", body={"index": 0, "message": {"content": "Ten."}})
    await asyncio.to_thread(loggers.shutdown)
    await asyncio.to_thread(tracers.shutdown)
    found = await site.get(f"/observations/{span.get_span_context().span_id:016x}")
    assert (found["type"], found["input"]) == ("GENERATION", [{"role": "user", "content": "Which digits?"}])
    assert found["output"][0]["content"] == "Ten."


async def test_a_wrong_key_is_unauthenticated(site: Site):
    body = one_span()[0].SerializeToString()
    for headers in ({}, WRONG, {"authorization": "Bearer pk-lf-here"}):
        assert (await refused(site, body, headers=headers)).code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("method", [TRACES, LOGS, METRICS])
async def test_a_message_that_cannot_be_read_is_an_invalid_argument(site: Site, method: str):
    refusal = await refused(site, b"\x0a\xff\xff", method=method)
    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "is not an OTLP" in refusal.details()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_message_over_the_limit_is_refused_however_small_it_travels(site: Site, compression: grpc.Compression):
    refusal = await refused(site, bytes(5_000_000), compression=compression)
    assert refusal.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_span_with_a_wrong_id_is_counted_and_the_rest_kept(site: Site):
    spans, sent = one_span()
    spans.resource_spans[0].scope_spans[0].spans.add(name="broken", trace_id=b"short", span_id=b"12345678")
    answer = ExportTraceServiceResponse.FromString(await call(site, spans.SerializeToString()))
    assert answer.partial_success.rejected_spans == 1
    assert (await site.get(f"/observations/{sent.span_id}"))["name"] == "work"


async def test_logs_and_metrics_are_answered_as_over_http(site: Site):
    answer = await call(site, export(record("starting")).SerializeToString(), LOGS)
    assert ExportLogsServiceResponse.FromString(answer).partial_success.rejected_log_records == 1
    answer = await call(site, ExportMetricsServiceRequest().SerializeToString(), METRICS)
    assert ExportMetricsServiceResponse.FromString(answer) == ExportMetricsServiceResponse()


async def test_a_full_inbox_says_when_to_come_again(site: Site, monkeypatch: pytest.MonkeyPatch):
    busy = AsyncMock(side_effect=TooBusy("full", retry_after_s=7))
    monkeypatch.setattr(site.app.state.services.tracing, "record", busy)
    refusal = await refused(site, one_span()[0].SerializeToString())
    assert refusal.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    said = dict(refusal.trailing_metadata())
    status = Status.FromString(said["grpc-status-details-bin"])
    retry = RetryInfo()
    assert status.details[0].Unpack(retry)
    assert retry.retry_delay.seconds == 7


@pytest.mark.parametrize(
    ("problem", "code"),
    [(Unavailable("stopping"), grpc.StatusCode.UNAVAILABLE), (KeyError("bug"), grpc.StatusCode.INTERNAL)],
)
async def test_other_failures_have_codes_too(
    site: Site, monkeypatch: pytest.MonkeyPatch, problem: Exception, code: grpc.StatusCode
):
    monkeypatch.setattr(site.app.state.services.tracing, "record", AsyncMock(side_effect=problem))
    refusal = await refused(site, one_span()[0].SerializeToString())
    assert refusal.code() is code
    assert "bug" not in refusal.details()


async def test_a_key_sends_spans_only_with_the_scope_to_ingest(site: Site):
    body = one_span()[0].SerializeToString()
    codes = {}
    for scope in ("ingest", "read", "write"):
        draft = KeyDraft(scopes=frozenset({scope}))
        made = await site.app.state.services.accounts.create_key(ProjectId("here"), draft)
        headers = basic(made.key.public_key, made.secret_key)
        codes[scope] = None if scope == "ingest" else (await refused(site, body, headers=headers)).code()
        if scope == "ingest":
            assert await call(site, body, headers=headers) == b""
    assert codes == {"ingest": None} | dict.fromkeys(("read", "write"), grpc.StatusCode.PERMISSION_DENIED)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), OSError(24, "Too many open files")])
async def test_a_system_that_has_no_more_to_give_asks_to_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, failure: OSError
):
    monkeypatch.setattr(site.app.state.services.tracing, "record", AsyncMock(side_effect=failure))
    assert (await refused(site, one_span()[0].SerializeToString())).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_nearly_full_disk_asks_to_come_again(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(site.app.state.services.space, "require", Mock(side_effect=NoRoom("the disk is nearly full")))
    refusal = await refused(site, one_span()[0].SerializeToString())
    assert (refusal.code(), refusal.details()) == (grpc.StatusCode.UNAVAILABLE, "the disk is nearly full")
