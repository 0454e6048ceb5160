# ruff: noqa: S608  (statements are composed of our own text; every value is a bound parameter)
"""The schema of filters: fields of an observation, a trace and a score, one table each, for every surface.

Lists, detail reads, sessions, metrics, charts, exports, the pages' filter bar and the documentation of filters compile
from these tables. Times are UTC, durations seconds, costs US dollars.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sightline.server.questions import Condition, Field
from sightline.server.questions.clickhouse import holds, number_holds, truth_holds
from sightline.server.questions.where import Where
from sightline.server.tables.observations import GONE
from sightline.server.tracing.environments import asked_environments
from sightline.server.tracing.searching import said

TRACE_ROW = "TRACE"
"""The kind of a row that carries a trace's own attributes and is no observation."""
OBSERVED = f"kind NOT IN ('{TRACE_ROW}', '{GONE}')"
"""Rows that are observations."""
INDEXED = "gone = 0"
"""Rows of the index of traces that are traces."""


def asked(equal: Mapping[str, Any], tags: Sequence[str] = ()) -> list[Condition]:
    """Simple parameters as conditions: columns that equal what was given, and tags that must all be there."""
    found = [
        Condition(type="string", column=column, operator="=", value=str(value))
        for column, value in equal.items()
        if value is not None
    ]
    if tags:
        found.append(Condition(type="arrayOptions", column="tags", operator="all of", value=list(tags)))
    return found


def counted_sum(map_: str, prefix: str = "") -> str:
    """SQL of an observation's deduplicated usage or cost, summed over the types with this prefix.

    `input` has its cached tokens too; without a prefix it is the total.
    """
    less = f"repeated_{map_}"
    if not prefix:
        return f"({map_}['total'] - {less}['total'])"
    return f"({parts(map_, prefix)} - {parts(less, prefix)})"


def parts(map_: str, prefix: str) -> str:
    """What the entries of a map of usage or costs add up to whose names begin so."""
    return f"arraySum(mapValues(mapFilter((name, units) -> startsWith(name, '{prefix}'), {map_})))"


def seconds(start: str, end: str) -> str:
    """Time between two columns; NULL where one is missing."""
    return f"dateDiff('microsecond', {start}, {end}) / 1e6"


def _searched(column: str) -> Field:
    """A long text: `matches` is a full-text search by words, as in the search box."""

    def compiled(where: Where, condition: Condition) -> str:
        if condition.operator == "matches":
            return said(where, condition.value, (column,))
        return holds(where, condition, Field(column))

    return Field(column, holds=compiled)


def _upper(column: str) -> Field:
    """Kinds and levels are upper case, whatever case they are asked in."""

    def compiled(where: Where, condition: Condition) -> str:
        value = condition.value
        raised = [each.upper() for each in value] if isinstance(value, list) else value.upper() if value else value
        return holds(where, replace(condition, value=raised), Field(column))

    return Field(column, holds=compiled)


def _environment(column: str) -> Field:
    """Asked for in any spelling, compared in the one that is stored."""

    def compiled(where: Where, condition: Condition) -> str:
        value = asked_environments(condition.operator, condition.value)
        return holds(where, replace(condition, value=value), Field(column))

    return Field(column, holds=compiled)


def traces_with(where: Where, clause: str) -> str:
    """SELECT of the ids of the traces for which a clause over the index holds."""
    return f"SELECT trace_id FROM traces FINAL WHERE {where.fork()} AND {INDEXED} AND {clause}"


FALSE_OF_EMPTY = frozenset(("=", "any of", "all of", "contains", "starts with", "ends with"))
"""Operators that hold for no empty value, unless an empty one is asked for."""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _inherited(own: str, of_trace: str, kind: str = "text", *, crowded: bool = False) -> Field:
    """The observation's own value, else its trace's (COALESCE)."""
    plain = Field(own, "texts") if kind == "texts" else Field(own)

    def compiled(where: Where, condition: Condition) -> str:
        if of_trace == "environment":
            condition = replace(condition, value=asked_environments(condition.operator, condition.value))
        mine = holds(where, condition, plain)
        of_traces = traces_with(where, holds(where, condition, replace(plain, sql=of_trace)))
        if condition.operator in FALSE_OF_EMPTY and all(_listed(condition.value)):
            # The same, in a form for which the engine combines the skip indexes of both columns.
            return f"({mine} OR (empty({own}) AND trace_id IN ({of_traces})))"
        return f"if(empty({own}), trace_id IN ({of_traces}), {mine})"

    value = f"if(empty({own}), of_trace.{of_trace}, {own})"
    return replace(plain, sql=value, needs="of_trace", crowded=crowded, holds=compiled)


OBSERVATION_FIELDS: Mapping[str, Field] = {
    "id": Field("id", crowded=True),
    "traceId": Field("trace_id", crowded=True),
    "parentObservationId": Field("parent_id", crowded=True),
    "name": Field("name"),
    "type": _upper("kind"),
    "level": _upper("level"),
    "statusMessage": _searched("status_message"),
    "environment": _environment("environment"),
    "version": Field("version"),
    "release": _inherited("release", "release"),
    "model": Field("model"),
    "providedModelName": Field("model"),
    "modelId": Field("model_id"),
    "promptName": Field("prompt_name"),
    "promptVersion": Field("prompt_version", "number"),
    "startTime": Field("start_time", "time"),
    "endTime": Field("end_time", "time"),
    "latency": Field(seconds("start_time", "end_time"), "number"),
    "timeToFirstToken": Field(seconds("start_time", "completion_start_time"), "number"),
    "tokensPerSecond": Field(f"{parts('usage', 'output')} / nullIf({seconds('start_time', 'end_time')}, 0)", "number"),
    "inputTokens": Field(parts("usage", "input"), "number"),
    "outputTokens": Field(parts("usage", "output"), "number"),
    "totalTokens": Field("usage['total']", "number"),
    "tokens": Field("usage['total']", "number"),
    "inputCost": Field(parts("cost_usd", "input"), "number"),
    "outputCost": Field(parts("cost_usd", "output"), "number"),
    "totalCost": Field("cost_usd['total']", "number"),
    "input": _searched("input"),
    "output": _searched("output"),
    "metadata": Field("mapUpdate(trace_metadata, metadata)", "entries"),
    "isRootObservation": Field("is_root", "truth"),
    "userId": _inherited("user_id", "user_id", crowded=True),
    "sessionId": _inherited("session_id", "session_id", crowded=True),
    "tags": _inherited("tags", "tags", "texts"),
    "traceTags": _inherited("tags", "tags", "texts"),
    "traceName": _inherited("trace_name", "name"),
    "traceRelease": _inherited("release", "release"),
    "traceVersion": _inherited("trace_version", "version"),
    "traceEnvironment": _inherited("if(is_root, environment, '')", "environment"),
    "experimentId": Field("experiment_id", crowded=True),
    "experimentName": Field("experiment['name']", crowded=True),
    "experimentDatasetId": Field("experiment['dataset_id']", crowded=True),
    "toolNames": Field("tool_names", "texts"),
    "calledToolNames": Field("called_tool_names", "texts"),
}
"""An observation is filtered by what it reports; sums over observations are deduplicated."""


def _scored(where: Where, condition: Condition) -> str:
    """The trace has scores whose mean, or one of whose values, is as asked: those of the name `key`, or else all."""
    named = f"{where.fork()} AND trace_id != ''"
    if condition.key:
        named += f" AND name = {where.place('String', condition.key)}"
    newest = f"SELECT * FROM scores WHERE {named} ORDER BY row_version DESC LIMIT 1 BY id"
    if condition.type == "categoryOptions":
        values = where.place("Array(String)", list(condition.value))
        negation = "NOT " if condition.operator == "none of" else ""
        return f"trace_id {negation}IN (SELECT trace_id FROM ({newest}) WHERE string_value IN {values})"
    if condition.type == "booleanObject":
        truth = truth_holds(where, condition, "value")
        return f"trace_id IN (SELECT trace_id FROM ({newest}) WHERE data_type = 'BOOLEAN' AND {truth})"
    mean = number_holds(where, condition, "avg(value)")
    return f"trace_id IN (SELECT trace_id FROM ({newest}) GROUP BY trace_id HAVING {mean})"


_SCORED = Field("", "scores", holds=_scored)

TRACE_FIELDS: Mapping[str, Field] = {
    "id": Field("trace_id", crowded=True),
    "name": Field("name"),
    "userId": Field("user_id", crowded=True),
    "sessionId": Field("session_id", crowded=True),
    "environment": _environment("environment"),
    "version": Field("version"),
    "release": Field("release"),
    "tags": Field("tags", "texts"),
    "models": Field("models", "texts"),
    "timestamp": Field("timestamp", "time"),
    "latency": Field(f"ifNull(greatest({seconds('began', 'ended')}, 0), 0)", "number"),
    "observationCount": Field("observation_count", "number"),
    "errorCount": Field("error_count", "number"),
    "warningCount": Field("warning_count", "number"),
    "defaultCount": Field("default_count", "number"),
    "debugCount": Field("debug_count", "number"),
    "level": _upper("level"),
    "inputTokens": Field(parts("usage", "input"), "number"),
    "outputTokens": Field(parts("usage", "output"), "number"),
    "totalTokens": Field("usage['total']", "number"),
    "tokens": Field("usage['total']", "number"),
    "inputCost": Field(parts("cost_usd", "input"), "number"),
    "outputCost": Field(parts("cost_usd", "output"), "number"),
    "totalCost": Field("cost_usd['total']", "number"),
    "public": Field("public", "truth"),
    "bookmarked": Field("0", "truth"),
    "metadata": Field("metadata", "entries"),
    "scores": _SCORED,
    "scores_avg": _SCORED,
    "score_categories": _SCORED,
}
"""Columns of the index of traces, whose usage and cost are deduplicated."""


def _of_scored_trace(column: str, kind: str = "text", *, crowded: bool = False) -> Field:
    """What the trace that a score is about has; a score of a session or an experiment has none."""
    plain = Field(column, "texts") if kind == "texts" else Field(column)

    def compiled(where: Where, condition: Condition) -> str:
        return f"trace_id IN ({traces_with(where, holds(where, condition, plain))})"

    return replace(plain, sql=f"of_trace.{column}", needs="of_trace", crowded=crowded, holds=compiled)


def _of_scored_observation(column: str, kind: str = "text") -> Field:
    plain = Field(column, "number") if kind == "number" else Field(column)

    def compiled(where: Where, condition: Condition) -> str:
        clause = holds(where, condition, plain)
        found = f"SELECT trace_id, id FROM observations FINAL WHERE {where.fork()} AND {OBSERVED} AND {clause}"
        return f"(trace_id, observation_id) IN ({found})"

    return replace(plain, sql=f"of_observation.{column}", needs="of_observation", holds=compiled)


SCORE_FIELDS: Mapping[str, Field] = {
    "id": Field("id", crowded=True),
    "name": Field("name"),
    "traceId": Field("trace_id", crowded=True),
    "observationId": Field("observation_id", crowded=True),
    "sessionId": Field("session_id", crowded=True),
    "datasetRunId": Field("dataset_run_id", crowded=True),
    "experimentId": Field("dataset_run_id", crowded=True),
    "source": _upper("source"),
    "dataType": _upper("data_type"),
    "environment": _environment("environment"),
    "configId": Field("config_id"),
    "queueId": Field("queue_id"),
    "authorUserId": Field("author_user_id"),
    "comment": Field("comment"),
    "stringValue": Field("ifNull(string_value, '')"),
    "value": Field("value", "number"),
    "booleanValue": Field("value", "truth"),
    "timestamp": Field("timestamp", "time"),
    "metadata": Field("CAST(JSONExtractKeysAndValuesRaw(metadata), 'Map(String, String)')", "entries"),
    "userId": _of_scored_trace("user_id", crowded=True),
    "tags": _of_scored_trace("tags", "texts"),
    "traceName": _of_scored_trace("name"),
    "traceRelease": _of_scored_trace("release"),
    "traceVersion": _of_scored_trace("version"),
    "observationName": _of_scored_observation("name"),
    "observationModelName": _of_scored_observation("model"),
    "observationPromptName": _of_scored_observation("prompt_name"),
    "observationPromptVersion": _of_scored_observation("prompt_version", "number"),
}
