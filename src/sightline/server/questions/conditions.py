"""A condition (predicate) of a filter, and the field that it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sightline.server.questions.where import Where

FieldKind = Literal["text", "number", "time", "truth", "texts", "entries", "scores"]
"""`texts` is a list of texts, `entries` texts by key, `scores` values by the name of a score."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition of a filter, in Langfuse's words."""

    type: str
    column: str
    operator: str
    value: Any = None
    key: str = ""
    """Which entry of a field that holds several: a key of metadata, the name of a score."""


Holds = Callable[[Where, Condition], str]
"""Compiles a condition on a field to a clause."""


@dataclass(frozen=True)
class Field:
    """One thing that can be asked about a row. An empty text stands for none."""

    sql: str
    """Its value, in the ClickHouse dialect; empty where the field can only be filtered by."""
    kind: FieldKind = "text"
    needs: str | None = None
    """What a statement must join for the value to exist."""
    crowded: bool = False
    """High cardinality, about as many values as rows: grouping by it is for the largest few only."""
    holds: Holds | None = None
    """How a condition on it is compiled, where that takes more than the value."""
