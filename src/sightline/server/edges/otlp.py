"""Spans in: OTLP over HTTP at Langfuse's path and at the standard one, protobuf or JSON, gzip or not, chunked or not.

An answer of 200 means stored and readable. Langfuse refuses a whole batch for one span with a wrong id; the standard
path keeps the rest and says so in `partialSuccess`, where both say which times were not believed.

A small export is stored whole or not at all. A large one waits in a file and is stored a batch at a time, after all of
it was read and its ids were looked at: when storing fails half-way the exporter sends it again, and ids make that an
upsert.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Annotated

from fastapi import APIRouter, Request, Response
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.bodies import BOUNDED_HERE, inflate
from sightline.server.edges.large.json_exports import json_batches
from sightline.server.edges.large.protobuf import protobuf_batches
from sightline.server.edges.large.spool import SMALL_INFLATED_BYTES, Body
from sightline.server.edges.otlp_json import filled
from sightline.server.edges.otlp_wire import JSON, Envelope, answered, envelope, parsed_export
from sightline.server.edges.services import Limits, Served, Services
from sightline.server.runtime.errors import TooBusy, TooLarge
from sightline.server.tracing.clocks import TOLD, believable_ns, believed
from sightline.server.tracing.mapping import InvalidSpan, SdkInfo, sourced_spans, span_to_observation
from sightline.server.tracing.mapping.values import time_of
from sightline.server.tracing.records import Observation, ProjectId

router = APIRouter(max_body_size=BOUNDED_HERE)

Sender = Annotated[Access, key_for("traces.write")]

SMALL_BODY_BYTES = 32 * 1024
"""Bodies up to this size are decoded on the event loop: a thread would cost more than it frees."""
MOST_TRIES = 10
"""To store a batch of a large export while other senders fill the writer's inbox."""


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
async def langfuse_export(request: Request, who: Sender, services: Served) -> Response:
    """Langfuse's path: a span with a wrong id refuses the batch."""
    return await _export(request, ProjectId(who.project_id), services, whole=True)


@router.post("/v1/traces")
async def standard_export(request: Request, who: Sender, services: Served) -> Response:
    """The standard path: spans with wrong ids are counted in the answer, the others kept."""
    return await _export(request, ProjectId(who.project_id), services, whole=False)


async def _export(request: Request, project_id: ProjectId, services: Services, *, whole: bool) -> Response:
    """What the answer says was stored; `whole` for all of it or nothing."""
    announced = envelope(request)
    async with services.spool.received(request, services.limits.export_bytes) as body:
        if isinstance(body, bytes):
            told = await _stored(replace(announced, body=body), project_id, services, whole=whole)
        else:
            told = await _stored_in_batches(announced, body, project_id, services, whole=whole)
    return answered(announced, _answer(told))


async def take_spans(envelope: Envelope, project_id: ProjectId, services: Services) -> ExportTraceServiceResponse:
    """Store an export's spans, over whatever protocol it came; the answer counts those with wrong ids."""
    return _answer(await _stored(envelope, project_id, services, whole=False))


async def _stored(envelope: Envelope, project_id: ProjectId, services: Services, *, whole: bool) -> Told:
    with services.arriving():
        try:
            decoded = await _decoded(envelope, project_id, services.limits)
        except TooLarge:
            pass  # Small as sent only.
        else:
            if whole and decoded.told.refusal:
                raise decoded.told.refusal
            await services.tracing.record(project_id, decoded.observations)
            return decoded.told
    return await _stored_in_batches(envelope, envelope.body, project_id, services, whole=whole)


async def _decoded(envelope: Envelope, project_id: ProjectId, limits: Limits) -> Decoded:
    if len(envelope.body) <= SMALL_BODY_BYTES and not envelope.encoding:
        return decode(envelope, project_id, limits)
    return await asyncio.to_thread(decode, envelope, project_id, limits)


def decode(envelope: Envelope, project_id: ProjectId, limits: Limits) -> Decoded:
    """Bytes to observations; pure, so it may run in any thread. TooLarge for more than one decodes in one go."""
    body = inflate(envelope.body, envelope.encoding, min(limits.inflated_bytes, SMALL_INFLATED_BYTES))
    export = parsed_export(envelope.media_type, body, ExportTraceServiceRequest())
    return observed(export, project_id, envelope.sdk)


def observed(export: ExportTraceServiceRequest, project_id: ProjectId, sdk: SdkInfo) -> Decoded:
    decoded = Decoded()
    earliest, latest = believable_ns()
    for span, source in sourced_spans(project_id, export, sdk):
        try:
            told = span_to_observation(span, source)
        except InvalidSpan as refusal:
            decoded.told.add(Told(refused=1, refusal=refusal))
            continue
        end = span.end_time_unix_nano
        if told.completion_start_time is None and earliest <= span.start_time_unix_nano <= (end or latest) <= latest:
            decoded.observations.append(told)  # The usual span: nothing of it needs a closer look.
            continue
        observation = believed(told, time_of(end) if end else None)
        if observation is not told:
            decoded.told.add(Told(misdated=1, misdated_name=observation.name))
        decoded.observations.append(observation)
    return decoded


async def _stored_in_batches(
    envelope: Envelope, body: Body, project_id: ProjectId, services: Services, *, whole: bool
) -> Told:
    """Read once to find what refuses it, then stored a batch at a time. What is answered says how many, not which."""
    told = Told()
    limit = services.limits.inflated_bytes
    async with services.spool.inflated(body, envelope.encoding, limit) as file:
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
        return (filled(document, ExportTraceServiceRequest()) for document in json_batches(file))
    return (parsed_export(media_type, body, ExportTraceServiceRequest()) for body in protobuf_batches(file))


async def _recorded(observations: list[Observation], project_id: ProjectId, services: Services) -> None:
    """Stored, however long others keep the writer busy: the sender of a large export waits rather than starts anew."""
    for _ in range(MOST_TRIES):
        services.space.require()
        try:
            return await services.tracing.record(project_id, observations)
        except TooBusy as busy:
            await asyncio.sleep(busy.retry_after_s or 1)
    await services.tracing.record(project_id, observations)


def _answer(told: Told) -> ExportTraceServiceResponse:
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
    return answer
