"""Encoding of bound query parameters."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any


def parameter(value: Any) -> str:
    """A query parameter as the engine reads it: text is escaped as in tab-separated values, arrays as literals."""
    match value:
        case str():
            return value.translate(_TEXT_ESCAPES)
        case bool():
            return "1" if value else "0"
        case datetime():
            return _timestamp(value)
        case Sequence():
            return "[" + ",".join(_literal(item) for item in value) + "]"
        case _:
            return str(value)


def _timestamp(moment: datetime) -> str:
    """A time as the engine reads it: UTC, to the microsecond."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


_TEXT_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"})
_LITERAL_ESCAPES = _TEXT_ESCAPES | str.maketrans({"'": "\\'"})
"""Escapes inside a quoted literal."""


def _literal(item: Any) -> str:
    return f"'{item.translate(_LITERAL_ESCAPES)}'" if isinstance(item, str) else str(item)
