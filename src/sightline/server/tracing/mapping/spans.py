"""One OTLP span becomes one observation: pure functions, no I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.frozen import filled
from sightline.server.tracing.environments import environment_name
from sightline.server.tracing.mapping.contents import first_found
from sightline.server.tracing.mapping.dialects import Event, answer_id, bare_words, wraps_calls
from sightline.server.tracing.mapping.kind_tables import AI_SDK_OPERATION, AI_SDK_WRAPPERS
from sightline.server.tracing.mapping.metadata import (
    events_text,
    metadata_under,
    other_metadata,
    scope_text,
)
from sightline.server.tracing.mapping.sdk import SdkInfo
from sightline.server.tracing.mapping.shape import Shape, shape_of
from sightline.server.tracing.mapping.tables import (
    ANSWER_SCOPES,
    COMPLETION_START,
    DETAILS_EVENT,
    ENVIRONMENT_KEYS,
    ERROR_KEYS,
    EXPERIMENT_FIELDS,
    EXPERIMENT_PREFIX,
    FIRST_TOKEN_DELAYS_S,
    FIRST_TOKEN_EVENTS,
    INVOCATION_PARAMETERS,
    LEVELS,
    MLFLOW_MARK,
    OBSERVATION_METADATA,
    PROMPT_NAME,
    PROMPT_OBJECT,
    PROMPT_VERSION,
    RELEASE_KEYS,
    TRACE_METADATA,
    VERSION_KEYS,
    WRAPPING_NAMES,
)
from sightline.server.tracing.mapping.usage import cost_of, parameters_of, usage_of
from sightline.server.tracing.mapping.values import (
    Attributes,
    first,
    json_text,
    later,
    number,
    parsed,
    parsed_object,
    python_attributes,
    text,
    time_from,
    time_of,
)
from sightline.server.tracing.records import (
    ExperimentFields,
    Kind,
    Level,
    Observation,
    ObservationId,
    ProjectId,
    TraceFields,
    TraceId,
)

LONGEST_ID = 200
"""Characters of a user or session id; Langfuse's clients drop longer ones themselves."""
MOST_VERSIONS = 2**31
"""Prompt versions beyond a 32-bit integer are none."""
CALLS = frozenset((Kind.GENERATION, Kind.EMBEDDING, Kind.SPAN))
"""Kinds that may be one call of a model."""


class InvalidSpan(InvalidRequest):
    """A span that cannot be stored because its ids are not what OTLP says they are."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What all spans of one scope share, computed once."""

    project_id: ProjectId
    service: str | None
    environment: str
    version: str | None
    release: str | None
    scope_name: str | None
    encoded_metadata: bool
    metadata: dict[str, str]
    """`resourceAttributes` and `scope` as JSON text."""


def spans_to_observations(project_id: ProjectId, request: ExportTraceServiceRequest, sdk: SdkInfo) -> list[Observation]:
    """All spans of an export as observations; InvalidSpan names the first whose ids are wrong."""
    return [span_to_observation(span, source) for span, source in sourced_spans(project_id, request, sdk)]


def sourced_spans(
    project_id: ProjectId, request: ExportTraceServiceRequest, sdk: SdkInfo
) -> Iterator[tuple[Span, Source]]:
    for resource_spans in request.resource_spans:
        yield from _of_resource(project_id, resource_spans, sdk)


def _of_resource(project_id: ProjectId, resource_spans: ResourceSpans, sdk: SdkInfo) -> Iterator[tuple[Span, Source]]:
    resource = python_attributes(resource_spans.resource.attributes)
    resource_text = json_text(resource)
    for scope_spans in resource_spans.scope_spans:
        scope = scope_spans.scope
        source = Source(
            project_id=project_id,
            service=text(resource.get("service.name")),
            environment=environment_name(first(resource, ENVIRONMENT_KEYS)),
            version=text(first(resource, (*VERSION_KEYS, "service.version"))),
            release=text(first(resource, RELEASE_KEYS)),
            scope_name=scope.name or None,
            encoded_metadata=sdk.of_scope(scope, resource.get("telemetry.sdk.language")).encodes_metadata,
            metadata={"resourceAttributes": resource_text, "scope": scope_text(scope)},
        )
        for span in scope_spans.spans:
            yield span, source


def span_to_observation(span: Span, source: Source) -> Observation:
    events = [(event.name, python_attributes(event.attributes)) for event in span.events]
    attributes = _with_details(python_attributes(span.attributes), events)
    if MLFLOW_MARK in attributes:
        attributes = bare_words(attributes)
    shape = shape_of(attributes)
    parent_id = _parent_id(span)
    kind = _kind(attributes, shape, span.name, source.scope_name)
    start_time = time_of(span.start_time_unix_nano)
    end_time = max(start_time, time_of(span.end_time_unix_nano)) if span.end_time_unix_nano else None
    prompt = _prompt(attributes) if kind is Kind.GENERATION else {}
    version = text(first(attributes, shape.versions)) or source.version
    fields = {
        "project_id": source.project_id,
        "trace_id": TraceId(_hex_id(span.trace_id, 16, "trace id", span)),
        "id": ObservationId(_hex_id(span.span_id, 8, "span id", span)),
        "parent_id": parent_id,
        "is_root": parent_id is None or any(_truth(attributes[key]) for key in shape.roots),
        "kind": kind,
        "name": str(first(attributes, shape.names) or span.name),
        "start_time": start_time,
        "end_time": end_time,
        "completion_start_time": _completion_start(attributes, span, (start_time, end_time), shape),
        "level": _level(attributes, span),
        "status_message": _status_message(attributes, span, events),
        "environment": _environment(attributes, shape, source),
        "version": version,
        "input": first_found(shape.inputs, attributes, events),
        "output": first_found(shape.outputs, attributes, events),
        "metadata": _metadata(attributes, span, events, shape, source),
        "model": _model(attributes, shape),
        "model_parameters": parameters_of(attributes) if shape.tells_parameters else {},
        "usage": usage_of(attributes, shape.counters, shape.unexplained_counters) if shape.tells_usage else {},
        "cost_usd": cost_of(attributes) if shape.tells_cost else {},
        "call_id": _call_id(attributes, kind, shape, source.scope_name),
        "prompt_name": text(prompt.get("name")),
        "prompt_version": _whole(prompt.get("version")),
        "service": source.service,
        "scope": source.scope_name,
        "trace": _trace_fields(attributes, version, shape, source),
        "experiment": _experiment_fields(attributes) if shape.tells_experiment else None,
    }
    return filled(Observation, fields)


def _hex_id(raw: bytes, length: int, what: str, span: Span) -> str:
    if len(raw) != length or not any(raw):
        raise InvalidSpan(
            f"span {span.name!r} has an invalid {what}: {len(raw)} bytes ({raw[:32].hex() or 'empty'}), "
            f"where OTLP wants {length} bytes, not all zero"
        )
    return raw.hex()


def _parent_id(span: Span) -> ObservationId | None:
    if not any(span.parent_span_id):
        return None
    return ObservationId(_hex_id(span.parent_span_id, 8, "parent span id", span))


def _environment(attributes: Attributes, shape: Shape, source: Source) -> str:
    named = first(attributes, shape.environments)
    return environment_name(named) if named else source.environment


def _kind(attributes: Attributes, shape: Shape, name: str, scope: str | None) -> Kind:
    if name in WRAPPING_NAMES.get(scope or "", ()):
        return Kind.SPAN
    for key, kinds, spelt in shape.kinds:
        value = attributes[key]
        if isinstance(value, str) and (kind := kinds.get(spelt(value))) is not None:
            return Kind.CHAIN if kind is Kind.GENERATION and wraps_calls(attributes, scope) else kind
    if first(attributes, shape.tools) is not None:
        return Kind.TOOL
    return Kind.GENERATION if first(attributes, shape.models) is not None else Kind.SPAN


def _level(attributes: Attributes, span: Span) -> Level:
    named = LEVELS.get(str(attributes.get("langfuse.observation.level", "")).lower())
    if named is not None:
        return named
    return Level.ERROR if span.status.code == Status.STATUS_CODE_ERROR else Level.DEFAULT


def _model(attributes: Attributes, shape: Shape) -> str | None:
    """The model by name; the one asked for where a call failed before any answered."""
    named = first(attributes, shape.models)
    if named is None and (asked := first(attributes, INVOCATION_PARAMETERS)) is not None:
        named = first(parsed_object(asked), ("model", "model_name"))
    return text(named)


def _call_id(attributes: Attributes, kind: Kind, shape: Shape, scope: str | None) -> str | None:
    """Of calls and of records about one: what wraps several may repeat the id of its last."""
    if kind not in CALLS or attributes.get(AI_SDK_OPERATION) in AI_SDK_WRAPPERS:
        return None
    named = _bounded(first(attributes, shape.call_ids))
    if named is None and kind is Kind.GENERATION and scope is not None and scope.startswith(ANSWER_SCOPES):
        return _bounded(answer_id(attributes.get("output.value")))
    return named


def _prompt(attributes: Attributes) -> Attributes:
    """Name and version of the prompt that a generation was made from."""
    if PROMPT_OBJECT in attributes:
        return parsed_object(attributes[PROMPT_OBJECT])
    return {"name": attributes.get(PROMPT_NAME), "version": attributes.get(PROMPT_VERSION)}


def _with_details(attributes: Attributes, events: Sequence[Event]) -> Attributes:
    """Attributes with those of the event that carries a call's messages, where there is one."""
    found = next((details for name, details in events if name == DETAILS_EVENT), None)
    return {**found, **attributes} if found else attributes


def _status_message(attributes: Attributes, span: Span, events: Sequence[Event]) -> str | None:
    """The client's message, else the span status', else what the first recorded exception says."""
    message = text(attributes.get("langfuse.observation.status_message")) or span.status.message
    if message or span.status.code != Status.STATUS_CODE_ERROR:
        return message or None
    found: Attributes = next((exception for name, exception in events if name == "exception"), {})
    return text(first(found, ERROR_KEYS) or first(attributes, ERROR_KEYS))


def _completion_start(
    attributes: Attributes, span: Span, times: tuple[datetime, datetime | None], shape: Shape
) -> datetime | None:
    if shape.tells_completion and (told := _told_completion(attributes, *times)) is not None:
        return told
    first_tokens = [event.time_unix_nano for event in span.events if event.name in FIRST_TOKEN_EVENTS]
    return time_of(min(first_tokens)) if first_tokens else None


def _told_completion(attributes: Attributes, start_time: datetime, end_time: datetime | None) -> datetime | None:
    given = time_from(attributes.get(COMPLETION_START))
    if given is not None:
        return given
    for key, seconds in FIRST_TOKEN_DELAYS_S.items():
        if (delay := number(attributes.get(key))) is not None:
            return later(start_time, _delay_s(delay * seconds, start_time, end_time))
    return None


def _delay_s(delay: float, start_time: datetime, end_time: datetime | None) -> float:
    """A first token cannot come after the end: a delay that says so was counted in milliseconds, or rounded up."""
    lasted = (end_time - start_time).total_seconds() if end_time else None
    if lasted is None or delay <= lasted:
        return delay
    return delay / 1000 if delay.is_integer() or delay > 2 * lasted else lasted


def _metadata(
    attributes: Attributes, span: Span, events: Sequence[Event], shape: Shape, source: Source
) -> dict[str, str]:
    metadata = other_metadata(attributes, shape)
    if shape.langfuse_metadata:
        metadata |= metadata_under(attributes, OBSERVATION_METADATA, encoded=source.encoded_metadata)
    if span.events:
        metadata["events"] = events_text(span, events)
    return metadata | source.metadata


def _trace_fields(attributes: Attributes, version: str | None, shape: Shape, source: Source) -> TraceFields:
    found = filled(
        TraceFields,
        {
            "user_id": _bounded(first(attributes, shape.users)),
            "session_id": _bounded(first(attributes, shape.sessions)),
            "tags": tags_of(first(attributes, shape.tags)) if shape.tags else (),
            "version": version,
            "release": text(first(attributes, shape.releases)) or source.release,
            "metadata": {},
        },
    )
    if not shape.tells_trace:
        return found
    return replace(
        found,
        name=text(attributes.get("langfuse.trace.name")),
        public=_truth(attributes.get("langfuse.trace.public")) if "langfuse.trace.public" in attributes else None,
        metadata=metadata_under(attributes, TRACE_METADATA, encoded=source.encoded_metadata),
        input=text(attributes.get("langfuse.trace.input")),
        output=text(attributes.get("langfuse.trace.output")),
    )


def _experiment_fields(attributes: Attributes) -> ExperimentFields | None:
    identity = _bounded(attributes.get(f"{EXPERIMENT_PREFIX}id"))
    if identity is None:
        return None
    fields = {name: text(attributes.get(EXPERIMENT_PREFIX + key)) for name, key in EXPERIMENT_FIELDS.items()}
    return ExperimentFields(id=identity, **fields)


def tags_of(value: Any) -> tuple[str, ...]:
    """Tags from a list, a JSON list or comma-separated text, each once, in order."""
    decoded = parsed(value)
    if decoded is None:
        return ()
    listed = decoded if isinstance(decoded, list) else [part.strip() for part in str(decoded).split(",")]
    return tuple(dict.fromkeys(str(tag) for tag in listed if tag not in (None, "")))


def _bounded(value: Any) -> str | None:
    found = None if value is None else str(value)
    return found if found and len(found) <= LONGEST_ID else None


def _truth(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _whole(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None and 0 <= found < MOST_VERSIONS else None
