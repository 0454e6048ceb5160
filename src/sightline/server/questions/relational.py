"""Compiles conditions to SQLAlchemy, over columns and over related rows (EXISTS)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_

from sightline.server.questions.conditions import Condition

Comparison = Callable[[ColumnElement[Any], Any], ColumnElement[bool]]


def _like(pattern: str) -> Comparison:
    """`%`, `_` and the backslash in what is looked for mean what they mean in SQL, as Langfuse documents."""
    return lambda column, value: column.ilike(pattern.format(value), escape="\\")


_COMPARISONS: Mapping[str, Comparison] = {
    "=": lambda column, value: column == value,
    "<>": lambda column, value: column != value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    "any of": lambda column, value: column.in_(value),
    "none of": lambda column, value: column.not_in(value),
    "contains": _like("%{}%"),
    "matches": _like("%{}%"),
    "does not contain": lambda column, value: or_(column.is_(None), not_(_like("%{}%")(column, value))),
    "starts with": _like("{}%"),
    "ends with": _like("%{}"),
    "is not empty": lambda column, _: column != "",
    "is set": lambda column, _: column.is_not(None),
    "is not set": lambda column, _: column.is_(None),
    "is null": lambda column, _: or_(column.is_(None), column == ""),
    "is not null": lambda column, _: and_(column.is_not(None), column != ""),
}
"""Operator to its SQLAlchemy expression."""


def holds(condition: Condition, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition on a column of the row itself."""
    return _COMPARISONS[condition.operator](column, condition.value)


def holds_among(condition: Condition, having: Callable[[Sequence[str]], ColumnElement[bool]]) -> ColumnElement[bool]:
    """The condition on texts that are rows of another table; `having` says that the row has one of some texts."""
    if condition.operator == "all of":
        return and_(*(having([each]) for each in condition.value))
    one_of = having(list(condition.value))
    return not_(one_of) if condition.operator == "none of" else one_of
