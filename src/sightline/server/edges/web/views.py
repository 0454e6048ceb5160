"""Records of tracing as the page API shows them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import ValidationError

from sightline.server.edges.stored import decoded, json_or_text, latency_s, time_to_first_token_s
from sightline.server.edges.web.shapes import (
    Bucket,
    Looked,
    Node,
    ObservationDetail,
    Picture,
    Score,
    TraceHead,
    TraceRow,
)
from sightline.server.runtime.media_tokens import tokens_in
from sightline.server.tracing import records

PLUMBING = frozenset(("resourceAttributes", "scope", "attributes"))
"""Keys of metadata that instrumentation writes; a root shows them itself."""
LOOKED_ATTRIBUTE = "sightline.looked"
"""Span attribute with the attention maps, see decision 3."""


def score(record: records.Score) -> Score:
    return Score(
        id=record.id,
        name=record.name,
        data_type=record.data_type,
        value=record.value,
        string_value=record.string_value,
        source=record.source,
        comment=record.comment,
        observation_id=record.observation_id,
    )


def trace_row(trace: records.Trace) -> TraceRow:
    return TraceRow(**_row(trace))


def trace_head(trace: records.Trace) -> TraceHead:
    return TraceHead(
        **_row(trace),
        end_time=trace.end_time,
        version=trace.version,
        release=trace.release,
        public=trace.public,
        metadata=decoded({key: text for key, text in trace.metadata.items() if key not in PLUMBING}),
    )


def _row(trace: records.Trace) -> dict[str, Any]:
    return {
        "id": trace.id,
        "name": trace.name,
        "timestamp": trace.timestamp,
        "environment": trace.environment,
        "user_id": trace.user_id,
        "session_id": trace.session_id,
        "tags": list(trace.tags),
        "latency_ms": trace.latency_s * 1000,
        "observation_count": trace.observation_count,
        "error_count": trace.error_count,
        **tokens(trace.usage),
        "total_cost_usd": trace.cost_usd or None,
        "input_preview": trace.input,
        "output_preview": trace.output,
        "thumbnail": f"{media_url(trace.project_id, trace.media_id)}?size=thumb" if trace.media_id else None,
        "scores": [score(each) for each in trace.scores],
    }


def media_url(project_id: str, media_id: str) -> str:
    return f"/api/web/projects/{project_id}/media/{media_id}"


def tokens(usage: Mapping[str, int]) -> dict[str, int | None]:
    """Input and output with their parts (cached, reasoning, …), as a person counts them."""
    if not usage:
        return {"input_tokens": None, "output_tokens": None, "total_tokens": None}
    return {
        "input_tokens": _whole(usage, "input"),
        "output_tokens": _whole(usage, "output"),
        "total_tokens": usage.get("total"),
    }


def _whole(usage: Mapping[str, int], name: str) -> int:
    return sum(units for key, units in usage.items() if key == name or key.startswith(f"{name}_"))


def bucket(record: records.Bucket) -> Bucket:
    return Bucket(
        start=record.start,
        count=record.count,
        errors=record.errors,
        p50Ms=_milliseconds(record.p50_s),
        p95Ms=_milliseconds(record.p95_s),
        scores=dict(record.score_mean),
    )


def nodes(observations: Sequence[records.Observation], scores: Iterable[records.Score]) -> list[Node]:
    """The tree's nodes, each with its own scores."""
    by_observation: dict[str | None, list[records.Score]] = {}
    for each in scores:
        by_observation.setdefault(each.observation_id, []).append(each)
    return [Node(**_node(each, by_observation.get(each.id, ()))) for each in observations]


def observation_detail(observation: records.Observation, scores: Sequence[records.Score]) -> ObservationDetail:
    return ObservationDetail(
        **_node(observation, scores),
        input=json_or_text(observation.input),
        output=json_or_text(observation.output),
        metadata=decoded(observation.metadata),
        model_parameters=dict(observation.model_parameters),
        usage=dict(observation.usage),
        cost_usd=dict(observation.cost_usd),
        environment=observation.environment,
        version=observation.version,
        prompt_name=observation.prompt_name,
        prompt_version=observation.prompt_version,
        images=list(pictures(observation)),
        looked=looked(observation),
    )


def _node(observation: records.Observation, scores: Iterable[records.Score]) -> dict[str, Any]:
    return {
        "id": observation.id,
        "parent_id": observation.parent_id,
        "type": observation.kind,
        "name": observation.name,
        "start_time": observation.start_time,
        "end_time": observation.end_time,
        "latency_ms": _milliseconds(latency_s(observation)),
        "level": observation.level,
        "status_message": observation.status_message,
        "model": observation.model,
        **tokens(observation.usage),
        "total_cost_usd": observation.cost_usd.get("total"),
        "time_to_first_token_ms": _milliseconds(time_to_first_token_s(observation)),
        "scores": [score(each) for each in scores],
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def pictures(observation: records.Observation) -> Iterator[Picture]:
    """The images an observation refers to, each once a field."""
    places: tuple[tuple[Literal["input", "output", "metadata"], str | None], ...] = (
        ("input", observation.input),
        ("output", observation.output),
        ("metadata", "\n".join(observation.metadata.values())),
    )
    for field, text in places:
        for content_type, media_id in dict.fromkeys((token.content_type, token.id) for token in tokens_in(text)):
            if content_type.startswith("image/"):
                url = media_url(observation.project_id, media_id)
                yield Picture(media_id=media_id, url=url, content_type=content_type, field=field)


def looked(observation: records.Observation) -> Looked | None:
    """Where the model looked, from the span attribute; None where it is absent or not in the shape we know."""
    attributes = json_or_text(observation.metadata.get("attributes"))
    return looked_of(attributes.get(LOOKED_ATTRIBUTE) if isinstance(attributes, dict) else None)


def looked_of(value: Any) -> Looked | None:
    given = json_or_text(value) if isinstance(value, str) else value
    if given is None:
        return None
    try:
        return Looked.model_validate(given)
    except ValidationError:
        return None
