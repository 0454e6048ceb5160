"""Merges changes over stored rows: last write wins per field; metadata is deep-merged and tags are united.

Pure and idempotent: the stored row may already contain some of the changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sightline.server.tracing.mapping.values import json_text, parsed, time_from
from sightline.server.tracing.merging.changes import Change
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

LAST_WINS = (
    "name",
    "status_message",
    "version",
    "input",
    "output",
    "model",
    "model_parameters",
    "usage",
    "cost_usd",
    "prompt_name",
    "prompt_version",
)
"""Fields of an observation where the last write wins."""
FOUND_BY = ("name", "user_id", "session_id", "public", "version", "release")
"""Fields of a trace that every row carries, so that filters find it."""
OF_TRACE = (*FOUND_BY, "input", "output")
"""Fields of a trace where the last write wins."""


def trace_row_id(trace_id: TraceId) -> ObservationId:
    """The id of the row that carries what was said of a trace itself."""
    return ObservationId(f"t-{trace_id}")


def stored_before(changes: Sequence[Change], rows: Sequence[Observation]) -> Observation | None:
    """Which of the stored observations of that id the changes are about, if any.

    Ids are unique within a trace only. An observation that was updated before it was said where it belongs has waited
    in a trace of its own.
    """
    by_trace = {row.trace_id: row for row in rows}
    named = _named_trace(changes)
    if named is None:
        return rows[0] if rows else None
    return by_trace.get(named) or by_trace.get(_own_trace(changes))


def trace_of_changes(changes: Sequence[Change], base: Observation | None) -> TraceId:
    """The trace an observation belongs to: the first one named, else where it is; one of its own otherwise."""
    return _named_trace(changes) or (base.trace_id if base else _own_trace(changes))


def merged_observation(
    project_id: ProjectId, base: Observation | None, changes: Sequence[Change], traces: Mapping[TraceId, Observation]
) -> Observation:
    """An observation after its changes, which are in order; `traces` are the rows that stand for traces."""
    last = _last(changes)
    known = base or _empty(project_id, TraceId(""), ObservationId(changes[0].subject_id))
    parent_id = ObservationId(last["parent_id"]) if last.get("parent_id") else known.parent_id
    start_time = _started(changes) or (base.start_time if base else changes[0].occurred_at)
    end_time = time_from(last.get("end_time")) or known.end_time
    said: dict[str, Any] = {name: last[name] for name in LAST_WINS if last.get(name)}
    return replace(
        known,
        **said,
        trace_id=trace_of_changes(changes, base),
        pricing_tier=None if said.get("cost_usd") else known.pricing_tier,
        parent_id=parent_id,
        is_root=parent_id is None or (known.is_root and known.parent_id is not None),
        kind=_kind(base, changes),
        level=Level(last["level"]) if last.get("level") else known.level,
        start_time=start_time,
        end_time=max(end_time, start_time) if end_time else None,
        completion_start_time=time_from(last.get("completion_start_time")) or known.completion_start_time,
        environment=_environment(base, changes),
        metadata=_metadata(known.metadata, changes),
        trace=_carried(traces.get(trace_of_changes(changes, base)), known),
        experiment=ExperimentFields(**last["experiment"]) if last.get("experiment") else known.experiment,
        row_version=None,
    )


def merged_trace(project_id: ProjectId, base: Observation | None, changes: Sequence[Change]) -> Observation:
    """The row that carries a trace's own attributes, after its changes, which are in order."""
    trace_id = TraceId(changes[0].subject_id)
    last = _last(changes)
    known = base or _empty(project_id, trace_id, trace_row_id(trace_id))
    tags = {*known.trace.tags, *(tag for change in changes for tag in change.fields.get("tags", ()))}
    said: dict[str, Any] = {name: last[name] for name in OF_TRACE if last.get(name) is not None}
    fields = replace(known.trace, **said, tags=tuple(sorted(tags)), metadata=_metadata(known.trace.metadata, changes))
    return replace(
        known,
        start_time=_started(changes) or (base.start_time if base else changes[0].occurred_at),
        environment=_environment(base, changes),
        trace=fields,
        stands_for_trace=True,
        row_version=None,
    )


def deep(old: Any, new: Any) -> Any:
    """Deep merge: objects key by key, everything else is replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return old | {key: deep(old[key], value) if key in old else value for key, value in new.items()}


def _empty(project_id: ProjectId, trace_id: TraceId, identity: ObservationId) -> Observation:
    return Observation(project_id=project_id, trace_id=trace_id, id=identity, start_time=datetime.min)


def _carried(row: Observation | None, known: Observation) -> TraceFields:
    """Denormalised trace fields of an observation: its own, and those of the trace's row that filters need.

    Of a field in both, the row with the highest version wins, in reads too: a rewrite must not change the winner.
    """
    own = known.trace
    if row is None:
        return own
    later = row.row_version is None or row.row_version > (known.row_version or 0)
    names = [name for name in FOUND_BY if later or getattr(own, name) is None]
    said: dict[str, Any] = {name: value for name in names if (value := getattr(row.trace, name)) is not None}
    carried = replace(own, **said, tags=tuple(sorted({*own.tags, *row.trace.tags})))
    return _without_texts_of(row.trace, carried) if later else carried


def _without_texts_of(said: TraceFields, carried: TraceFields) -> TraceFields:
    """Less the texts and metadata that the trace's row has said since: they stay there alone."""
    return replace(
        carried,
        input=None if said.input else carried.input,
        output=None if said.output else carried.output,
        metadata={key: value for key, value in carried.metadata.items() if key not in said.metadata},
    )


def _named_trace(changes: Sequence[Change]) -> TraceId | None:
    return next((change.trace_id for change in changes if change.trace_id), None)


def _own_trace(changes: Sequence[Change]) -> TraceId:
    """As Langfuse has it: the trace has the observation's id."""
    return TraceId(changes[0].subject_id)


def _last(changes: Sequence[Change]) -> dict[str, Any]:
    """The last value that was said of each field; nothing and empty objects say nothing."""
    return {
        name: value for change in changes for name, value in change.fields.items() if value is not None and value != {}
    }


def _started(changes: Sequence[Change]) -> datetime | None:
    """The first start that was named: it does not move afterwards."""
    named = (time_from(change.fields.get("start_time")) for change in changes)
    return next((moment for moment in named if moment), None)


def _kind(base: Observation | None, changes: Sequence[Change]) -> Kind:
    """What it was created as; an update's type counts only while nothing else is known."""
    created = [change.fields["kind"] for change in changes if change.creates]
    if created:
        return Kind(created[-1])
    return base.kind if base else Kind(changes[0].fields["kind"])


def _environment(base: Observation | None, changes: Sequence[Change]) -> str:
    """The first one named stays."""
    if base:
        return base.environment
    return next((change.fields["environment"] for change in changes if change.fields.get("environment")), "default")


def _metadata(known: Mapping[str, str], changes: Sequence[Change]) -> dict[str, str]:
    merged = dict(known)
    for change in changes:
        for key, value in (change.fields.get("metadata") or {}).items():
            merged[key] = json_text(deep(parsed(merged[key]), parsed(value))) if key in merged else value
    return merged
