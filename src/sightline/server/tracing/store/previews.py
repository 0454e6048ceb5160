"""Previews of inputs and outputs in lists: one readable line instead of JSON, chats cut to the turn that matters."""

from typing import Any, Literal

import orjson

from sightline.server.runtime.media_tokens import MARK, TOKEN
from sightline.server.tracing.mapping.values import json_text

PREVIEW_CHARACTERS = 500
"""Length of a preview."""
DEEPEST = 50
"""Levels that are looked into; what a person reads stands higher."""
PARSED_CHARACTERS = 200_000
"""Longer JSON is truncated unparsed: parsing would cost more than a preview is worth."""

_TELLING = (
    "content",
    "parts",
    "text",
    "messages",
    "question",
    "answer",
    "caption",
    "prompt",
    "query",
    "input",
    "output",
)
"""Keys whose value says what an object is about, the most telling first."""


def preview(text: str | None, *, wanted: Literal["user", "assistant"]) -> str:
    """At most 500 characters of `text`; of a chat the last message by `wanted`, or the last one."""
    if not text:
        return ""
    readable = text
    if text[0] in '[{"' and len(text) <= PARSED_CHARACTERS:
        try:
            readable = _readable(orjson.loads(text), wanted, DEEPEST) or text
        except orjson.JSONDecodeError:
            readable = text
    readable = readable[: PREVIEW_CHARACTERS * 4]
    if MARK in readable:
        readable = TOKEN.sub(r"[\g<family>]", readable)
    # Of most texts the beginning is enough: a word at its end may be cut, but that is beyond the preview's.
    begun = " ".join(readable[: PREVIEW_CHARACTERS + 50].split())
    if len(begun) < PREVIEW_CHARACTERS < len(readable):
        begun = " ".join(readable.split())
    return begun[:PREVIEW_CHARACTERS]


def _readable(value: Any, wanted: str, depth: int) -> str:
    match value:
        case str():
            return value
        case [{"role": _}, *_] if depth:
            said = [message for message in value if isinstance(message, dict)]
            chosen = [message for message in said if message.get("role") == wanted] or said
            return _readable(chosen[-1], wanted, depth - 1)
        case list() if depth:
            return " ".join(filter(None, (_readable(item, wanted, depth - 1) for item in value)))
        case dict() if depth:
            return _of_object(value, wanted, depth - 1)
        case list() | dict() | None:
            return ""
        case _:
            return orjson.dumps(value).decode()


def _of_object(value: dict[str, Any], wanted: str, depth: int) -> str:
    if value.get("type") in ("image_url", "image", "blob", "input_image", "uri"):
        return "[image]"
    for key in _TELLING:
        if value.get(key):
            return _readable(value[key], wanted, depth - 1)
    return "" if "role" in value else json_text(value)
