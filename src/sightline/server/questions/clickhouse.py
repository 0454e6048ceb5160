"""Compiles conditions to the ClickHouse dialect. Against SQL injection, columns are looked up and values bound."""

from collections.abc import Callable, Mapping, Sequence

from sightline.server.questions.conditions import Condition, Field
from sightline.server.questions.where import TIME, Where


def add_conditions(where: Where, conditions: Sequence[Condition], fields: Mapping[str, Field]) -> None:
    """All of them, on fields that were found to fit."""
    for condition in conditions:
        where.add_clause(holds(where, condition, fields[condition.column]))


def holds(where: Where, condition: Condition, field: Field) -> str:
    """The clause that says a condition of the field holds; its values become parameters of `where`."""
    if field.holds is not None:
        return field.holds(where, condition)
    if condition.type == "arrayOptions" and field.kind == "text":
        return _array(where, condition, f"[{field.sql}]")
    return _CLAUSES[condition.type](where, condition, field.sql)


_TEXT: Mapping[str, str] = {
    "=": "{0} = {1}",
    "contains": "position({0}, {1}) > 0",
    "matches": "position(lowerUTF8({0}), lowerUTF8({1})) > 0",
    "does not contain": "position({0}, {1}) = 0",
    "starts with": "startsWith({0}, {1})",
    "ends with": "endsWith({0}, {1})",
    "is not empty": "{0} != ''",
    "is set": "{0} != ''",
    "is not set": "{0} = ''",
}
"""Operator on a text to its SQL: `{0}` is the column, `{1}` the bound value."""
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
"""Operator on an array column to its SQL."""
_NULL: Mapping[str, str] = {"is null": "", "is not null": "NOT "}


def _text(where: Where, condition: Condition, column: str) -> str:
    return _TEXT[condition.operator].format(column, where.place("String", condition.value))


def _options(where: Where, condition: Condition, column: str) -> str:
    return _LISTED[condition.operator].format(column, where.place("Array(String)", list(condition.value)))


def _array(where: Where, condition: Condition, column: str) -> str:
    return _ARRAY[condition.operator].format(column, where.place("Array(String)", list(condition.value)))


def number_holds(where: Where, condition: Condition, column: str) -> str:
    """A comparison; operators are those of the grammar, which are the dialect's own."""
    return f"ifNull(({column}) {condition.operator} {where.place('Float64', float(condition.value))}, 0)"


def _time(where: Where, condition: Condition, column: str) -> str:
    return f"{column} {condition.operator} {where.place(TIME, condition.value)}"


def truth_holds(where: Where, condition: Condition, column: str) -> str:
    wanted = condition.value if condition.operator == "=" else not condition.value
    return f"{column} = {where.place('UInt8', int(wanted))}"


def _null(_: Where, condition: Condition, column: str) -> str:
    return f"{_NULL[condition.operator]}(toString({column}) IN ('', '[]', '{{}}') OR isNull({column}))"


def _text_object(where: Where, condition: Condition, column: str) -> str:
    bare = _unquoted(entry(where, condition.key, column))
    return _OF_AN_ENTRY[condition.operator].format(bare, where.place("String", condition.value))


def _category(where: Where, condition: Condition, column: str) -> str:
    return _options(where, condition, _unquoted(entry(where, condition.key, column)))


def _number_object(where: Where, condition: Condition, column: str) -> str:
    value = entry(where, condition.key, column)
    return number_holds(where, condition, f"toFloat64OrNull(trim(BOTH '\"' FROM {value}))")


def _truth_object(where: Where, condition: Condition, column: str) -> str:
    wanted = condition.value if condition.operator == "=" else not condition.value
    value = entry(where, condition.key, column)
    return f"{value} = {where.place('String', 'true' if wanted else 'false')}"


def entry(where: Where, key: str, column: str) -> str:
    """The JSON text of an entry. `scope.name` is an entry of that very name, or else `name` in the entry `scope`."""
    value = f"{column}[{where.place('String', key)}]"
    head, *rest = key.split(".")
    if not rest:
        return value
    inside = f"{column}[{where.place('String', head)}]"
    whole = f"JSONExtractRaw({inside}, {where.place('String', '.'.join(rest))})"
    path = ", ".join(where.place("String", part) for part in rest)
    deep = f"JSONExtractRaw({inside}, {path})" if len(rest) > 1 else "''"
    return f"coalesce(nullIf({value}, ''), nullIf({whole}, ''), {deep})"


def _unquoted(value: str) -> str:
    """Values are JSON text: a string is compared without its quotes."""
    return f"if(startsWith({value}, '\"'), JSONExtractString({value}), {value})"


_CLAUSES: Mapping[str, Callable[[Where, Condition, str], str]] = {
    "string": _text,
    "stringOptions": _options,
    "arrayOptions": _array,
    "number": number_holds,
    "datetime": _time,
    "boolean": truth_holds,
    "null": _null,
    "stringObject": _text_object,
    "categoryOptions": _category,
    "numberObject": _number_object,
    "booleanObject": _truth_object,
}
"""Type of condition to its compiler."""
