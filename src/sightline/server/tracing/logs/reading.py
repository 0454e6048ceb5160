"""Maps log records to events under their spans, messages of their spans, and traces of programs without spans."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from sightline.server.tracing.logs.agents import (
    DURATION_MS,
    SESSIONS,
    TURN,
    Meaning,
    meaning_of,
    short_name,
    translated,
)
from sightline.server.tracing.logs.records import NAME_KEY, Record, record_of
from sightline.server.tracing.mapping import SdkInfo, sourced_spans, span_to_observation
from sightline.server.tracing.mapping.spans import Source
from sightline.server.tracing.mapping.tables import DETAILS_EVENT, MESSAGE_EVENTS, OUTPUT_EVENTS
from sightline.server.tracing.mapping.values import first, json_text, number, parsed, text, time_of
from sightline.server.tracing.merging import Change
from sightline.server.tracing.records import Kind, Observation, ProjectId, TraceId

GEN_AI = "gen_ai."
CONTENT = "gen_ai.event.content"
"""Where a span's event carries its whole message."""
BESIDE_A_MESSAGE = (GEN_AI, "event.", "code.", "server.", "CHAT_MESSAGE_INDEX")
"""What log handlers add to an event's attributes; the rest is the message where the body is empty."""
NO_CONTENT = frozenset(("role", "index", "finish_reason"))


@dataclass
class Heard:
    """What an export of logs says."""

    observations: list[Observation] = field(default_factory=list)
    messages: list[Change] = field(default_factory=list)
    """What belongs into spans, whether they are here yet or not."""
    unplaced: int = 0
    """Lines of a program's log that name neither a span nor a session: nothing they could be shown with."""


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """What the records of one scope share."""

    resource: Resource
    scope: InstrumentationScope
    source: Source


def heard(project_id: ProjectId, export: ExportLogsServiceRequest, sdk: SdkInfo, received_ns: int) -> Heard:
    found = Heard()
    for place, (record, origin) in enumerate(_records(project_id, export, sdk, received_ns)):
        if record.in_span and _is_message(record):
            if (event := _event(record)) is not None:
                found.messages.append(_message(record, event, origin, place))
        elif not (record.in_trace or _has_place(record)):
            found.unplaced += 1
        elif (meaning := meaning_of(record.name, record.attributes)) is not None:
            found.observations.append(span_to_observation(_as_span(record, meaning, origin), origin.source))
    return found


def _records(
    project_id: ProjectId, export: ExportLogsServiceRequest, sdk: SdkInfo, received_ns: int
) -> Iterator[tuple[Record, _Origin]]:
    for resource_logs in export.resource_logs:
        for origin, logs in _origins(project_id, resource_logs, sdk):
            for raw in logs:
                yield record_of(raw, origin.scope.name, origin.source.service, received_ns), origin


def _origins(project_id: ProjectId, logs: ResourceLogs, sdk: SdkInfo) -> Iterator[tuple[_Origin, Sequence[Any]]]:
    for scope_logs in logs.scope_logs:
        carrier = _carrier(logs.resource, scope_logs.scope, Span())
        [(_, source)] = sourced_spans(project_id, ExportTraceServiceRequest(resource_spans=[carrier]), sdk)
        yield _Origin(resource=logs.resource, scope=scope_logs.scope, source=source), scope_logs.log_records


def _carrier(resource: Resource, scope: InstrumentationScope, span: Span) -> ResourceSpans:
    carrier = ResourceSpans(resource=resource)
    carrier.scope_spans.add(scope=scope, spans=[span])
    return carrier


def _is_message(record: Record) -> bool:
    return record.name in MESSAGE_EVENTS or record.name == DETAILS_EVENT


def _has_place(record: Record) -> bool:
    """Whether a record without a span says enough to be shown: a model's call, or something of a session."""
    return record.name.startswith(GEN_AI) or first(record.attributes, SESSIONS) is not None


def _message(record: Record, event: Span.Event, origin: _Origin, place: int) -> Change:
    """Kept as the part of its span that it is; its place in the export tells apart what was logged at one time."""
    raw = record.raw
    span = Span(trace_id=raw.trace_id, span_id=raw.span_id, name=record.name, events=[event])
    return Change(
        event_id=record.digest.hex(),
        subject="span",
        subject_id=raw.span_id.hex(),
        trace_id=TraceId(raw.trace_id.hex()),
        occurred_at=time_of(record.nanoseconds),
        creates=False,
        fields={"span": MessageToDict(_carrier(origin.resource, origin.scope, span)), "place": place},
    )


def _event(record: Record) -> Span.Event | None:
    """The record as the event of a span that older libraries would have made of it; None where it has no content."""
    event = Span.Event(name=record.name, time_unix_nano=record.nanoseconds)
    if record.name == DETAILS_EVENT:
        event.attributes.extend(record.raw.attributes)
        event.attributes.extend(record.raw.body.kvlist_value.values)
        return event
    message = _said(record)
    if set(message) <= NO_CONTENT:
        return None
    event.attributes.append(_pair(CONTENT, json_text({"role": MESSAGE_EVENTS[record.name], **message})))
    return event


def _said(record: Record) -> Mapping[str, Any]:
    """A message's fields: of the body (an object, or JSON), else of the attributes."""
    body = parsed(record.body)
    if not body:
        body = parsed(record.attributes.get(CONTENT))
    if not body:
        body = {key: value for key, value in record.attributes.items() if not key.startswith(BESIDE_A_MESSAGE)}
    if not isinstance(body, dict):
        return {"content": body}
    inner = body.get("message")
    outer = {key: value for key, value in body.items() if key != "message"}
    return {**inner, **outer} if isinstance(inner, dict) else body


def _as_span(record: Record, meaning: Meaning, origin: _Origin) -> Span:
    """The record as a span: of zero duration, or of the duration it reports."""
    start, end = _times(record)
    trace_id, span_id, parent_id = _ids(record, meaning)
    named = record.attributes.get(meaning.name) if meaning.name else None
    span = Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        name=str(named or short_name(record.name) or origin.scope.name or "log"),
        start_time_unix_nano=start,
        end_time_unix_nano=end,
    )
    ours = _ours(record, meaning, origin)
    span.attributes.extend(pair for pair in record.raw.attributes if pair.key not in (*ours, NAME_KEY))
    span.attributes.extend(_pair(key, value) for key, value in ours.items())
    return span


def _ours(record: Record, meaning: Meaning, origin: _Origin) -> dict[str, str]:
    """Attributes added for the mapping of spans, besides the record's own."""
    ours = {"langfuse.observation.level": record.level}
    if not record.in_trace and origin.source.service:
        ours["langfuse.trace.name"] = origin.source.service
    if record.name == DETAILS_EVENT:
        return ours  # Its attributes are those of a model's call, which the mapping of spans reads as they are.
    if meaning.kind is Kind.EVENT and "model" in record.attributes:
        # Every event of an agent names the model, but only a call is one of its calls.
        ours |= {"model": "", "langfuse.observation.metadata.model": str(record.attributes["model"])}
    ours |= translated(meaning, record.attributes)
    body = text(record.body)
    content = f"langfuse.observation.{'output' if record.name in OUTPUT_EVENTS else 'input'}"
    if body and content not in ours and short_name(body) != short_name(record.name):
        ours[content] = body
    return ours


def _times(record: Record) -> tuple[int, int]:
    """Start and end; an event that took no time has no end."""
    took_ms = number(record.attributes.get(DURATION_MS)) or 0.0
    start = record.nanoseconds - int(took_ms * 1e6)
    return (start, record.nanoseconds) if 0 < start < record.nanoseconds else (record.nanoseconds, 0)


def _ids(record: Record, meaning: Meaning) -> tuple[bytes, bytes, bytes]:
    """Trace, own and parent id. What has no span is gathered by session and turn, else it is a trace of its own."""
    if record.in_trace:
        return record.raw.trace_id, record.digest[:8], record.raw.span_id if record.in_span else b""
    session, turn = first(record.attributes, SESSIONS), record.attributes.get(TURN)
    if session is None:
        return record.digest[8:24], record.digest[:8], b""
    key = hashlib.sha256(f"{session}\0{turn or ''}".encode()).digest()
    opening = key[16:24]
    if meaning.opens:
        return key[:16], opening, b""
    return key[:16], record.digest[:8], opening if turn else b""


def _pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))
