"""Log records in, beside spans: messages that libraries log for their spans, and the events of coding agents.

Metrics are read and dropped: exporters that are set up for everything must not fail.
"""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Request, Response
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.bodies import BOUNDED_HERE, inflate
from sightline.server.edges.otlp_json import Export
from sightline.server.edges.otlp_wire import Envelope, answered, envelope_of, parsed_export
from sightline.server.edges.services import Limits, Served, Services
from sightline.server.tracing.logs import Heard, heard
from sightline.server.tracing.records import ProjectId

router = APIRouter(max_body_size=BOUNDED_HERE)

Sender = Annotated[Access, key_for("traces.write")]

UNPLACED = (
    "log records that name neither a span nor a session are not stored: log inside a span, or set session.id on the "
    "records"
)


@router.post("/api/public/otel/v1/logs")
@router.post("/v1/logs")
async def export_logs(request: Request, who: Sender, services: Served) -> Response:
    """What cannot be shown with anything is counted in the answer, the rest stored."""
    envelope = await envelope_of(request, services.limits)
    return answered(envelope, await take_logs(envelope, ProjectId(who.project_id), services))


@router.post("/api/public/otel/v1/metrics", dependencies=[key_for("traces.write")])
@router.post("/v1/metrics", dependencies=[key_for("traces.write")])
async def export_metrics(request: Request, services: Served) -> Response:
    """Accepted and dropped, as Langfuse does."""
    envelope = await envelope_of(request, services.limits)
    return answered(envelope, await drop_metrics(envelope, services.limits))


async def take_logs(envelope: Envelope, project_id: ProjectId, services: Services) -> ExportLogsServiceResponse:
    """Store an export's records, over whatever protocol it came."""
    said = await asyncio.to_thread(_heard, envelope, project_id, services.limits)
    await services.tracing.record_logs(project_id, said.observations, said.messages)
    answer = ExportLogsServiceResponse()
    if said.unplaced:
        answer.partial_success.rejected_log_records = said.unplaced
        answer.partial_success.error_message = UNPLACED
    return answer


async def drop_metrics(envelope: Envelope, limits: Limits) -> ExportMetricsServiceResponse:
    """The body is read, so that a sender whose metrics are none hears of it."""
    await asyncio.to_thread(_export, envelope, ExportMetricsServiceRequest(), limits)
    return ExportMetricsServiceResponse()


def _heard(envelope: Envelope, project_id: ProjectId, limits: Limits) -> Heard:
    return heard(project_id, _export(envelope, ExportLogsServiceRequest(), limits), envelope.sdk, time.time_ns())


def _export(envelope: Envelope, empty: Export, limits: Limits) -> Export:
    return parsed_export(envelope.media_type, inflate(envelope.body, envelope.encoding, limits.inflated_bytes), empty)
