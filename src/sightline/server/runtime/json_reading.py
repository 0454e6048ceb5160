"""Lenient JSON parsing for every route: a text truncated inside a character loses that character only.

A `slice` in JavaScript cuts an emoji in two, and `JSON.stringify` writes the half as a lone surrogate escape. Strict
parsers refuse the whole document for it; here the half becomes U+FFFD, as do bytes that are not UTF-8. Everything that
comes out can be written as UTF-8 again, so every store keeps it.
"""

import re
from typing import Any

import orjson

from sightline.server.runtime.errors import InvalidRequest

NotJson = orjson.JSONDecodeError
"""What `loads` raises: a ValueError with the place."""

DEEPEST = 200
"""Nesting limit of documents from outside. What is deeper could be stored, but not written back: the serialiser of
orjson has a limit of 254, and an answer adds levels of its own. OTLP's limit, 100 messages, is 140 levels of JSON."""
REPLACEMENT = r"\ufffd"
"""Escape of U+FFFD, the replacement character."""
ESCAPES = re.compile(
    r"\\\\"  # An escaped backslash: what follows it is plain text.
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # Both halves.
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""Escapes in JSON text: an escaped backslash, a surrogate pair, or a lone surrogate."""


def loads(document: bytes | str) -> Any:
    """What the document says; NotJson where it is none. A valid document is parsed once, by orjson alone."""
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:
        text = document if isinstance(document, str) else document.decode("utf-8", "replace")
        mended = whole(text)
        if mended is document:
            raise
        return orjson.loads(mended)


def guarded(document: bytes | str) -> Any:
    """`loads` for what comes from outside: InvalidRequest too for a document nested deeper than `DEEPEST`.

    Neither NaN nor Infinity is JSON, nor is a number that a double does not hold; integers beyond 64 bits are floats.
    """
    value = loads(document)
    if _opened(document) > DEEPEST and is_deeper(value, DEEPEST):
        raise too_deep()
    return value


def is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested deeper than that; level by level, so no recursion of our own."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _opened(document: bytes | str) -> int:
    """Brackets, those in texts included: few of them cannot be nested deep, which is quick to see."""
    if isinstance(document, bytes):
        return document.count(b"[") + document.count(b"{")
    return document.count("[") + document.count("{")


def too_deep() -> InvalidRequest:
    return InvalidRequest(f"the JSON is nested deeper than {DEEPEST} levels: send the deep part as text")


def whole(text: str) -> str:
    """JSON text with U+FFFD for every lone surrogate; the very same object where there can be none."""
    return ESCAPES.sub(_replaced, text) if "\\u" in text else text


def _replaced(found: re.Match[str]) -> str:
    return REPLACEMENT if found["half"] else found[0]
