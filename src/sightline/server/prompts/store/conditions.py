"""Conditions on prompt versions as SQL; the statement around them joins `prompt_versions` and `prompts`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, not_, or_, select

from sightline.server.prompts.records import Condition
from sightline.server.tables.prompts import prompt_labels, prompt_tags, prompt_versions, prompts

_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    "id": prompt_versions.c.id,
    "name": prompts.c.name,
    "type": prompts.c.kind,
    "version": prompt_versions.c.version,
    "createdAt": prompt_versions.c.created_at,
    "updatedAt": prompt_versions.c.updated_at,
}


def _like(pattern: str) -> Callable[[ColumnElement[Any], Any], ColumnElement[bool]]:
    """`%`, `_` and the backslash in what is looked for mean what they mean in SQL, as Langfuse documents."""
    return lambda column, value: column.ilike(pattern.format(value), escape="\\")


_COMPARISONS: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    "any of": lambda column, value: column.in_(value),
    "none of": lambda column, value: column.not_in(value),
    "contains": _like("%{}%"),
    "does not contain": lambda column, value: or_(column.is_(None), not_(_like("%{}%")(column, value))),
    "starts with": _like("{}%"),
    "ends with": _like("%{}"),
    "is not empty": lambda column, _: column != "",
    "is set": lambda column, _: column.is_not(None),
    "is not set": lambda column, _: column.is_(None),
}


def sql_condition(condition: Condition) -> ColumnElement[bool]:
    """A condition whose column and operator were found to fit."""
    if condition.column == "labels":
        return _among(condition, labelled)
    if condition.column == "tags":
        return _among(condition, tagged)
    column = _COLUMNS.get(condition.column)
    if column is None:
        column = cast(prompt_versions.c.config[condition.key].as_string(), String)
    return _COMPARISONS[condition.operator](column, condition.value)


def labelled(labels: Sequence[str]) -> ColumnElement[bool]:
    """The version has one of these labels."""
    at_version = (
        prompt_labels.c.prompt_id == prompt_versions.c.prompt_id,
        prompt_labels.c.version == prompt_versions.c.version,
        prompt_labels.c.label.in_(labels),
    )
    return select(prompt_labels.c.label).where(*at_version).exists()


def tagged(tags: Sequence[str]) -> ColumnElement[bool]:
    """The version's prompt has one of these tags."""
    on_prompt = prompt_tags.c.prompt_id == prompt_versions.c.prompt_id, prompt_tags.c.tag.in_(tags)
    return select(prompt_tags.c.tag).where(*on_prompt).exists()


def _among(condition: Condition, having: Callable[[Sequence[str]], ColumnElement[bool]]) -> ColumnElement[bool]:
    if condition.operator == "all of":
        return and_(*(having([each]) for each in condition.value))
    one_of = having(list(condition.value))
    return not_(one_of) if condition.operator == "none of" else one_of
