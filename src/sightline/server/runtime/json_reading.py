"""Lenient JSON parsing for every route: a text truncated inside a character loses that character only.

A `slice` in JavaScript cuts an emoji in two, and `JSON.stringify` writes the half as a lone surrogate escape. Strict
parsers refuse the whole document for it; here the half becomes U+FFFD, as do bytes that are not UTF-8. Everything that
comes out can be written as UTF-8 again, so every store keeps it.
"""

import re
from typing import Any

import orjson

NotJson = orjson.JSONDecodeError
"""What `loads` raises: a ValueError with the place."""

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


def whole(text: str) -> str:
    """JSON text with U+FFFD for every lone surrogate; the very same object where there can be none."""
    return ESCAPES.sub(_replaced, text) if "\\u" in text else text


def _replaced(found: re.Match[str]) -> str:
    return REPLACEMENT if found["half"] else found[0]
