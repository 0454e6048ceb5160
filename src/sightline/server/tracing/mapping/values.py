"""Protobuf attribute values as Python values, JSON text and times."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from sightline.server.runtime.json_reading import NotJson, loads
from sightline.server.tracing.records import EPOCH

Attributes = Mapping[str, Any]

SAFE_INTEGER = 2**53
"""JavaScript's MAX_SAFE_INTEGER plus one."""


def python_value(value: AnyValue) -> Any:
    """An attribute's value; bytes become base64 text by protobuf's JSON rule, absent ones None."""
    if said := value.string_value:  # Most are texts, and this is asked of every attribute of every span.
        return said
    which = value.WhichOneof("value")
    if which == "array_value":
        return [python_value(item) for item in value.array_value.values]
    if which == "kvlist_value":
        return python_attributes(value.kvlist_value.values)
    if which == "bytes_value":
        # Lazy import: only exotic exporters send bytes.
        import base64

        return base64.b64encode(value.bytes_value).decode()
    return None if which is None else getattr(value, which)


def python_attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: python_value(pair.value) for pair in pairs}


def first(attributes: Attributes, keys: Iterable[str]) -> Any:
    """The value of the first key that is present and neither None nor empty text."""
    for key in keys:
        if key in attributes and (value := attributes[key]) is not None and value != "":
            return value
    return None


NOTHING = frozenset(("{}", "[]", "null", '""'))
"""Texts that libraries write where they have nothing to say."""


LONGEST_NOTHING = 4
"""Of longer texts not even the hash is worth computing."""


def says_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_NOTHING and value in NOTHING
    return value in ({}, [])


def telling(attributes: Attributes, keys: Iterable[str]) -> Any:
    """Of the values that `first` would take the first that says something, else the first."""
    found = None
    for key in keys:
        if key in attributes and (value := attributes[key]) is not None and value != "":
            if not says_nothing(value):
                return value
            found = value if found is None else found
    return found


def text(value: Any) -> str | None:
    """A value as a stored string: strings as they are, everything else as JSON."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """Compact JSON; integers beyond 64 bits and other oddities become strings rather than an error."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # Nested more than 254 levels deep.
        return _deep_json(value)


def _deep_json(value: Any) -> str:
    try:
        return json.dumps(value, default=str, separators=(",", ":"))
    except RecursionError:
        return '"nested too deep to be stored"'


def parsed(value: Any) -> Any:
    """What JSON text says, or the text itself where it is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except NotJson:
        return value


def parsed_object(value: Any) -> dict[str, Any]:
    """A JSON object, or nothing where the value is none."""
    decoded = parsed(value)
    return cast("dict[str, Any]", decoded) if isinstance(decoded, dict) else {}


def time_of(nanoseconds: int) -> datetime:
    """UTC time of nanoseconds since 1970, cut to microseconds."""
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def time_from(value: Any) -> datetime | None:
    """A time from ISO-8601 text, in JSON quotes or bare, or from epoch seconds; UTC where no offset is given."""
    decoded = parsed(value)
    if isinstance(decoded, str):
        try:
            moment = datetime.fromisoformat(decoded)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (OverflowError, ValueError):
            return None
    if isinstance(decoded, int | float) and not isinstance(decoded, bool):
        return later(EPOCH, decoded)
    return None


def later(moment: datetime, seconds: float) -> datetime | None:
    """A time so many seconds after another; None on overflow (year 9999)."""
    try:
        return moment + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def number(value: Any) -> float | None:
    """A finite number from a number or its text."""
    if isinstance(value, bool):
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if abs(result) < float("inf") else None
