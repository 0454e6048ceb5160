"""What can be measured and grouped by, as data: a name to the SQL of one row's value. Times are UTC, costs US dollars.

An empty text stands for none. `needs` names what a statement must join for the value to exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sightline.server.dashboards.records import ViewName

Kind = Literal["text", "number", "truth", "texts", "time", "entries"]
Inherited = Literal["user_id", "session_id", "trace_name", "tags", "release", "trace_version"]
"""Columns an observation has from its trace where it says nothing itself."""
Need = Literal["scores", "trace", "observation", "costs", "usages"] | Inherited


@dataclass(frozen=True)
class Field:
    sql: str
    kind: Kind = "text"
    needs: Need | None = None
    crowded: bool = False
    """About as many values as rows: grouping by it is for short lists of the largest only."""


@dataclass(frozen=True, kw_only=True)
class View:
    time: str
    dimensions: Mapping[str, Field]
    measures: Mapping[str, Field]
    filters: Mapping[str, Field]
    """What can be filtered by besides dimensions and numeric measures."""


def _between(start: str, end: str) -> Field:
    return Field(f"dateDiff('microsecond', {start}, {end}) / 1000", "number")


def _parts(column: str, prefix: str) -> Field:
    return Field(f"arraySum(mapValues(mapFilter((name, units) -> startsWith(name, '{prefix}'), {column})))", "number")


def _per_second(units: str) -> Field:
    return Field(f"({units}) / nullIf(dateDiff('microsecond', start_time, end_time) / 1e6, 0)", "number")


def _day(column: str) -> Field:
    return Field(f"formatDateTime({column}, '%Y-%m-%d', 'UTC')")


def _month(column: str) -> Field:
    return Field(f"formatDateTime({column}, '%Y-%m', 'UTC')")


INPUT, OUTPUT = _parts("usage", "input"), _parts("usage", "output")
TOTAL = Field("if(mapContains(usage, 'total'), usage['total'], NULL)", "number")


def _inherited(column: Inherited, kind: Kind = "text", *, crowded: bool = False) -> Field:
    return Field(f"if(empty({column}), of_trace_{column}, {column})", kind, needs=column, crowded=crowded)


USER, SESSION = _inherited("user_id", crowded=True), _inherited("session_id", crowded=True)

OBSERVATIONS = View(
    time="start_time",
    dimensions={
        "id": Field("id", crowded=True),
        "traceId": Field("trace_id", crowded=True),
        "parentObservationId": Field("parent_id", crowded=True),
        "userId": USER,
        "sessionId": SESSION,
        "environment": Field("environment"),
        "isRootObservation": Field("is_root", "truth"),
        "type": Field("kind"),
        "name": Field("name"),
        "level": Field("level"),
        "version": Field("version"),
        "tags": Field("arraySort(if(empty(tags), of_trace_tags, tags))", "texts", needs="tags"),
        "release": Field("release"),
        "traceName": _inherited("trace_name"),
        "traceRelease": _inherited("release"),
        "traceVersion": _inherited("trace_version"),
        "providedModelName": Field("model"),
        "promptName": Field("prompt_name"),
        "promptVersion": Field("prompt_version", "number"),
        "startTimeMonth": _month("start_time"),
        "experimentId": Field("experiment_id", crowded=True),
        "experimentName": Field("experiment['name']", crowded=True),
        "experimentDatasetId": Field("experiment['dataset_id']", crowded=True),
        "costType": Field("cost_type", needs="costs"),
        "usageType": Field("usage_type", needs="usages"),
        "toolNames": Field("tool_names", "texts"),
        "calledToolNames": Field("called_tool_names", "texts"),
    },
    measures={
        "count": Field("1", "number"),
        "traceId": Field("trace_id"),
        "uniqueUserIds": USER,
        "uniqueSessionIds": SESSION,
        "latency": _between("start_time", "end_time"),
        "streamingLatency": _between("completion_start_time", "end_time"),
        "timeToFirstToken": _between("start_time", "completion_start_time"),
        "inputTokens": INPUT,
        "outputTokens": OUTPUT,
        "totalTokens": TOTAL,
        "outputTokensPerSecond": _per_second(OUTPUT.sql),
        "tokensPerSecond": _per_second(TOTAL.sql),
        "inputCost": _parts("cost_usd", "input"),
        "outputCost": _parts("cost_usd", "output"),
        "totalCost": Field("if(mapContains(cost_usd, 'total'), cost_usd['total'], NULL)", "number"),
        "costByType": Field("cost_part", "number", needs="costs"),
        "usageByType": Field("usage_part", "number", needs="usages"),
        "countScores": Field("score_count", "number", needs="scores"),
        "toolDefinitions": Field("length(tool_names)", "number"),
        "toolCalls": Field("length(called_tool_names)", "number"),
    },
    filters={
        "startTime": Field("start_time", "time"),
        "endTime": Field("end_time", "time"),
        "metadata": Field("metadata", "entries"),
        "statusMessage": Field("status_message"),
        "input": Field("input"),
        "output": Field("output"),
    },
)

TRACES = View(
    time="timestamp",
    dimensions={
        "id": Field("trace_id", crowded=True),
        "userId": Field("user_id", crowded=True),
        "sessionId": Field("session_id", crowded=True),
        "name": Field("name"),
        "tags": Field("tags", "texts"),
        "release": Field("release"),
        "version": Field("version"),
        "environment": Field("environment"),
        "timestampMonth": _month("timestamp"),
    },
    measures={
        "count": Field("1", "number"),
        "observationsCount": Field("observation_count", "number"),
        "scoresCount": Field("score_count", "number", needs="scores"),
        "uniqueUserIds": Field("user_id"),
        "uniqueSessionIds": Field("session_id"),
        "latency": _between("began", "ended"),
        "totalTokens": Field("total_tokens", "number"),
        "totalCost": Field("total_cost", "number"),
    },
    filters={"timestamp": Field("timestamp", "time"), "metadata": Field("metadata", "entries")},
)

SCORE_DIMENSIONS = {
    "id": Field("id", crowded=True),
    "traceId": Field("trace_id", crowded=True),
    "observationId": Field("observation_id", crowded=True),
    "sessionId": Field("session_id", crowded=True),
    "userId": Field("user_id", needs="trace", crowded=True),
    "experimentId": Field("dataset_run_id", crowded=True),
    "name": Field("name"),
    "source": Field("source"),
    "dataType": Field("data_type"),
    "environment": Field("environment"),
    "configId": Field("config_id"),
    "tags": Field("tags", "texts", needs="trace"),
    "traceName": Field("trace_name", needs="trace"),
    "traceRelease": Field("release", needs="trace"),
    "traceVersion": Field("trace_version", needs="trace"),
    "observationName": Field("observation_name", needs="observation"),
    "observationModelName": Field("model", needs="observation"),
    "observationPromptName": Field("prompt_name", needs="observation"),
    "observationPromptVersion": Field("prompt_version", "number", needs="observation"),
    "timestampDay": _day("timestamp"),
    "timestampMonth": _month("timestamp"),
}
SCORE_FILTERS = {"timestamp": Field("timestamp", "time"), "metadata": Field("metadata", "entries")}
NUMBERS = {"count": Field("1", "number"), "value": Field("value", "number")}

VIEWS: Mapping[ViewName, View] = {
    "observations": OBSERVATIONS,
    "traces": TRACES,
    "scores-numeric": View(
        time="timestamp",
        dimensions=SCORE_DIMENSIONS | {"value": Field("value", "number")},
        measures=NUMBERS,
        filters=SCORE_FILTERS,
    ),
    "scores-boolean": View(
        time="timestamp",
        dimensions=SCORE_DIMENSIONS | {"booleanValue": Field("value", "truth")},
        measures=NUMBERS,
        filters=SCORE_FILTERS,
    ),
    "scores-categorical": View(
        time="timestamp",
        dimensions=SCORE_DIMENSIONS | {"stringValue": Field("ifNull(string_value, '')")},
        measures={"count": Field("1", "number")},
        filters=SCORE_FILTERS,
    ),
}
