"""The grammar of filters as data: a type of condition → the fields it fits, its operators, the kind of its value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sightline.server.questions.conditions import FieldKind

Operand = Literal["text", "texts", "number", "time", "truth", "none"]

TEXT = ("=", "contains", "does not contain", "starts with", "ends with", "matches")
"""Operators on text."""
PRESENT = ("is set", "is not set")
"""Operators on presence."""
COMPARED = ("=", ">", "<", ">=", "<=")
"""Operators on ordered values."""
LISTED = ("any of", "none of")
"""Set membership."""
EQUAL = ("=", "<>")
"""Equality."""


@dataclass(frozen=True)
class Type:
    """One type of condition."""

    fits: tuple[FieldKind, ...]
    operators: tuple[str, ...]
    operand: Operand
    is_keyed: bool = False
    """Whether it names an entry by `key`."""


GRAMMAR: Mapping[str, Type] = {
    "string": Type(("text",), (*TEXT, "is not empty"), "text"),
    "stringOptions": Type(("text",), LISTED, "texts"),
    "arrayOptions": Type(("texts", "text"), ("any of", "all of", "none of"), "texts"),
    "number": Type(("number", "scores"), COMPARED, "number"),
    "datetime": Type(("time",), COMPARED, "time"),
    "boolean": Type(("truth",), EQUAL, "truth"),
    "null": Type(("text", "number", "time", "texts", "entries"), ("is null", "is not null"), "none"),
    "stringObject": Type(("entries",), (*TEXT, *PRESENT), "text", is_keyed=True),
    "numberObject": Type(("entries", "scores"), COMPARED, "number", is_keyed=True),
    "booleanObject": Type(("entries", "scores"), EQUAL, "truth", is_keyed=True),
    "categoryOptions": Type(("entries", "scores"), LISTED, "texts", is_keyed=True),
}
"""Type of condition by its name on the wire."""


def fitting(kind: FieldKind) -> tuple[str, ...]:
    """The types of condition that a field of this kind takes."""
    return tuple(name for name, each in GRAMMAR.items() if kind in each.fits)
