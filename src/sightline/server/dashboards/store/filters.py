"""Langfuse's filter grammar as SQL: operators are data, values travel as parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sightline.server.dashboards.records import Filter, FilterType
from sightline.server.dashboards.store.views import Field, Kind, View
from sightline.server.runtime.errors import InvalidRequest

COMPARISONS = {sign: f"{{left}} {sign} {{value}}" for sign in ("=", ">", "<", ">=", "<=")}
TEXTS = {
    "=": "{left} = {value}",
    "contains": "position({left}, {value}) > 0",
    "does not contain": "position({left}, {value}) = 0",
    "starts with": "startsWith({left}, {value})",
    "ends with": "endsWith({left}, {value})",
    "matches": "positionCaseInsensitiveUTF8({left}, {value}) > 0",
}
CHOICES = {"any of": "{left} IN {value}", "none of": "{left} NOT IN {value}"}
SETS = {
    "any of": "hasAny({left}, {value})",
    "none of": "NOT hasAny({left}, {value})",
    "all of": "hasAll({left}, {value})",
}


@dataclass(frozen=True)
class Grammar:
    """What a type of filter applies to, its operators, and the type of its parameter."""

    kinds: tuple[Kind, ...]
    operators: Mapping[str, str]
    parameter: str


GRAMMAR: Mapping[FilterType, Grammar] = {
    "datetime": Grammar(("time",), COMPARISONS, "DateTime64(6, 'UTC')"),
    "string": Grammar(("text",), TEXTS, "String"),
    "number": Grammar(("number",), COMPARISONS, "Float64"),
    "stringOptions": Grammar(("text",), CHOICES, "Array(String)"),
    "categoryOptions": Grammar(("entries",), CHOICES, "Array(String)"),
    "arrayOptions": Grammar(("texts", "text"), SETS, "Array(String)"),
    "stringObject": Grammar(("entries",), TEXTS, "String"),
    "numberObject": Grammar(("entries",), COMPARISONS, "Float64"),
    "boolean": Grammar(("truth",), {"=": "{left} = {value}", "<>": "{left} != {value}"}, "UInt8"),
    "null": Grammar(("text", "number", "time", "texts", "truth", "entries"), {"is null": "", "is not null": ""}, ""),
}
EMPTY: Mapping[Kind, str] = {"text": "{left} = ''", "texts": "empty({left})", "entries": "{left} = ''"}
"""What stands for none, where it is not NULL."""


@dataclass
class Clauses:
    """Conditions of a WHERE clause and their parameters."""

    params: dict[str, Any] = field(default_factory=dict)
    clauses: list[str] = field(default_factory=list)

    def place(self, kind: str, value: Any) -> str:
        name = f"f{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{kind}}}"

    def add(self, view: View, condition: Filter) -> Field:
        """Add a filter of this view; returns the field it is about. InvalidRequest says what would be possible."""
        about = _field(view, condition)
        grammar = GRAMMAR[condition.type]
        if about.kind not in grammar.kinds:
            fitting = ", ".join(kind for kind, other in GRAMMAR.items() if about.kind in other.kinds)
            raise InvalidRequest(f"filter on {condition.column!r} has type {condition.type!r}: use one of {fitting}")
        template = grammar.operators.get(condition.operator)
        if template is None:
            raise InvalidRequest(
                f"filter operator {condition.operator!r} is unknown for type {condition.type!r}: "
                f"use {', '.join(grammar.operators)}"
            )
        left = self._left(about, condition)
        if condition.type == "null":
            empty = EMPTY.get(about.kind, "isNull({left})").format(left=left)
            self.clauses.append(empty if condition.operator == "is null" else f"NOT ({empty})")
        else:
            if about.kind == "text" and condition.type == "arrayOptions":
                left = f"[{left}]"
            place = self.place(grammar.parameter, _value(condition))
            self.clauses.append(template.format(left=left, value=place))
        return about

    def _left(self, about: Field, condition: Filter) -> str:
        if about.kind != "entries":
            return f"({about.sql})"
        if not condition.key:
            raise InvalidRequest(f"filter on {condition.column!r} needs a key: which of its entries is meant")
        stored = f"{about.sql}[{self.place('String', condition.key)}]"
        text = f"if(startsWith({stored}, '\"'), JSONExtractString({stored}), {stored})"
        return f"toFloat64OrNull({text})" if condition.type == "numberObject" else text


def _field(view: View, condition: Filter) -> Field:
    measures = {name: each for name, each in view.measures.items() if each.kind == "number"}
    known = measures | dict(view.filters) | dict(view.dimensions)
    if condition.column not in known:
        raise InvalidRequest(f"filter column {condition.column!r} is unknown here: use one of {', '.join(known)}")
    return known[condition.column]


def _value(condition: Filter) -> Any:
    """The value as its parameter wants it."""
    value, wanted = condition.value, GRAMMAR[condition.type].parameter
    try:
        match wanted:
            case "Float64":
                return float(value)
            case "UInt8":
                if not isinstance(value, bool):
                    raise ValueError
                return value
            case "Array(String)":
                if not isinstance(value, list):
                    raise ValueError
                return [str(each) for each in value]
            case "String":
                if not isinstance(value, str):
                    raise ValueError
                return value
            case _:
                return _moment(value)
    except (TypeError, ValueError) as problem:
        raise InvalidRequest(
            f"filter on {condition.column!r} of type {condition.type!r} cannot take the value {value!r}"
        ) from problem


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
