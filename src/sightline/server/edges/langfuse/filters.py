"""The `filter` parameter: a JSON list of conditions, as far as the stores answer them by index."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from sightline.server.edges.answers import issues
from sightline.server.edges.params import Moment
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.records import Window

Shape = Literal["text", "time", "truth", "texts"]

OPERATORS: Mapping[Shape, tuple[str, ...]] = {
    "text": ("=", "any of"),
    "time": (">", ">=", "<", "<="),
    "truth": ("=", "<>"),
    "texts": ("all of", "any of"),
}


class Condition(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str
    column: str
    operator: str
    value: Any = None
    key: str | None = None


CONDITIONS = TypeAdapter(list[Condition])
MICROSECOND = timedelta(microseconds=1)
MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


def conditions(text: str, columns: Mapping[str, Shape]) -> list[Condition]:
    """The conditions of a `filter`; an unknown column or operator is an error that says what there is."""
    try:
        given = CONDITIONS.validate_python(orjson.loads(text))
    except orjson.JSONDecodeError as problem:
        raise InvalidRequest(f"filter is not JSON: {problem}") from problem
    except ValidationError as problem:
        raise InvalidRequest(f"filter is not a list of conditions: {issues(problem.errors())}") from problem
    for condition in given:
        shape = columns.get(condition.column)
        if shape is None:
            raise InvalidRequest(f"filter on {condition.column!r} is not supported here; use {', '.join(columns)}")
        if condition.operator not in OPERATORS[shape]:
            raise InvalidRequest(
                f"filter operator {condition.operator!r} is not supported for {condition.column!r}; "
                f"use {', '.join(OPERATORS[shape])}"
            )
    return given


def one_text(condition: Condition) -> str:
    """The single text a condition allows."""
    value = condition.value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise InvalidRequest(f"filter on {condition.column!r} wants one text, not {value!r}")
    return value


def texts(condition: Condition) -> tuple[str, ...]:
    value = [condition.value] if isinstance(condition.value, str) else condition.value
    if not isinstance(value, list):
        raise InvalidRequest(f"filter on {condition.column!r} wants a list of texts, not {value!r}")
    return tuple(str(item) for item in value)


def truth(condition: Condition) -> bool:
    if not isinstance(condition.value, bool):
        raise InvalidRequest(f"filter on {condition.column!r} wants true or false, not {condition.value!r}")
    return condition.value if condition.operator == "=" else not condition.value


def bounded(window: Window, condition: Condition) -> Window:
    """A window narrowed by a comparison of times; its start is inclusive, its end is not."""
    moment = _moment(condition)
    if condition.operator[0] == ">":
        return replace(window, start=moment + MICROSECOND if condition.operator == ">" else moment)
    return replace(window, end=moment + MICROSECOND if condition.operator == "<=" else moment)


def _moment(condition: Condition) -> datetime:
    try:
        return MOMENT.validate_python(condition.value)
    except ValidationError as problem:
        raise InvalidRequest(
            f"filter on {condition.column!r} wants an ISO-8601 time, not {condition.value!r}"
        ) from problem
