"""JSON Schema keywords safe against denial of service (ReDoS): linear-time regular expressions, and a deadline.

The library's own `pattern`, `patternProperties` and `additionalProperties` use Python's backtracking engine, which
holds the GIL meanwhile (catastrophic backtracking), and its `uniqueItems` is quadratic.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any

import orjson
from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.patterns import checked, compiled

Keyword = Callable[[Validator, Any, Any, Mapping[str, Any]], Iterator[ValidationError]]

PATTERNS = FormatChecker(formats=())
"""Checks the regular expressions of a schema itself."""

_deadline: ContextVar[float] = ContextVar("deadline")


def _usable(pattern: object) -> bool:
    return not isinstance(pattern, str) or checked(pattern) is not None


PATTERNS.checks("regex")(_usable)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Deadline: validation in this block raises InvalidRequest after so many seconds."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


@cache
def bounded(kind: type[Validator]) -> type[Validator]:
    """The validator of a draft with its keywords replaced by the bounded ones."""
    ours = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "uniqueItems": _unique_items,
        "additionalProperties": _additional(kind.VALIDATORS["additionalProperties"]),
    }
    known = {name: ours.get(name, keyword) for name, keyword in kind.VALIDATORS.items()}
    made: type[Validator] = extend(kind, {name: _timed(keyword) for name, keyword in known.items()})
    return made


def _timed(keyword: Keyword) -> Keyword:
    @wraps(keyword)
    def timed(validator: Validator, rule: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        if time.monotonic() > _deadline.get():
            raise InvalidRequest("checking against the dataset's schema takes too long: make the schema simpler")
        yield from keyword(validator, rule, instance, schema) or ()

    return timed


def _pattern(_validator: Validator, rule: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and compiled(rule).search(instance) is None:
        yield ValidationError(f"{instance!r} does not match {rule!r}")


def _pattern_properties(
    validator: Validator, rules: Mapping[str, Any], instance: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in rules.items():
        for name, value in instance.items():
            if compiled(pattern).search(name) is not None:
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional(keyword: Keyword) -> Keyword:
    """The library's keyword, given only the properties that no pattern matches."""

    def additional(
        validator: Validator, rule: Any, instance: Any, schema: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        patterns = [compiled(pattern) for pattern in schema.get("patternProperties", ())]
        if patterns and isinstance(instance, dict):
            instance = {
                name: value
                for name, value in instance.items()
                if not any(pattern.search(name) is not None for pattern in patterns)
            }
            schema = {name: rules for name, rules in schema.items() if name != "patternProperties"}
        yield from keyword(validator, rule, instance, schema) or ()

    return additional


def _unique_items(
    _validator: Validator, rule: Any, instance: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if rule and isinstance(instance, list):
        texts = {orjson.dumps(_whole(each), option=orjson.OPT_SORT_KEYS) for each in instance}
        if len(texts) < len(instance):
            yield ValidationError("the list has elements that are the same")


def _whole(value: Any) -> Any:
    """The value normalised for comparison, 1.0 as 1: to JSON Schema they are equal."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**63 else value
