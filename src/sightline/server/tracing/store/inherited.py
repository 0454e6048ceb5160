# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""What observations have from their trace: most clients say its user, session, name and tags on one row only.

What a row says itself counts; where it says nothing, what the other rows of its trace add up to. Looked at are rows
within `LONGEST_TRACE` of the observations.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sightline.server.tracing.records import Condition, Inherited, Observation, TraceId
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.filters import holds
from sightline.server.tracing.store.matching import TIME, Span, earliest, latest
from sightline.server.tracing.store.summaries import AGGREGATES


@dataclass(frozen=True)
class _Field:
    own: str
    """What a row says itself; empty for none."""
    said: str
    """What it says of its trace: the same, but a trace without a name has its root's."""
    summed: str
    """What the rows of a trace that say anything add up to: the last one counts."""

    @property
    def missing(self) -> str:
        return "empty(tags)" if self.own == "tags" else f"{self.own} = ''"


_ROOT_NAMED = "if(trace_name = '' AND is_root, name, trace_name)"
_USER = _Field("user_id", "user_id", AGGREGATES["user_id"])
_SESSION = _Field("session_id", "session_id", AGGREGATES["session_id"])
_NAME = _Field(
    "trace_name",
    _ROOT_NAMED,
    "if(countIf(trace_name != '') > 0, argMaxIf(trace_name, row_version, trace_name != ''), "
    "argMinIf(name, start_time, is_root))",
)
_TAGS = _Field("tags", "tags", AGGREGATES["tags"])
_ROOTS_ENVIRONMENT = "if(is_root, environment, '')"
_ENVIRONMENT = _Field(_ROOTS_ENVIRONMENT, _ROOTS_ENVIRONMENT, "argMinIf(environment, start_time, is_root)")

INHERITED_COLUMNS: Mapping[str, _Field] = {
    "userId": _USER,
    "sessionId": _SESSION,
    "traceName": _NAME,
    "traceTags": _TAGS,
    "tags": _TAGS,
    "traceEnvironment": _ENVIRONMENT,
}
_SHOWN: Mapping[Inherited, _Field] = {"user_id": _USER, "session_id": _SESSION, "name": _NAME, "tags": _TAGS}
_OPPOSITES: Mapping[str, str] = {
    "does not contain": "contains",
    "none of": "any of",
    "is null": "is not null",
}


def near(where: Conditions, span: Span) -> Conditions:
    """Narrowed to the rows of traces that go on in a span of time."""
    where.add("start_time >=", TIME, earliest(span[0]))
    where.add("start_time <", TIME, latest(span[1]))
    return where


def inherits(where: Conditions, condition: Condition, rows: Conditions) -> str:
    """The clause that says a condition holds for what an observation has from its trace; `rows` are those to look at.

    What does not hold for a value that is not there is asked for; of any other condition the opposite is, and negated.
    """
    opposite = _OPPOSITES.get(condition.operator)
    if opposite:
        return f"NOT ({inherits(where, replace(condition, operator=opposite), rows)})"
    field = INHERITED_COLUMNS[condition.column]
    own, said, summed = (holds(where, condition, column) for column in (field.own, field.said, field.summed))
    if condition.operator == "all of":
        said = holds(where, replace(condition, operator="any of"), field.said)
    # One row at least says so: the indexes find such traces, and by their ids the observations.
    touched = f"trace_id IN (SELECT trace_id FROM observations WHERE {rows} AND {said})"
    traces = f"SELECT trace_id FROM observations WHERE {rows} AND {touched} GROUP BY trace_id HAVING {summed}"
    return f"({touched} AND ({own} OR ({field.missing} AND trace_id IN ({traces}))))"


def summed(where: Conditions, fields: Collection[Inherited]) -> str:
    """SELECT of these fields of the traces of these rows."""
    columns = ", ".join(f"{_SHOWN[field].summed} AS inherited_{field}" for field in sorted(fields))
    return f"SELECT trace_id, {columns} FROM observations WHERE {where} GROUP BY trace_id"


def lacking(observations: Sequence[Observation], fields: Collection[Inherited]) -> list[TraceId]:
    """The traces of observations that do not say all of these fields themselves."""
    traces = (each.trace_id for each in observations if any(not getattr(each.trace, field) for field in fields))
    return sorted(set(traces))


def filled(observation: Observation, row: Mapping[str, Any]) -> Observation:
    """An observation with what its trace says where it says nothing itself."""
    said = {key.removeprefix("inherited_"): value for key, value in row.items() if key.startswith("inherited_")}
    missing: dict[str, Any] = {
        field: tuple(value) if field == "tags" else value
        for field, value in said.items()
        if value and not getattr(observation.trace, field)
    }
    return replace(observation, trace=replace(observation.trace, **missing)) if missing else observation
