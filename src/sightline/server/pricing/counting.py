"""Exact token counts of texts, for models whose tokenizer (BPE) is known. Pure.

What only the provider knows is not counted: images, tools, reasoning.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson

from sightline.server.pricing.records import Model
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import NotJson, guarded
from sightline.server.runtime.media_tokens import MARK

OPENAI = "openai"
"""`tokenizerId` of models that are counted here."""
NEWER, OLDER = "o200k_base", "cl100k_base"
"""OpenAI's BPE encodings."""
USES_OLDER = re.compile(r"(ft:)?(gpt-4(-(32k|turbo|vision|\d{4}).*)?|gpt-3\.5.*|gpt-35.*)|text-embedding-.*")
"""OpenAI's models before gpt-4o; all later ones use the newer encoding."""
COUNTS_ALONE = re.compile(
    r"((ft:)?gpt-3\.5|(ft:)?gpt-4|chatgpt-4o|text-embedding-)(?!.*(audio|realtime|tts|transcribe)).*"
)
"""OpenAI's models without hidden reasoning tokens: their usage is the tokens of their texts."""
PER_MESSAGE, PER_NAME, REPLY = 3, 1, 3
"""Tokens around a message of a chat, for a name in it, and before the answer."""
PARTS_OF_TEXT = frozenset(("text", "input_text", "output_text"))
"""Types of content parts that are text."""


def counts_alone(model_id: str) -> bool:
    """Whether texts say all that one of OpenAI's models used."""
    return COUNTS_ALONE.fullmatch(model_id) is not None


def encoding_of(model: Model, name: str) -> str | None:
    """The encoding of a model as an observation calls it; None where it is not known here."""
    if model.tokenizer_id != OPENAI:
        return None
    config = _object(model.tokenizer_config)
    named = str(config.get("tokenizerModel") or name).lower().rpartition("/")[2]
    return OLDER if USES_OLDER.fullmatch(named) else NEWER


def counted(model: Model, encoding: str, given: str | None, made: str | None) -> dict[str, int] | None:
    """Input, output and total of stored texts; None when something in them is no text."""
    config = _object(model.tokenizer_config)
    sizes = {"input": _size(given, encoding, config), "output": _size(made, encoding, config, answers=True)}
    known = {name: size for name, size in sizes.items() if size is not None}
    if len(known) < len(sizes) or not any(known.values()):
        return None
    return known | {"total": sum(known.values())}


def _size(stored: str | None, encoding: str, config: Mapping[str, Any], *, answers: bool = False) -> int | None:
    if not stored or MARK in stored:
        return None if stored else 0
    try:
        value = guarded(stored)
    except (NotJson, InvalidRequest):
        return _tokens(stored, encoding)
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        value = value["messages"]
    return _answer(value, encoding) if answers else _question(value, encoding, config)


def _question(value: Any, encoding: str, config: Mapping[str, Any]) -> int | None:
    """A chat, several texts, one text, or whatever else was sent, as JSON."""
    if isinstance(value, list) and all(isinstance(each, dict) and "role" in each for each in value):
        return _chat(value, encoding, config)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return sum(_tokens(each, encoding) for each in value)
    return _tokens(value if isinstance(value, str) else orjson.dumps(value).decode(), encoding)


def _chat(messages: list[dict[str, Any]], encoding: str, config: Mapping[str, Any]) -> int | None:
    size = REPLY if messages else 0
    for message in messages:
        text = _text_of(message.get("content"))
        if text is None:
            return None
        size += _number(config.get("tokensPerMessage"), PER_MESSAGE)
        size += _tokens(str(message["role"]), encoding) + _tokens(text, encoding)
        if message.get("name"):
            size += _number(config.get("tokensPerName"), PER_NAME) + _tokens(str(message["name"]), encoding)
    return size


def _answer(value: Any, encoding: str) -> int | None:
    """An answer is its text: what a chat wraps around it was not generated."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and "content" in value and "role" in value:
        if value.get("tool_calls"):
            return None
        text = _text_of(value["content"])
        return None if text is None else _tokens(text, encoding)
    return _tokens(value if isinstance(value, str) else orjson.dumps(value).decode(), encoding)


def _text_of(content: Any) -> str | None:
    """The text of a message's content; None when there is something else in it."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") in PARTS_OF_TEXT]
    if len(texts) < len(content) or not all(isinstance(text, str) for text in texts):
        return None
    return "".join(map(str, texts))


def _tokens(text: str, encoding: str) -> int:
    return len(_encoder(encoding).encode(text))


@cache
def _encoder(encoding: str) -> Any:
    # Lazy: a vocabulary takes some 20 MB.
    import splintr

    return splintr.Tokenizer.from_pretrained(encoding)


def _number(given: Any, default: int) -> int:
    return int(given) if isinstance(given, int | float) else default


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
