"""The semantic layer: measures and dimensions of each view, as data.

Filters are those of the lists: a view takes every field of its subject. Times are UTC, durations of measures
milliseconds, costs US dollars.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sightline.server.dashboards.records import ViewName
from sightline.server.questions import Field
from sightline.server.tracing.fields import (
    OBSERVATION_FIELDS,
    SCORE_FIELDS,
    TRACE_FIELDS,
    counted_sum,
    seconds,
)


@dataclass(frozen=True, kw_only=True)
class View:
    time: str
    dimensions: Mapping[str, Field]
    measures: Mapping[str, Field]
    filters: Mapping[str, Field]

    @property
    def asked(self) -> Mapping[str, Field]:
        """Fields a filter may name: those of the lists, and every dimension."""
        return {**self.dimensions, **self.filters}


def _number(sql: str, needs: str | None = None) -> Field:
    return Field(sql, "number", needs)


def _milliseconds(start: str, end: str) -> Field:
    return _number(f"{seconds(start, end)} * 1000")


def _per_second(units: str) -> Field:
    return _number(f"({units}) / nullIf({seconds('start_time', 'end_time')}, 0)")


def _day(column: str) -> Field:
    return Field(f"formatDateTime({column}, '%Y-%m-%d', 'UTC')")


def _month(column: str) -> Field:
    return Field(f"formatDateTime({column}, '%Y-%m', 'UTC')")


def _told(map_: str) -> Field:
    """The deduplicated total; NULL where nothing was reported, so that averages skip it."""
    return _number(f"if(mapContains({map_}, 'total'), {counted_sum(map_)}, NULL)")


def _of(fields: Mapping[str, Field], *names: str) -> dict[str, Field]:
    return {name: fields[name] for name in names}


_FOUND = _of(OBSERVATION_FIELDS, "id", "traceId", "parentObservationId", "userId", "sessionId")
"""High-cardinality dimensions: ids."""
_PLAIN = _of(OBSERVATION_FIELDS, "environment", "type", "name", "level", "version", "tags", "release", "traceName")
_MORE = _of(OBSERVATION_FIELDS, "traceRelease", "traceVersion", "providedModelName", "promptName", "promptVersion")
_RUN = _of(OBSERVATION_FIELDS, "experimentId", "experimentName", "experimentDatasetId")
INPUT, OUTPUT = (_number(counted_sum("usage", name)) for name in ("input", "output"))

OBSERVATIONS = View(
    time="start_time",
    dimensions={
        **_FOUND,
        **_PLAIN,
        **_MORE,
        **_RUN,
        "tags": replace(OBSERVATION_FIELDS["tags"], sql=f"arraySort({OBSERVATION_FIELDS['tags'].sql})"),
        "isRootObservation": OBSERVATION_FIELDS["isRootObservation"],
        "startTimeMonth": _month("start_time"),
        "costType": Field("cost_type", needs="costs"),
        "usageType": Field("usage_type", needs="usages"),
        **_of(OBSERVATION_FIELDS, "toolNames", "calledToolNames"),
    },
    measures={
        "count": _number("1"),
        "traceId": Field("trace_id"),
        "uniqueUserIds": OBSERVATION_FIELDS["userId"],
        "uniqueSessionIds": OBSERVATION_FIELDS["sessionId"],
        "latency": _milliseconds("start_time", "end_time"),
        "streamingLatency": _milliseconds("completion_start_time", "end_time"),
        "timeToFirstToken": _milliseconds("start_time", "completion_start_time"),
        "inputTokens": INPUT,
        "outputTokens": OUTPUT,
        "totalTokens": _told("usage"),
        "outputTokensPerSecond": _per_second(OUTPUT.sql),
        "tokensPerSecond": _per_second(_told("usage").sql),
        "inputCost": _number(counted_sum("cost_usd", "input")),
        "outputCost": _number(counted_sum("cost_usd", "output")),
        "totalCost": _told("cost_usd"),
        "costByType": _number("cost_part", "costs"),
        "usageByType": _number("usage_part", "usages"),
        "countScores": _number("score_count", "scores"),
        "toolDefinitions": _number("length(tool_names)"),
        "toolCalls": _number("length(called_tool_names)"),
    },
    filters=OBSERVATION_FIELDS,
)

TRACES = View(
    time="timestamp",
    dimensions={
        **_of(TRACE_FIELDS, "id", "userId", "sessionId", "name", "tags", "release", "version", "environment"),
        "timestampMonth": _month("timestamp"),
    },
    measures={
        "count": _number("1"),
        "observationsCount": TRACE_FIELDS["observationCount"],
        "scoresCount": _number("score_count", "scores"),
        "uniqueUserIds": TRACE_FIELDS["userId"],
        "uniqueSessionIds": TRACE_FIELDS["sessionId"],
        "latency": _milliseconds("began", "ended"),
        "totalTokens": TRACE_FIELDS["totalTokens"],
        "totalCost": TRACE_FIELDS["totalCost"],
    },
    filters=TRACE_FIELDS,
)

_SCORED = (
    *("id", "traceId", "observationId", "sessionId", "userId", "experimentId", "name", "source", "dataType"),
    *("environment", "configId", "tags", "traceName", "traceRelease", "traceVersion", "observationName"),
    *("observationModelName", "observationPromptName", "observationPromptVersion"),
)
SCORE_DIMENSIONS = {
    **_of(SCORE_FIELDS, *_SCORED),
    "timestampDay": _day("timestamp"),
    "timestampMonth": _month("timestamp"),
}
"""Dimensions of every view of scores."""
NUMBERS = {"count": _number("1"), "value": SCORE_FIELDS["value"]}
"""Measures of numeric scores."""


def _scores(value: str, measures: Mapping[str, Field]) -> View:
    return View(
        time="timestamp",
        dimensions=SCORE_DIMENSIONS | {value: SCORE_FIELDS[value]},
        measures=measures,
        filters=SCORE_FIELDS,
    )


VIEWS: Mapping[ViewName, View] = {
    "observations": OBSERVATIONS,
    "traces": TRACES,
    "scores-numeric": _scores("value", NUMBERS),
    "scores-boolean": _scores("booleanValue", NUMBERS),
    "scores-categorical": _scores("stringValue", {"count": NUMBERS["count"]}),
}
"""View by name."""
