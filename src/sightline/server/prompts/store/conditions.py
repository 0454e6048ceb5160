"""Conditions on prompt versions as SQL; the statement around them joins `prompt_versions` and `prompts`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Float, String, cast, select

from sightline.server.questions import Condition
from sightline.server.questions.relational import holds, holds_among
from sightline.server.tables.prompts import prompt_labels, prompt_tags, prompt_versions, prompts

_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    "id": prompt_versions.c.id,
    "name": prompts.c.name,
    "type": prompts.c.kind,
    "version": prompt_versions.c.version,
    "createdAt": prompt_versions.c.created_at,
    "updatedAt": prompt_versions.c.updated_at,
}
"""Filterable field to its column."""


def sql_condition(condition: Condition) -> ColumnElement[bool]:
    """A condition whose column and operator were found to fit."""
    if condition.column == "labels":
        return holds_among(condition, labelled)
    if condition.column == "tags":
        return holds_among(condition, tagged)
    column = _COLUMNS.get(condition.column)
    return holds(condition, _entry(condition) if column is None else column)


def _entry(condition: Condition) -> ColumnElement[Any]:
    """An entry of the config, as text, or as the number that it is compared with."""
    entry = prompt_versions.c.config[condition.key].as_string()
    return cast(entry, Float if condition.type == "numberObject" else String)


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
