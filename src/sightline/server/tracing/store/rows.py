"""Serialisation of observations to rows of the analytics table and back. An empty text stands for none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import orjson

from sightline.server.runtime.writer import Row
from sightline.server.tracing.fields import TRACE_ROW
from sightline.server.tracing.metering import TOTAL, total_cost
from sightline.server.tracing.records import (
    ExperimentFields,
    Kind,
    Level,
    MediaId,
    Observation,
    ObservationId,
    ProjectId,
    TraceFields,
    TraceId,
)
from sightline.server.tracing.store.previews import preview
from sightline.server.tracing.tool_names import tools_of

NARROW = (
    "project_id, trace_id, id, parent_id, row_version, start_time, end_time, completion_start_time, is_root, kind, "
    "name, level, status_message, environment, version, service, scope, model, model_parameters, usage, cost_usd, "
    "model_id, pricing_tier, call_id, prompt_name, prompt_version, image_ids, "
    "trace_name, user_id, session_id, tags, public, trace_version, release"
)
"""Projection for a tree or a list."""

OUTLINE = f"{NARROW}, trace_metadata, input_preview, output_preview, trace_input_preview, trace_output_preview"
"""Projection with the trace's own fields as well, texts as previews."""

WIDE = f"{NARROW}, input, output, metadata, trace_metadata, trace_input, trace_output, experiment_id, experiment"
"""All columns of an observation."""


def partition_of(moment: datetime) -> str:
    """Partition key of a time: its month."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.year}{utc.month:02}"


def observation_row(observation: Observation, image_ids: list[MediaId], row_version: int) -> Row:
    """Serialise one observation to a row."""
    return Row("observations", partition_of(observation.start_time), _line(observation, image_ids, row_version))


def _line(observation: Observation, image_ids: list[MediaId], row_version: int) -> bytes:
    """The row as JSON. What is the default of its column is left out: the engine then has less to parse."""
    line: dict[str, Any] = {
        "project_id": observation.project_id,
        "trace_id": observation.trace_id,
        "id": observation.id,
        "row_version": row_version,
        "start_time": observation.start_time,
        "kind": TRACE_ROW if observation.stands_for_trace else observation.kind,
        "name": observation.name,
        "level": observation.level,
        "environment": observation.environment,
    }
    told = plain_of(observation)
    line.update([pair for pair in zip(PLAIN, told, strict=True) if pair[1]])
    if observation.is_root:
        # Lists show what a trace's root says; other rows do without.
        line["is_root"] = 1
        line["input_preview"] = preview(observation.input, wanted="user")
        line["output_preview"] = preview(observation.output, wanted="assistant")
    if observation.cost_usd:
        line["cost_usd"] = _with_total(observation.cost_usd)
    if observation.prompt_version is not None:
        line["prompt_version"] = observation.prompt_version
    if image_ids:
        line["image_ids"] = image_ids
    _add_trace(line, observation.trace)
    if observation.experiment is not None:
        line |= _experiment_columns(observation.experiment)
    line |= _tool_columns(observation)
    return orjson.dumps(line, default=dict)


PLAIN = (
    *("parent_id", "end_time", "completion_start_time", "status_message", "version", "service", "scope", "input"),
    *("output", "metadata", "model", "model_parameters", "usage", "model_id", "pricing_tier", "call_id", "prompt_name"),
)
"""Columns with the name and the value of their field."""
plain_of = attrgetter(*PLAIN)
OF_TRACE = {
    "name": "trace_name",
    "user_id": "user_id",
    "session_id": "session_id",
    "tags": "tags",
    "version": "trace_version",
    "release": "release",
    "metadata": "trace_metadata",
    "input": "trace_input",
    "output": "trace_output",
}
"""Fields of the trace and their columns."""
of_trace = attrgetter(*OF_TRACE)


def _add_trace(line: dict[str, Any], trace: TraceFields) -> None:
    line.update([pair for pair in zip(OF_TRACE.values(), of_trace(trace), strict=True) if pair[1]])
    if trace.public is not None:
        line["public"] = int(trace.public)
    if trace.input:
        line["trace_input_preview"] = preview(trace.input, wanted="user")
    if trace.output:
        line["trace_output_preview"] = preview(trace.output, wanted="assistant")


def _with_total(cost_usd: Mapping[str, float]) -> Mapping[str, float]:
    """Sums read the total."""
    return cost_usd if TOTAL in cost_usd or not cost_usd else {**cost_usd, TOTAL: total_cost(cost_usd)}


def _tool_columns(observation: Observation) -> Mapping[str, Any]:
    """Only where there are any: most rows do without."""
    names, called = tools_of(observation)
    return {column: tools for column, tools in (("tool_names", names), ("called_tool_names", called)) if tools}


def _experiment_columns(experiment: ExperimentFields) -> Mapping[str, Any]:
    details = {name: value for name, value in vars(experiment).items() if name != "id" and value is not None}
    return {"experiment_id": experiment.id, "experiment": details}


def observation_of(row: Mapping[str, Any]) -> Observation:
    """A row of NARROW or WIDE columns as an observation."""
    return Observation(
        project_id=ProjectId(row["project_id"]),
        trace_id=TraceId(row["trace_id"]),
        id=ObservationId(row["id"]),
        parent_id=ObservationId(row["parent_id"]) if row["parent_id"] else None,
        is_root=bool(row["is_root"]),
        kind=Kind.SPAN if row["kind"] == TRACE_ROW else Kind(row["kind"]),
        name=row["name"],
        start_time=moment(row["start_time"]),
        end_time=optional_moment(row["end_time"]),
        completion_start_time=optional_moment(row["completion_start_time"]),
        level=Level(row["level"]),
        status_message=row["status_message"] or None,
        environment=row["environment"],
        version=row["version"] or None,
        input=row.get("input") or None,
        output=row.get("output") or None,
        metadata=row.get("metadata", {}),
        model=row["model"] or None,
        model_parameters=row["model_parameters"],
        usage=row["usage"],
        cost_usd=row["cost_usd"],
        model_id=row["model_id"] or None,
        pricing_tier=row["pricing_tier"] or None,
        call_id=row["call_id"] or None,
        prompt_name=row["prompt_name"] or None,
        prompt_version=row["prompt_version"],
        service=row["service"] or None,
        scope=row["scope"] or None,
        trace=_trace_fields(row),
        experiment=_experiment_fields(row),
        stands_for_trace=row["kind"] == TRACE_ROW,
        row_version=row["row_version"],
    )


def _trace_fields(row: Mapping[str, Any]) -> TraceFields:
    return TraceFields(
        name=row["trace_name"] or None,
        user_id=row["user_id"] or None,
        session_id=row["session_id"] or None,
        tags=tuple(row["tags"]),
        public=None if row["public"] is None else bool(row["public"]),
        version=row["trace_version"] or None,
        release=row["release"] or None,
        metadata=row.get("trace_metadata", {}),
        input=row.get("trace_input") or None,
        output=row.get("trace_output") or None,
    )


def _experiment_fields(row: Mapping[str, Any]) -> ExperimentFields | None:
    identity = row.get("experiment_id")
    return ExperimentFields(id=identity, **row["experiment"]) if identity else None


def moment(text: str) -> datetime:
    """A time as the engine writes it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def optional_moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)
