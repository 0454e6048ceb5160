# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Conditions as clauses. Columns are looked up here: nothing that a client wrote becomes part of a clause."""

from collections.abc import Callable, Mapping

from sightline.server.tracing.records import Condition
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.search import TEXTS, said


def parts(column: str, prefix: str) -> str:
    """What the entries of a map of usage or costs add up to whose names begin so: `input` has its cached tokens too."""
    return f"arraySum(mapValues(mapFilter((name, units) -> startsWith(name, '{prefix}'), {column})))"


OBSERVATION_COLUMNS: Mapping[str, str] = {
    "id": "id",
    "traceId": "trace_id",
    "parentObservationId": "parent_id",
    "name": "name",
    "type": "kind",
    "level": "level",
    "statusMessage": "status_message",
    "environment": "environment",
    "version": "version",
    "release": "release",
    "model": "model",
    "providedModelName": "model",
    "modelId": "model_id",
    "promptName": "prompt_name",
    "promptVersion": "prompt_version",
    "startTime": "start_time",
    "endTime": "end_time",
    "latency": "dateDiff('millisecond', start_time, end_time) / 1000",
    "timeToFirstToken": "dateDiff('millisecond', start_time, completion_start_time) / 1000",
    "tokensPerSecond": f"{parts('usage', 'output')} / nullIf(dateDiff('microsecond', start_time, end_time) / 1e6, 0)",
    "inputTokens": parts("usage", "input"),
    "outputTokens": parts("usage", "output"),
    "totalTokens": "usage['total']",
    "tokens": "usage['total']",
    "inputCost": parts("cost_usd", "input"),
    "outputCost": parts("cost_usd", "output"),
    "totalCost": "cost_usd['total']",
    "input": "input",
    "output": "output",
    "metadata": "mapUpdate(trace_metadata, metadata)",
    "isRootObservation": "is_root",
}
SCORE_COLUMNS: Mapping[str, str] = {
    "id": "id",
    "name": "name",
    "traceId": "trace_id",
    "observationId": "observation_id",
    "sessionId": "session_id",
    "datasetRunId": "dataset_run_id",
    "source": "source",
    "dataType": "data_type",
    "environment": "environment",
    "configId": "config_id",
    "queueId": "queue_id",
    "authorUserId": "author_user_id",
    "comment": "comment",
    "stringValue": "string_value",
    "value": "value",
    "timestamp": "timestamp",
    "metadata": "CAST(JSONExtractKeysAndValuesRaw(metadata), 'Map(String, String)')",
}

_TEXT: Mapping[str, str] = {
    "=": "{0} = {1}",
    "contains": "position({0}, {1}) > 0",
    "matches": "position(lowerUTF8({0}), lowerUTF8({1})) > 0",
    "does not contain": "position({0}, {1}) = 0",
    "starts with": "startsWith({0}, {1})",
    "ends with": "endsWith({0}, {1})",
}
_OF_AN_ENTRY: Mapping[str, str] = {
    **_TEXT,
    "matches": "(hasAll(tokens({0}), tokens({1})) AND position({0}, {1}) > 0)",
}
"""As of other texts, but whole words in the very case: so Langfuse defines it for metadata."""
_LISTED: Mapping[str, str] = {"any of": "{0} IN {1}", "none of": "{0} NOT IN {1}"}
_ARRAY: Mapping[str, str] = {
    "any of": "hasAny({0}, {1})",
    "all of": "hasAll({0}, {1})",
    "none of": "NOT hasAny({0}, {1})",
}
_NULL: Mapping[str, str] = {"is null": "", "is not null": "NOT "}
_COMPARISONS = frozenset(("=", ">", "<", ">=", "<="))


def holds(where: Conditions, condition: Condition, column: str) -> str:
    """The clause that says a condition of the column holds; its values become parameters of `where`."""
    return _CLAUSES[condition.type](where, condition, column)


def scored(where: Conditions, condition: Condition) -> str:
    """The trace has scores whose mean, or one of whose values, is as asked: those of the name `key`, or else all."""
    named = "project_id = {project:String}"
    if condition.key:
        named += f" AND name = {where.place('String', condition.key)}"
    newest = f"SELECT * FROM scores WHERE {named} AND trace_id != '' ORDER BY row_version DESC LIMIT 1 BY id"
    if condition.type == "categoryOptions":
        values = where.place("Array(String)", list(condition.value))
        negation = "NOT " if condition.operator == "none of" else ""
        return f"trace_id {negation}IN (SELECT trace_id FROM ({newest}) WHERE string_value IN {values})"
    if condition.type == "booleanObject":
        truth = _truth(where, condition, "value")
        return f"trace_id IN (SELECT trace_id FROM ({newest}) WHERE data_type = 'BOOLEAN' AND {truth})"
    mean = _number(where, condition, "avg(value)")
    return f"trace_id IN (SELECT trace_id FROM ({newest}) GROUP BY trace_id HAVING {mean})"


def _text(where: Conditions, condition: Condition, column: str) -> str:
    if condition.operator == "matches" and column in TEXTS:
        return said(where, condition.value, (column,))
    value = condition.value.upper() if column == "kind" else condition.value
    return _TEXT[condition.operator].format(column, where.place("String", value))


def _options(where: Conditions, condition: Condition, column: str) -> str:
    return _LISTED[condition.operator].format(column, where.place("Array(String)", list(condition.value)))


def _array(where: Conditions, condition: Condition, column: str) -> str:
    return _ARRAY[condition.operator].format(column, where.place("Array(String)", list(condition.value)))


def _number(where: Conditions, condition: Condition, column: str) -> str:
    return _compared(condition, column, where.place("Float64", float(condition.value)))


def _time(where: Conditions, condition: Condition, column: str) -> str:
    return _compared(condition, column, where.place("DateTime64(6, 'UTC')", condition.value))


def _compared(condition: Condition, column: str, place: str) -> str:
    operator = condition.operator if condition.operator in _COMPARISONS else "="
    return f"{column} {operator} {place}"


def _truth(where: Conditions, condition: Condition, column: str) -> str:
    wanted = condition.value if condition.operator == "=" else not condition.value
    return f"{column} = {where.place('UInt8', int(wanted))}"


def _null(_: Conditions, condition: Condition, column: str) -> str:
    return f"{_NULL[condition.operator]}(toString({column}) IN ('', '[]') OR isNull({column}))"


def _text_object(where: Conditions, condition: Condition, column: str) -> str:
    bare = _entry(where, condition, column)
    return _OF_AN_ENTRY[condition.operator].format(bare, where.place("String", condition.value))


def _category(where: Conditions, condition: Condition, column: str) -> str:
    return _options(where, condition, _entry(where, condition, column))


def _entry(where: Conditions, condition: Condition, column: str) -> str:
    """Values are JSON text: a string is compared without its quotes."""
    value = f"{column}[{where.place('String', condition.key)}]"
    return f"if(startsWith({value}, '\"'), JSONExtractString({value}), {value})"


def _number_object(where: Conditions, condition: Condition, column: str) -> str:
    value = f"{column}[{where.place('String', condition.key)}]"
    return _number(where, condition, f"toFloat64OrNull(trim(BOTH '\"' FROM {value}))")


def _truth_object(where: Conditions, condition: Condition, column: str) -> str:
    wanted = condition.value if condition.operator == "=" else not condition.value
    value = f"{column}[{where.place('String', condition.key)}]"
    return f"{value} = {where.place('String', 'true' if wanted else 'false')}"


_CLAUSES: Mapping[str, Callable[[Conditions, Condition, str], str]] = {
    "string": _text,
    "stringOptions": _options,
    "arrayOptions": _array,
    "number": _number,
    "datetime": _time,
    "boolean": _truth,
    "null": _null,
    "stringObject": _text_object,
    "categoryOptions": _category,
    "numberObject": _number_object,
    "booleanObject": _truth_object,
}
