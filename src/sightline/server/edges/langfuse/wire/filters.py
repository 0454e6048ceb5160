"""The `filter` parameter: a JSON list of typed conditions, all of which must hold, checked before a store sees them."""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, TypeAdapter, ValidationError

from sightline.server.edges.answers import issues
from sightline.server.edges.params import Moment
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import whole
from sightline.server.tracing.environments import COLUMNS, asked_environments
from sightline.server.tracing.records import Condition, ObservationQuery, TraceQuery, Window

Asked = TypeVar("Asked", TraceQuery, ObservationQuery)

Shape = Literal["text", "number", "time", "truth", "texts", "object", "scores"]

TYPES: Mapping[Shape, tuple[str, ...]] = {
    "text": ("string", "stringOptions", "null"),
    "number": ("number", "null"),
    "time": ("datetime", "null"),
    "truth": ("boolean",),
    "texts": ("arrayOptions", "null"),
    "object": ("stringObject", "numberObject", "booleanObject", "categoryOptions"),
    "scores": ("number", "numberObject", "booleanObject", "categoryOptions"),
}
"""What a column of that shape can be asked."""

Texts = Annotated[list[str], Field(min_length=1)]
Number = StrictInt | StrictFloat
Compared = Literal["=", ">", "<", ">=", "<="]
TextOperator = Literal["=", "contains", "does not contain", "starts with", "ends with", "matches"]
MICROSECOND = timedelta(microseconds=1)


class _Filter(BaseModel):
    model_config = ConfigDict(extra="ignore")

    column: str
    key: str = ""


class _Text(_Filter):
    type: Literal["string"]
    operator: TextOperator
    value: str


class _Options(_Filter):
    type: Literal["stringOptions"]
    operator: Literal["any of", "none of"]
    value: Texts


class _Number(_Filter):
    type: Literal["number"]
    operator: Compared
    value: Number


class _Time(_Filter):
    type: Literal["datetime"]
    operator: Literal[">", "<", ">=", "<="]
    value: Moment


class _Array(_Filter):
    type: Literal["arrayOptions"]
    operator: Literal["any of", "all of", "none of"]
    value: Texts


class _Truth(_Filter):
    type: Literal["boolean"]
    operator: Literal["=", "<>"]
    value: StrictBool


class _Null(_Filter):
    type: Literal["null"]
    operator: Literal["is null", "is not null"]
    value: Any = None


class _Keyed(_Filter):
    key: str = Field(min_length=1)


class _TextObject(_Keyed):
    type: Literal["stringObject"]
    operator: TextOperator
    value: str


class _NumberObject(_Keyed):
    type: Literal["numberObject"]
    operator: Compared
    value: Number


class _TruthObject(_Keyed):
    type: Literal["booleanObject"]
    operator: Literal["=", "<>"]
    value: StrictBool


class _Category(_Keyed):
    type: Literal["categoryOptions"]
    operator: Literal["any of", "none of"]
    value: Texts


_One = Annotated[
    _Text
    | _Options
    | _Number
    | _Time
    | _Array
    | _Truth
    | _Null
    | _TextObject
    | _NumberObject
    | _TruthObject
    | _Category,
    Field(discriminator="type"),
]
_FILTERS: TypeAdapter[list[_One]] = TypeAdapter(list[_One])


def conditions(text: str, columns: Mapping[str, Shape]) -> list[Condition]:
    """The conditions of a `filter`; an unknown column or a type that does not fit it says what there is."""
    try:
        given = _FILTERS.validate_json(whole(text))
    except ValidationError as problem:
        found = issues(problem.errors())
        if found[0]["code"] == "json_invalid":
            raise InvalidRequest(f"filter is not JSON: {found[0]['message']}") from problem
        raise InvalidRequest(f"filter is not a list of conditions: {found}") from problem
    for condition in given:
        shape = columns.get(condition.column)
        if shape is None:
            raise InvalidRequest(f"filter on {condition.column!r} is not supported here; use {', '.join(columns)}")
        if condition.type not in TYPES[shape]:
            raise InvalidRequest(
                f"filter type {condition.type!r} does not fit {condition.column!r}; use {', '.join(TYPES[shape])}"
            )
    return [_condition(each.model_dump()) for each in given]


def _condition(said: Mapping[str, Any]) -> Condition:
    if said["column"] in COLUMNS:
        said = {**said, "value": asked_environments(said["operator"], said.get("value"))}
    return Condition(**said)


def texts(condition: Condition) -> tuple[str, ...]:
    """The texts of an `=` or `any of`, one of which must be there; none where the condition asks something else."""
    if condition.operator == "=" and condition.type == "string":
        return (condition.value,)
    return tuple(condition.value) if condition.operator == "any of" else ()


def unasked(query: Asked, columns: Set[str], fields: Mapping[str, str], *, time: str) -> Asked:
    """A query without the simple parameters of these columns: a column of the filter takes the place of its parameter.

    `fields` names the query's field of each column, `time` the column that its window bounds.
    """
    window = query.window
    if time in columns:
        window = replace(window, start=None, end=None)
    if "environment" in columns:
        window = replace(window, environments=())
    without: dict[str, Any] = dict.fromkeys(fields[column] for column in columns & fields.keys())
    return replace(query, window=window, **without)


def bounded(window: Window, condition: Condition) -> Window:
    """A window narrowed by a comparison of times; its start is inclusive, its end is not."""
    moment = condition.value
    if condition.operator[0] == ">":
        start = moment + MICROSECOND if condition.operator == ">" else moment
        return replace(window, start=max(start, window.start or start))
    end = moment + MICROSECOND if condition.operator == "<=" else moment
    return replace(window, end=min(end, window.end or end))
