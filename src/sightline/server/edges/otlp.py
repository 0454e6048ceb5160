"""Spans in: OTLP over HTTP at Langfuse's path and at the standard one, protobuf or JSON, gzip or not, chunked or not.

An answer of 200 means stored and readable. Langfuse refuses a whole batch for one span with a wrong id; the standard
path keeps the rest and says so in `partialSuccess`, where both say which times were not believed.

A small export is stored whole or not at all. A large one waits in a file and is stored a batch at a time, after all of
it was read and its ids were looked at: when storing fails half-way the exporter sends it again, and ids make that an
upsert.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from fastapi import APIRouter, Depends, Request, Response
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sightline.server.edges.access import ProjectKey, project_key
from sightline.server.edges.answers import Json
from sightline.server.edges.bodies import BOUNDED_HERE, inflate, read_body
from sightline.server.edges.large.json_exports import json_batches
from sightline.server.edges.large.protobuf import protobuf_batches
from sightline.server.edges.large.spool import SMALL_INFLATED_BYTES, Body
from sightline.server.edges.large.texts import with_texts_mended
from sightline.server.edges.otlp_json import export_of, parse_json
from sightline.server.edges.services import Limits, Served, Services
from sightline.server.runtime.errors import InvalidRequest, TooBusy, TooLarge
from sightline.server.tracing.clocks import TOLD, believed
from sightline.server.tracing.mapping import InvalidSpan, SdkInfo, sourced_spans, span_to_observation
from sightline.server.tracing.mapping.values import time_of
from sightline.server.tracing.records import Observation, ProjectId

router = APIRouter(max_body_size=BOUNDED_HERE)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NEWEST_INGESTION_VERSION = 4
SMALL_BODY_BYTES = 32 * 1024
"""Bodies up to this size are decoded on the event loop: a thread would cost more than it frees."""
MOST_TRIES = 10
"""To store a batch of a large export while other senders fill the writer's inbox."""


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A request's body and what its headers say about it."""

    body: Body
    media_type: str
    encoding: str
    sdk: SdkInfo


@dataclass
class Told:
    """What the answer says of an export."""

    refused: int = 0
    refusal: InvalidSpan | None = None
    """The first."""
    misdated: int = 0
    """Spans with times nobody can mean."""
    misdated_name: str = ""
    """Of the first."""

    def add(self, more: "Told") -> None:
        self.refused += more.refused
        self.refusal = self.refusal or more.refusal
        self.misdated += more.misdated
        self.misdated_name = self.misdated_name or more.misdated_name


@dataclass
class Decoded:
    observations: list[Observation] = field(default_factory=list)
    told: Told = field(default_factory=Told)


@router.post("/api/public/otel/v1/traces")
async def langfuse_export(request: Request, who: ProjectKey, services: Served) -> Response:
    """Langfuse's path: a span with a wrong id refuses the batch."""
    return await _export(request, ProjectId(who.project_id), services, whole=True)


@router.post("/v1/traces")
async def standard_export(request: Request, who: ProjectKey, services: Served) -> Response:
    """The standard path: spans with wrong ids are counted in the answer, the others kept."""
    return await _export(request, ProjectId(who.project_id), services, whole=False)


@router.post("/api/public/otel/v1/metrics", dependencies=[Depends(project_key)])
async def ignored_metrics(request: Request, services: Served) -> Response:
    """Accepted and dropped, as Langfuse does: exporters set up for everything must not fail."""
    await read_body(request, services.limits.body_bytes)
    return Json({})


async def _export(request: Request, project_id: ProjectId, services: Services, *, whole: bool) -> Response:
    """What the answer says was stored; `whole` for all of it or nothing."""
    media_type, sdk = _announced(request)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    async with services.spool.received(request, services.limits.export_bytes) as body:
        envelope = Envelope(body=body, media_type=media_type, encoding=encoding, sdk=sdk)
        told = await _stored(envelope, project_id, services, whole=whole)
    return _answer(media_type, told)


def _announced(request: Request) -> tuple[str, SdkInfo]:
    """The form of the body and who wrote it; InvalidRequest for what cannot be read."""
    headers = request.headers
    version = headers.get("x-langfuse-ingestion-version", "")
    if version.isdecimal() and int(version) > NEWEST_INGESTION_VERSION:
        raise InvalidRequest(
            f"x-langfuse-ingestion-version is {version}; this server speaks up to {NEWEST_INGESTION_VERSION}"
        )
    media_type = headers.get("content-type", PROTOBUF).partition(";")[0].strip().lower()
    if media_type not in (PROTOBUF, "application/protobuf", JSON):
        raise InvalidRequest(f"Content-Type {media_type!r} is not OTLP: send {PROTOBUF} or {JSON}")
    sdk = SdkInfo(name=headers.get("x-langfuse-sdk-name"), version=headers.get("x-langfuse-sdk-version"))
    return JSON if media_type == JSON else PROTOBUF, sdk


async def _stored(envelope: Envelope, project_id: ProjectId, services: Services, *, whole: bool) -> Told:
    if isinstance(envelope.body, bytes):
        with services.arriving():
            try:
                decoded = await _decoded(envelope, envelope.body, project_id, services.limits)
            except TooLarge:
                pass  # Small as sent only.
            else:
                if whole and decoded.told.refusal:
                    raise decoded.told.refusal
                await services.tracing.record(project_id, decoded.observations)
                return decoded.told
    return await _stored_in_batches(envelope, project_id, services, whole=whole)


async def _decoded(envelope: Envelope, body: bytes, project_id: ProjectId, limits: Limits) -> Decoded:
    if len(body) <= SMALL_BODY_BYTES and not envelope.encoding:
        return decode(envelope, body, project_id, limits)
    return await asyncio.to_thread(decode, envelope, body, project_id, limits)


def decode(envelope: Envelope, body: bytes, project_id: ProjectId, limits: Limits) -> Decoded:
    """Bytes to observations; pure, so it may run in any thread. TooLarge for more than one decodes in one go."""
    body = inflate(body, envelope.encoding, min(limits.inflated_bytes, SMALL_INFLATED_BYTES))
    export = parse_json(body) if envelope.media_type == JSON else parse_protobuf(body)
    return observed(export, project_id, envelope.sdk)


def observed(export: ExportTraceServiceRequest, project_id: ProjectId, sdk: SdkInfo) -> Decoded:
    decoded = Decoded()
    for span, source in sourced_spans(project_id, export, sdk):
        try:
            told = span_to_observation(span, source)
        except InvalidSpan as refusal:
            decoded.told.add(Told(refused=1, refusal=refusal))
            continue
        end = span.end_time_unix_nano
        observation = believed(told, time_of(end) if end else None)
        if observation is not told:
            decoded.told.add(Told(misdated=1, misdated_name=observation.name))
        decoded.observations.append(observation)
    return decoded


async def _stored_in_batches(envelope: Envelope, project_id: ProjectId, services: Services, *, whole: bool) -> Told:
    """Read once to find what refuses it, then stored a batch at a time. What is answered says how many, not which."""
    told = Told()
    limit = services.limits.inflated_bytes
    async with services.spool.inflated(envelope.body, envelope.encoding, limit) as file:
        await asyncio.to_thread(_check, file, envelope, project_id, whole=whole)
        exports = _exports(file, envelope.media_type)
        while (export := await asyncio.to_thread(next, exports, None)) is not None:
            decoded = await asyncio.to_thread(observed, export, project_id, envelope.sdk)
            await _recorded(decoded.observations, project_id, services)
            told.add(decoded.told)
    return told


def _check(file: IO[bytes], envelope: Envelope, project_id: ProjectId, *, whole: bool) -> None:
    """Raise what refuses the export: a body that cannot be read to its end and, if `whole`, a span with a wrong id."""
    for export in _exports(file, envelope.media_type):
        for span, source in sourced_spans(project_id, export, envelope.sdk) if whole else ():
            if not _ids_fit(span):
                span_to_observation(span, source)


def _ids_fit(span: Span) -> bool:
    """A look that is cheaper than mapping, which says what is wrong."""
    return (
        len(span.trace_id) == 16
        and len(span.span_id) == 8
        and any(span.trace_id)
        and any(span.span_id)
        and (len(span.parent_span_id) in (0, 8))
    )


def _exports(file: IO[bytes], media_type: str) -> Iterator[ExportTraceServiceRequest]:
    if media_type == JSON:
        return map(export_of, json_batches(file))
    return map(parse_protobuf, protobuf_batches(file))


async def _recorded(observations: list[Observation], project_id: ProjectId, services: Services) -> None:
    """Stored, however long others keep the writer busy: the sender of a large export waits rather than starts anew."""
    for _ in range(MOST_TRIES):
        try:
            return await services.tracing.record(project_id, observations)
        except TooBusy as busy:
            await asyncio.sleep(busy.retry_after_s or 1)
    await services.tracing.record(project_id, observations)


def parse_protobuf(body: bytes) -> ExportTraceServiceRequest:
    """An export in protobuf; one that cannot be read is tried once more with its texts made UTF-8."""
    try:
        return _parsed(body)
    except DecodeError as problem:
        try:
            return _parsed(with_texts_mended(body, ExportTraceServiceRequest.DESCRIPTOR))
        except (DecodeError, InvalidRequest):
            raise InvalidRequest(
                f"the body ({len(body):,} bytes) is not an OTLP trace export, or is cut off: {problem}"
            ) from problem


def _parsed(body: bytes) -> ExportTraceServiceRequest:
    export = ExportTraceServiceRequest()
    export.ParseFromString(body)
    return export


def _answer(media_type: str, told: Told) -> Response:
    """In the form of the request, as OTLP wants; an empty protobuf answer has no bytes."""
    answer = ExportTraceServiceResponse()
    said = [told.refusal.message] if told.refusal else []
    if told.misdated:
        said.append(
            f"{told.misdated} spans, the first {told.misdated_name!r}, have times that nobody can mean: stored "
            f"as of now, with {TOLD}…_time in their metadata; look at the sender's clock"
        )
    if said:
        answer.partial_success.rejected_spans = told.refused
        answer.partial_success.error_message = "; ".join(said)
    if media_type == JSON:
        return Response(MessageToJson(answer, indent=None), media_type=JSON)
    return Response(answer.SerializeToString(), media_type=PROTOBUF)
