"""Merges log records into the span they belong to. Pure, commutative and idempotent: order and repeats do not matter.

What a span says itself stays; records fill what it leaves empty, and a note in its metadata says what they filled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from sightline.server.tracing.mapping import SdkInfo, sourced_spans, span_to_observation
from sightline.server.tracing.mapping.tables import DETAILS_EVENT
from sightline.server.tracing.mapping.values import json_text, parsed, python_attributes
from sightline.server.tracing.merging import Change
from sightline.server.tracing.records import Observation, ObservationId, ProjectId, TraceId

MARK = "sightline.from_logs"
"""The key of metadata that says which fields were filled by log records."""
FILLED = ("input", "output")
"""Fields of a span that records fill where they are empty."""
FILLED_OF_TRACE = ("user_id", "session_id")
"""Likewise, fields of its trace."""
STAND_IN = "stand-in"
SpanKey = tuple[TraceId, ObservationId]


@dataclass(frozen=True)
class StandIn:
    """A placeholder for a span that did not arrive while its log records did."""

    observation: Observation

    def noted(self) -> Change:
        """So that the span, when it does come, takes its place."""
        return Change(
            event_id=STAND_IN,
            subject="span",
            subject_id=self.observation.id,
            trace_id=self.observation.trace_id,
            occurred_at=self.observation.start_time,
            creates=False,
            fields={"start_time": self.observation.start_time.isoformat()},
        )

    @staticmethod
    def of(project_id: ProjectId, kept: Sequence[Change]) -> "StandIn":
        """Begins when the first of the records did that were there when it was made, and stays so."""
        made = _observed(project_id, _messages(kept))
        return StandIn(replace(made, start_time=StandIn.start(kept) or made.start_time))

    @staticmethod
    def start(kept: Iterable[Change]) -> datetime | None:
        """When the one that is stored begins, if one is."""
        found = (change.fields["start_time"] for change in kept if change.event_id == STAND_IN)
        return next((datetime.fromisoformat(start) for start in found), None)


def span_changes(kept: Iterable[Change]) -> dict[SpanKey, list[Change]]:
    """Changes by the span they are about: span ids are unique within a trace only."""
    by_span: dict[SpanKey, list[Change]] = {}
    for change in kept:
        key = (change.trace_id or TraceId(""), ObservationId(change.subject_id))
        by_span.setdefault(key, []).append(change)
    return by_span


def with_messages(span: Observation, kept: Sequence[Change]) -> Observation:
    """The span with what its records say of fields it does not say itself."""
    messages = _messages(kept)
    if not messages:
        return span
    own, said = _own(span), _observed(span.project_id, messages)
    fields = _filled(FILLED, own, said)
    of_trace = _filled(FILLED_OF_TRACE, own.trace, said.trace)
    if not fields and not of_trace:
        return own
    metadata = {**own.metadata, MARK: json_text([*fields, *of_trace])}
    return replace(own, **fields, metadata=metadata, trace=replace(own.trace, **of_trace))


def _filled(names: Iterable[str], own: Any, said: Any) -> dict[str, Any]:
    return {name: found for name in names if not getattr(own, name) and (found := getattr(said, name))}


def _own(span: Observation) -> Observation:
    """The span without what records filled before."""
    if MARK not in span.metadata:
        return span
    filled = parsed(span.metadata[MARK])
    fields: dict[str, Any] = {name: None for name in FILLED if name in filled}
    of_trace: dict[str, Any] = {name: None for name in FILLED_OF_TRACE if name in filled}
    metadata = {key: value for key, value in span.metadata.items() if key != MARK}
    return replace(span, **fields, metadata=metadata, trace=replace(span.trace, **of_trace))


def _messages(kept: Iterable[Change]) -> list[Change]:
    """The records among the changes, deduplicated, in the order they were logged."""
    once = {change.event_id: change for change in kept if change.event_id != STAND_IN}
    return sorted(once.values(), key=lambda change: (change.occurred_at, change.fields["place"], change.event_id))


def _observed(project_id: ProjectId, messages: Sequence[Change]) -> Observation:
    """What the records would be if they were the events of a span that says nothing else."""
    parts = [ParseDict(change.fields["span"], ResourceSpans()) for change in messages]
    events = [part.scope_spans[0].spans[0].events[0] for part in parts]
    _gather(parts[0].scope_spans[0].spans[0], sorted(events, key=lambda event: event.time_unix_nano))
    [(span, source)] = sourced_spans(project_id, ExportTraceServiceRequest(resource_spans=parts[:1]), SdkInfo())
    return span_to_observation(span, source)


def _gather(span: Span, events: Sequence[Span.Event]) -> None:
    """Make the span the one that has these events."""
    detailed = (python_attributes(event.attributes) for event in events if event.name == DETAILS_EVENT)
    details = next(detailed, {})
    operation, model = details.get("gen_ai.operation.name"), details.get("gen_ai.request.model")
    span.name = " ".join(str(word) for word in (operation, model) if word) or events[0].name
    span.start_time_unix_nano = events[0].time_unix_nano
    span.end_time_unix_nano = events[-1].time_unix_nano
    if not operation:
        span.attributes.append(KeyValue(key="langfuse.observation.type", value=AnyValue(string_value="generation")))
    gathered = Span(events=events)
    span.ClearField("events")
    span.MergeFrom(gathered)
