"""The `filter` of the prompt list, with what is particular to it: SQL patterns, and entries of a config."""

from dataclasses import replace

from sightline.server.prompts.fields import PROMPT_FIELDS
from sightline.server.questions import Condition, conditions_of_json
from sightline.server.runtime.errors import InvalidRequest

LIKE = frozenset(("contains", "does not contain", "starts with", "ends with", "matches"))
"""Operators whose value is an SQL LIKE pattern."""
TYPES = frozenset(("string", "stringOptions", "number", "datetime", "arrayOptions", "stringObject"))
"""What Langfuse takes here."""


def prompt_conditions(text: str) -> tuple[Condition, ...]:
    """The conditions of a `filter`, all of which must hold; an empty list filters nothing."""
    return tuple(_checked(each) for each in conditions_of_json(text, PROMPT_FIELDS))


def _checked(condition: Condition) -> Condition:
    if condition.type not in TYPES:
        raise InvalidRequest(f"filter type {condition.type!r} is not for prompts: use {', '.join(sorted(TYPES))}")
    texts = condition.value if isinstance(condition.value, list) else [condition.value]
    if any("\0" in text for text in (*texts, condition.key) if isinstance(text, str)):
        raise InvalidRequest("a NUL is in no text of a prompt: leave it out")
    if condition.operator in LIKE and _ends_in_half(condition.value):
        raise InvalidRequest(f"value {condition.value!r} ends in a single backslash: write two for one")
    if set('"\\') & set(condition.key):
        raise InvalidRequest(f"key {condition.key!r} holds a quote or a backslash: no entry is asked by it")
    if condition.column == "config" and condition.value == "":
        return replace(condition, operator="is set")
    return condition


def _ends_in_half(pattern: str) -> bool:
    """A pattern cannot end in the character that escapes the next one."""
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1
