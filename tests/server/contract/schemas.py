"""JSON Schema from OpenAPI 3.0, and a validator that also reads times."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

JsonSchema = Mapping[str, Any]

FORMATS = FormatChecker(formats=())
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ANNOTATIONS = frozenset(("title", "description", "example", "examples", "discriminator", "default", "readOnly"))


@FORMATS.checks("date-time")
def _is_a_moment(given: object) -> bool:
    """RFC 3339; what is no text is judged by its type."""
    if not isinstance(given, str):
        return True
    if not RFC_3339.fullmatch(given):
        return False
    try:
        datetime.fromisoformat(given)
    except ValueError:
        return False
    return True


def from_openapi(schema: JsonSchema, components: Mapping[str, Any]) -> JsonSchema:
    """A schema that stands alone, with the components of its document.

    `nullable` becomes a choice with null, also beside a reference; `oneOf` becomes `anyOf`, as the document's
    untagged unions overlap (a whole number is a number too).
    """
    return {**_translated(schema), "components": _translated(components)}


def complaints(schema: JsonSchema, given: Any) -> list[str]:
    """What does not fit, each with where it stands; nothing when all fits."""
    found = Draft202012Validator(schema, format_checker=FORMATS).iter_errors(given)
    return [f"{error.json_path}: {_said(error)}" for error in sorted(found, key=lambda each: each.json_path)]


def _said(error: Any) -> str:
    """A failed union says what each of its parts misses."""
    parts = [f"{part.json_path}: {part.message[:200]}" for part in error.context or ()]
    return f"{error.message[:300]}" + (f" ({'; '.join(parts)})" if parts else "")


def _translated(node: Any) -> Any:
    if isinstance(node, list):
        return [_translated(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    made = {
        ("anyOf" if name == "oneOf" else name): _named(value)
        if name in ("properties", "schemas")
        else _translated(value)
        for name, value in node.items()
        if name not in ANNOTATIONS and name != "nullable"
    }
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") else made


def _named(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Schemas by names that may be any word, also `title` or `nullable`."""
    return {name: _translated(schema) for name, schema in schemas.items()}
