"""One OTLP span becomes one observation: pure functions, no I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.mapping.contents import input_of, output_of
from sightline.server.tracing.mapping.metadata import events_text, leftovers, metadata_under, scope_text
from sightline.server.tracing.mapping.sdk import SdkInfo
from sightline.server.tracing.mapping.tables import (
    COMPLETION_START,
    ENVIRONMENT_KEYS,
    EXPERIMENT_FIELDS,
    EXPERIMENT_PREFIX,
    FIRST_TOKEN_DELAYS_S,
    KIND_TABLES,
    LEVELS,
    MODEL_KEYS,
    NAME_KEYS,
    OBSERVATION_METADATA,
    PROMPT_NAME,
    PROMPT_VERSION,
    RELEASE_KEYS,
    ROOT_KEYS,
    SESSION_KEYS,
    TAG_KEYS,
    TOOL_KEYS,
    TRACE_METADATA,
    USER_KEYS,
    VERSION_KEYS,
)
from sightline.server.tracing.mapping.usage import cost_of, parameters_of, usage_of
from sightline.server.tracing.mapping.values import (
    Attributes,
    first,
    json_text,
    later,
    number,
    parsed,
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

ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}")
LONGEST_ID = 200
"""Characters of a user or session id; Langfuse's clients drop longer ones themselves."""


MOST_VERSIONS = 2**31


class InvalidSpan(InvalidRequest):
    """A span that cannot be stored because its ids are not what OTLP says they are."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What all spans of one scope share, worked out once."""

    project_id: ProjectId
    resource: Attributes
    service: str | None
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
            resource=resource,
            service=text(resource.get("service.name")),
            scope_name=scope.name or None,
            encoded_metadata=sdk.of_scope(scope, resource.get("telemetry.sdk.language")).encodes_metadata,
            metadata={"resourceAttributes": resource_text, "scope": scope_text(scope)},
        )
        for span in scope_spans.spans:
            yield span, source


def span_to_observation(span: Span, source: Source) -> Observation:
    attributes = python_attributes(span.attributes)
    parent_id = _parent_id(span)
    kind = kind_of(attributes)
    level = level_of(attributes, span)
    start_time = time_of(span.start_time_unix_nano)
    prompted = kind is Kind.GENERATION
    return Observation(
        project_id=source.project_id,
        trace_id=TraceId(_hex_id(span.trace_id, 16, "trace id", span)),
        id=ObservationId(_hex_id(span.span_id, 8, "span id", span)),
        parent_id=parent_id,
        is_root=parent_id is None or any(_truth(attributes.get(key)) for key in ROOT_KEYS),
        kind=kind,
        name=str(first(attributes, NAME_KEYS) or span.name),
        start_time=start_time,
        end_time=max(start_time, time_of(span.end_time_unix_nano)) if span.end_time_unix_nano else None,
        completion_start_time=_completion_start(attributes, start_time),
        level=level,
        status_message=_status_message(attributes, span),
        environment=environment_of(attributes, source.resource),
        version=_version(attributes, source.resource),
        input=input_of(attributes),
        output=output_of(attributes),
        metadata=_metadata(attributes, span, source),
        model=text(first(attributes, MODEL_KEYS)),
        model_parameters=parameters_of(attributes),
        usage=usage_of(attributes),
        cost_usd=cost_of(attributes),
        prompt_name=text(attributes.get(PROMPT_NAME)) if prompted else None,
        prompt_version=_whole(attributes.get(PROMPT_VERSION)) if prompted else None,
        service=source.service,
        scope=source.scope_name,
        trace=_trace_fields(attributes, source),
        experiment=_experiment_fields(attributes),
    )


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


def kind_of(attributes: Attributes) -> Kind:
    for key, kinds, spelt in KIND_TABLES:
        value = attributes.get(key)
        if isinstance(value, str) and (kind := kinds.get(spelt(value))) is not None:
            return kind
    if first(attributes, TOOL_KEYS) is not None:
        return Kind.TOOL
    return Kind.GENERATION if first(attributes, MODEL_KEYS) is not None else Kind.SPAN


def level_of(attributes: Attributes, span: Span) -> Level:
    named = LEVELS.get(str(attributes.get("langfuse.observation.level", "")).lower())
    if named is not None:
        return named
    return Level.ERROR if span.status.code == Status.STATUS_CODE_ERROR else Level.DEFAULT


def _status_message(attributes: Attributes, span: Span) -> str | None:
    """The client's message, else the span status', else what the first recorded exception says."""
    message = text(attributes.get("langfuse.observation.status_message")) or span.status.message
    if message or span.status.code != Status.STATUS_CODE_ERROR:
        return message or None
    for event in span.events:
        if event.name == "exception":
            found = python_attributes(event.attributes)
            return text(first(found, ("exception.message", "exception.type")))
    return None


def environment_of(attributes: Attributes, resource: Attributes) -> str:
    found = first(attributes, ENVIRONMENT_KEYS) or first(resource, ENVIRONMENT_KEYS)
    return found if isinstance(found, str) and ENVIRONMENT.fullmatch(found) else "default"


def _version(attributes: Attributes, resource: Attributes) -> str | None:
    return text(first(attributes, VERSION_KEYS) or first(resource, (*VERSION_KEYS, "service.version")))


def _completion_start(attributes: Attributes, start_time: datetime) -> datetime | None:
    given = time_from(attributes.get(COMPLETION_START))
    if given is not None:
        return given
    for key, seconds in FIRST_TOKEN_DELAYS_S.items():
        if (delay := number(attributes.get(key))) is not None:
            return later(start_time, delay * seconds)
    return None


def _metadata(attributes: Attributes, span: Span, source: Source) -> dict[str, str]:
    metadata = metadata_under(attributes, OBSERVATION_METADATA, encoded=source.encoded_metadata)
    rest = leftovers(attributes)
    if rest:
        metadata["attributes"] = json_text(rest)
    if span.events:
        metadata["events"] = events_text(span)
    return metadata | source.metadata


def _trace_fields(attributes: Attributes, source: Source) -> TraceFields:
    return TraceFields(
        name=text(attributes.get("langfuse.trace.name")),
        user_id=_bounded(first(attributes, USER_KEYS)),
        session_id=_bounded(first(attributes, SESSION_KEYS)),
        tags=tags_of(first(attributes, TAG_KEYS)),
        public=_truth(attributes.get("langfuse.trace.public")) if "langfuse.trace.public" in attributes else None,
        version=_version(attributes, source.resource),
        release=text(first(attributes, RELEASE_KEYS) or first(source.resource, RELEASE_KEYS)),
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
