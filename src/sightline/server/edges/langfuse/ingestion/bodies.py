"""Events of the older ingestion as clients send them, and the changes they stand for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from sightline.server.edges.langfuse.experiments.fields import experiment_of
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.params import Moment
from sightline.server.runtime.clock import now
from sightline.server.runtime.ids import new_id
from sightline.server.tracing.clocks import believable, believed_fields
from sightline.server.tracing.environments import environment_name
from sightline.server.tracing.mapping import model_parameters, normalised_usage, told_cost
from sightline.server.tracing.mapping.values import json_text, number, text
from sightline.server.tracing.merging import Change
from sightline.server.tracing.records import Kind, Level, TraceId

CREATED_KINDS: Mapping[str, Kind] = {f"{kind.value.lower()}-create": kind for kind in Kind}
"""Event type to the kind of observation that it creates."""
UPDATED_KINDS: Mapping[str, Kind] = {"span-update": Kind.SPAN, "generation-update": Kind.GENERATION}
"""Event type to the kind of observation that it updates."""
NAMED_KINDS = {"observation-create": True, "observation-update": False}
"""Events whose body says the type, and whether they create."""
COUNTS = {"promptTokens": "input", "completionTokens": "output", "totalTokens": "total"}
"""OpenAI's names of counts to usage types."""
COSTS = {"inputCost": "input", "outputCost": "output", "totalCost": "total"}
"""Names of costs to usage types."""


Identity = Annotated[str, Field(min_length=1, max_length=800)]


class Event(Body):
    id: str
    type: str
    timestamp: Moment
    body: Any


class _EventBody(Body):
    model_config = ConfigDict(protected_namespaces=())

    id: Identity | None = None
    name: str | None = None
    input: Any = None
    output: Any = None
    metadata: Any = None
    version: str | None = None
    environment: str | None = None

    def common(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "input": text(self.input),
            "output": text(self.output),
            "metadata": _metadata(self.metadata),
            "version": self.version,
            "environment": environment_name(self.environment) if self.environment else None,
        }


class TraceBody(_EventBody):
    timestamp: Moment | None = None
    user_id: str | None = None
    session_id: str | None = Field(None, max_length=200)
    release: str | None = None
    tags: list[str] | None = None
    public: bool | None = None

    def fields(self) -> dict[str, Any]:
        return self.common() | {
            "start_time": _iso(self.timestamp),
            "user_id": self.user_id,
            "session_id": self.session_id,
            "release": self.release,
            "tags": self.tags,
            "public": self.public,
        }


class ObservationBody(_EventBody):
    type: Kind | None = None
    trace_id: Identity | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    completion_start_time: Moment | None = None
    level: Level | None = None
    status_message: str | None = None
    parent_observation_id: Identity | None = None
    model: str | None = None
    model_parameters: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    usage_details: dict[str, Any] | None = None
    cost_details: dict[str, Any] | None = None
    prompt_name: str | None = None
    prompt_version: int | None = Field(None, ge=1)

    def fields(self, kind: Kind) -> dict[str, Any]:
        return self.common() | {
            "kind": kind,
            "start_time": _iso(self.start_time),
            "end_time": _iso(self.end_time),
            "completion_start_time": _iso(self.completion_start_time),
            "level": self.level,
            "status_message": self.status_message,
            "parent_id": self.parent_observation_id,
            "model": self.model,
            "model_parameters": model_parameters(self.model_parameters or {}),
            "usage": normalised_usage(self.usage_details or _counted(self.usage or {})),
            "cost_usd": _cost(self.cost_details or told_cost(self.usage_details or {}) or _costs(self.usage or {})),
            "prompt_name": self.prompt_name,
            "prompt_version": self.prompt_version,
        }


def change_of(event: Event) -> Change | None:
    """The change an event stands for; None for types about something else. ValidationError for an invalid body."""
    if event.type == "trace-create":
        trace = TraceBody.model_validate(event.body)
        identity = trace.id or new_id()
        return _change(event, identity, TraceId(identity), trace.fields())
    if event.type not in CREATED_KINDS and event.type not in UPDATED_KINDS and event.type not in NAMED_KINDS:
        return None
    body = ObservationBody.model_validate(event.body)
    kind = CREATED_KINDS.get(event.type) or UPDATED_KINDS.get(event.type) or body.type or Kind.SPAN
    fields = body.fields(kind) | {"experiment": experiment_of(event.body, body.id)}
    return _change(event, body.id or new_id(), TraceId(body.trace_id) if body.trace_id else None, fields)


def _change(event: Event, identity: str, trace_id: TraceId | None, fields: Mapping[str, Any]) -> Change:
    said = believed_fields(fields, event.timestamp if event.type.endswith("-create") else None)
    return Change(
        event_id=event.id,
        subject="trace" if event.type == "trace-create" else "observation",
        subject_id=identity,
        trace_id=trace_id,
        occurred_at=event.timestamp if believable(event.timestamp) else now(),
        creates=event.type.endswith("-create"),
        fields={name: value for name, value in said.items() if value not in (None, {})},
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _metadata(value: Any) -> dict[str, str] | None:
    """Top-level keys to JSON text; what is no object comes under a key."""
    if value is None:
        return None
    given = value if isinstance(value, dict) else {"metadata": value}
    return {key: json_text(inner) for key, inner in given.items()}


def _counted(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The oldest shapes of usage, without unit and costs."""
    counts = {COUNTS.get(name, name): value for name, value in usage.items() if name not in (*COSTS, "unit")}
    return {name: value for name, value in counts.items() if value is not None}


def _costs(usage: Mapping[str, Any]) -> dict[str, Any]:
    return {name: usage[key] for key, name in COSTS.items() if key in usage}


def _cost(given: Mapping[str, Any]) -> dict[str, float]:
    cost = {name: dollars for name, value in given.items() if (dollars := number(value)) is not None}
    return {"total": sum(cost.values())} | cost if cost else {}
