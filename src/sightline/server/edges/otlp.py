"""Spans in: OTLP over HTTP at Langfuse's path and at the standard one, protobuf or JSON, gzip or not, chunked or not.

An answer of 200 means stored and readable. Langfuse refuses a whole batch for one span with a wrong id; the standard
path keeps the rest and says so in `partialSuccess`.
"""

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from sightline.server.edges.access import ProjectKey
from sightline.server.edges.bodies import BOUNDED_HERE, inflate, read_body
from sightline.server.edges.otlp_json import Export, parse_json, signal_of
from sightline.server.edges.services import Limits, Served, Services
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.mapping import InvalidSpan, SdkInfo, sourced_spans, span_to_observation
from sightline.server.tracing.records import Observation, ProjectId

router = APIRouter(max_body_size=BOUNDED_HERE)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NEWEST_INGESTION_VERSION = 4
SMALL_BODY_BYTES = 32 * 1024
"""Bodies up to this size are decoded on the event loop: a thread would cost more than it frees."""


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A request's body and what its headers say about it."""

    body: bytes
    media_type: str
    encoding: str
    sdk: SdkInfo


@dataclass(frozen=True)
class Decoded:
    observations: list[Observation]
    refusals: list[InvalidSpan]


@router.post("/api/public/otel/v1/traces")
async def langfuse_export(request: Request, who: ProjectKey, services: Served) -> Response:
    """Langfuse's path: a span with a wrong id refuses the batch."""
    envelope = await envelope_of(request, services.limits)
    with services.arriving():
        decoded = await _decoded(envelope, ProjectId(who.project_id), services.limits)
        if decoded.refusals:
            raise decoded.refusals[0]
        await services.tracing.record(ProjectId(who.project_id), decoded.observations)
    return answered(envelope, ExportTraceServiceResponse())


@router.post("/v1/traces")
async def standard_export(request: Request, who: ProjectKey, services: Served) -> Response:
    """The standard path: spans with wrong ids are counted in the answer, the others kept."""
    envelope = await envelope_of(request, services.limits)
    return answered(envelope, await take_spans(envelope, ProjectId(who.project_id), services))


async def take_spans(envelope: Envelope, project_id: ProjectId, services: Services) -> ExportTraceServiceResponse:
    """Store an export's spans, over whatever protocol it came; the answer counts those with wrong ids."""
    with services.arriving():
        decoded = await _decoded(envelope, project_id, services.limits)
        await services.tracing.record(project_id, decoded.observations)
    answer = ExportTraceServiceResponse()
    if decoded.refusals:
        answer.partial_success.rejected_spans = len(decoded.refusals)
        answer.partial_success.error_message = decoded.refusals[0].message
    return answer


async def envelope_of(request: Request, limits: Limits) -> Envelope:
    headers = request.headers
    version = headers.get("x-langfuse-ingestion-version", "")
    if version.isdecimal() and int(version) > NEWEST_INGESTION_VERSION:
        raise InvalidRequest(
            f"x-langfuse-ingestion-version is {version}; this server speaks up to {NEWEST_INGESTION_VERSION}"
        )
    media_type = headers.get("content-type", PROTOBUF).partition(";")[0].strip().lower()
    if media_type not in (PROTOBUF, "application/protobuf", JSON):
        raise InvalidRequest(f"Content-Type {media_type!r} is not OTLP: send {PROTOBUF} or {JSON}")
    return Envelope(
        body=await read_body(request, limits.body_bytes),
        media_type=JSON if media_type == JSON else PROTOBUF,
        encoding=headers.get("content-encoding", "").strip().lower(),
        sdk=SdkInfo(name=headers.get("x-langfuse-sdk-name"), version=headers.get("x-langfuse-sdk-version")),
    )


async def _decoded(envelope: Envelope, project_id: ProjectId, limits: Limits) -> Decoded:
    if len(envelope.body) <= SMALL_BODY_BYTES and not envelope.encoding:
        return decode(envelope, project_id, limits)
    return await asyncio.to_thread(decode, envelope, project_id, limits)


def decode(envelope: Envelope, project_id: ProjectId, limits: Limits) -> Decoded:
    """Bytes to observations; pure, so it may run in any thread."""
    body = inflate(envelope.body, envelope.encoding, limits.inflated_bytes)
    export = parsed_export(envelope.media_type, body, ExportTraceServiceRequest())
    observations: list[Observation] = []
    refusals: list[InvalidSpan] = []
    for span, source in sourced_spans(project_id, export, envelope.sdk):
        try:
            observations.append(span_to_observation(span, source))
        except InvalidSpan as refusal:
            refusals.append(refusal)
    return Decoded(observations, refusals)


def parsed_export(media_type: str, body: bytes, export: Export) -> Export:
    """The given export, empty before, after what the body says."""
    if media_type == JSON:
        return parse_json(body, export)
    try:
        export.ParseFromString(body)
    except DecodeError as problem:
        raise InvalidRequest(
            f"the body ({len(body):,} bytes) is not an OTLP {signal_of(export)} export, or is cut off: {problem}"
        ) from problem
    return export


def answered(envelope: Envelope, answer: Message) -> Response:
    """In the form of the request, as OTLP wants; an empty protobuf answer has no bytes."""
    if envelope.media_type == JSON:
        return Response(MessageToJson(answer, indent=None), media_type=JSON)
    return Response(answer.SerializeToString(), media_type=PROTOBUF)
