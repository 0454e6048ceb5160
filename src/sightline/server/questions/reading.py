"""Filters as clients write them, checked against the fields of a subject before a store sees them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sightline.server.questions.conditions import Condition, Field
from sightline.server.questions.grammar import GRAMMAR, PRESENT, Operand, Type, fitting
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import NotJson, guarded

VALUELESS = frozenset((*PRESENT, "is not empty"))
"""Operators that ask nothing of a value."""


def conditions_of_json(text: str, fields: Mapping[str, Field]) -> tuple[Condition, ...]:
    """The conditions of a `filter` parameter: a JSON list, all of which must hold."""
    try:
        given = guarded(text)
    except NotJson as problem:
        raise InvalidRequest(f"filter is not JSON: {problem}") from problem
    return conditions_of(given, fields)


def conditions_of(given: Any, fields: Mapping[str, Field]) -> tuple[Condition, ...]:
    """Validate conditions from decoded JSON; InvalidRequest says which is wrong, and what is allowed."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidRequest("filter is not a list of conditions: write [{type, column, operator, value}, …]")
    return tuple(_condition(each, fields, f"filter[{place}]") for place, each in enumerate(given))


def _condition(given: Any, fields: Mapping[str, Field], where: str) -> Condition:
    if not isinstance(given, Mapping):
        raise InvalidRequest(f"{where} is no condition: write {{type, column, operator, value}}")
    column, type_, operator = (_named(given, name, where) for name in ("column", "type", "operator"))
    grammar = GRAMMAR.get(type_)
    if grammar is None:
        raise InvalidRequest(f"{where}: type {type_!r} is unknown; use one of {', '.join(GRAMMAR)}")
    field = fields.get(column)
    if field is None:
        raise InvalidRequest(f"{where}: column {column!r} is unknown here; use one of {', '.join(fields)}")
    if field.kind not in grammar.fits:
        raise InvalidRequest(f"{where}: type {type_!r} does not fit {column!r}; use {' or '.join(fitting(field.kind))}")
    if operator not in grammar.operators:
        raise InvalidRequest(
            f"{where}: operator {operator!r} does not fit type {type_!r}; use one of {', '.join(grammar.operators)}"
        )
    operand = "none" if operator in VALUELESS else grammar.operand
    value = _value(given.get("value"), operand, f"{where} on {column!r}")
    return Condition(type=type_, column=column, operator=operator, value=value, key=_key(given, grammar, where))


def _named(given: Mapping[str, Any], name: str, where: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"{where}: {name} is missing: write {{type, column, operator, value}}")
    return value


def _key(given: Mapping[str, Any], grammar: Type, where: str) -> str:
    key = given.get("key")
    if grammar.is_keyed and not (isinstance(key, str) and key):
        raise InvalidRequest(f"{where}: key is missing: it names the entry that is meant")
    return key if isinstance(key, str) else ""


def _value(value: Any, operand: Operand, where: str) -> Any:
    read, wanted = _READERS[operand]
    try:
        return read(value)
    except (OverflowError, TypeError, ValueError) as problem:
        raise InvalidRequest(f"{where}: value {value!r} does not fit; use {wanted}") from problem


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not value:
        raise TypeError
    return [_text(each) for each in value]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_READERS: Mapping[Operand, tuple[Callable[[Any], Any], str]] = {
    "text": (_text, "a text"),
    "texts": (_texts, "a list of texts that is not empty"),
    "number": (_number, "a number"),
    "truth": (_truth, "true or false"),
    "time": (_moment, "a time in ISO 8601"),
    "none": (lambda _: None, "nothing"),
}
"""Kind of operand to its parser, and what an error says is expected."""
