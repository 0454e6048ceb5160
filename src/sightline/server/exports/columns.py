"""Schemas of exported files, with Langfuse's names: traces, observations, scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sightline.server.exports.records import FieldGroup
from sightline.server.tracing.records import Observation, Score, Trace
from sightline.server.tracing.tool_names import tools_of

Kind = Literal["text", "time", "number", "whole", "truth", "json"]
ALWAYS: FieldGroup = "core"
"""Field group that every file has."""


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    value: Callable[[Any], Any]
    group: FieldGroup = ALWAYS


def _of(kind: Kind, group: FieldGroup, **values: Callable[[Any], Any]) -> tuple[Column, ...]:
    return tuple(Column(name, kind, value, group) for name, value in values.items())


def _seconds(observation: Observation, end: Any) -> float | None:
    return None if end is None else float((end - observation.start_time).total_seconds())


def _latency(observation: Observation) -> float | None:
    return _seconds(observation, observation.end_time)


def _first_token(observation: Observation) -> float | None:
    return _seconds(observation, observation.completion_start_time)


OBSERVATIONS: Sequence[Column] = (
    *_of("text", "core", id=lambda o: o.id, trace_id=lambda o: o.trace_id, project_id=lambda o: o.project_id),
    *_of("text", "core", parent_observation_id=lambda o: o.parent_id, type=lambda o: str(o.kind)),
    *_of("time", "core", start_time=lambda o: o.start_time, end_time=lambda o: o.end_time),
    *_of("text", "basic", name=lambda o: o.name, level=lambda o: str(o.level), version=lambda o: o.version),
    *_of("text", "basic", status_message=lambda o: o.status_message, environment=lambda o: o.environment),
    *_of("text", "basic", user_id=lambda o: o.trace.user_id, session_id=lambda o: o.trace.session_id),
    *_of("time", "time", completion_start_time=lambda o: o.completion_start_time),
    *_of("text", "io", input=lambda o: o.input, output=lambda o: o.output),
    *_of("json", "metadata", metadata=lambda o: o.metadata),
    *_of("text", "model", provided_model_name=lambda o: o.model, internal_model_id=lambda o: o.model_id),
    *_of("json", "model", model_parameters=lambda o: o.model_parameters),
    *_of("json", "usage", usage_details=lambda o: o.usage, cost_details=lambda o: o.cost_usd),
    *_of("number", "usage", total_cost=lambda o: o.cost_usd.get("total")),
    *_of("text", "usage", usage_pricing_tier_name=lambda o: o.pricing_tier),
    *_of("text", "prompt", prompt_name=lambda o: o.prompt_name),
    *_of("whole", "prompt", prompt_version=lambda o: o.prompt_version),
    *_of("number", "metrics", latency=_latency, time_to_first_token=_first_token),
    *_of("json", "tools", tool_names=lambda o: tools_of(o)[0], called_tool_names=lambda o: tools_of(o)[1]),
    *_of("text", "trace_context", trace_name=lambda o: o.trace.name, release=lambda o: o.trace.release),
    *_of("json", "trace_context", tags=lambda o: list(o.trace.tags)),
)
"""Columns of the observations file."""

TRACES: Sequence[Column] = (
    *_of("text", "core", id=lambda t: t.id, project_id=lambda t: t.project_id, name=lambda t: t.name),
    *_of("time", "core", timestamp=lambda t: t.timestamp),
    *_of("text", "core", user_id=lambda t: t.user_id, session_id=lambda t: t.session_id, version=lambda t: t.version),
    *_of("text", "core", release=lambda t: t.release, environment=lambda t: t.environment),
    *_of("text", "core", input=lambda t: t.input, output=lambda t: t.output),
    *_of("json", "core", metadata=lambda t: t.metadata, tags=lambda t: list(t.tags)),
    *_of("truth", "core", public=lambda t: t.public),
)
"""Columns of the traces file."""

SCORES: Sequence[Column] = (
    *_of("text", "core", id=lambda s: s.id, project_id=lambda s: s.project_id, name=lambda s: s.name),
    *_of("time", "core", timestamp=lambda s: s.timestamp, created_at=lambda s: s.created_at),
    *_of("time", "core", updated_at=lambda s: s.updated_at),
    *_of("text", "core", data_type=lambda s: s.data_type, source=lambda s: s.source),
    *_of("number", "core", value=lambda s: s.value),
    *_of("text", "core", string_value=lambda s: s.string_value, comment=lambda s: s.comment),
    *_of("text", "core", trace_id=lambda s: s.trace_id, observation_id=lambda s: s.observation_id),
    *_of("text", "core", session_id=lambda s: s.session_id, dataset_run_id=lambda s: s.dataset_run_id),
    *_of("text", "core", environment=lambda s: s.environment, config_id=lambda s: s.config_id),
    *_of("text", "core", queue_id=lambda s: s.queue_id, author_user_id=lambda s: s.author_user_id),
    *_of("json", "core", metadata=lambda s: s.metadata),
)
"""Columns of the scores file."""

Item = Trace | Observation | Score


def chosen(columns: Sequence[Column], groups: Sequence[FieldGroup]) -> list[Column]:
    return [column for column in columns if column.group in groups or column.group == ALWAYS]


def row_of(columns: Sequence[Column], item: Item) -> dict[str, Any]:
    """Values by column: texts, numbers, times, and for JSON what is to be written as such."""
    return {column.name: _plain(column.value(item)) for column in columns}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
