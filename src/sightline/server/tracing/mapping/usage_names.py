"""Tokenises unknown counter names into usage types: `cacheReadInputTokens` is `input_cached_tokens`."""

import re
from functools import lru_cache

from sightline.server.tracing.mapping.usage_tables import CACHED, CACHED_AUDIO, REASONING, WRITTEN

WORD = re.compile(r"\d+(?:m|hr?)(?![a-z])|[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""Tokenises camelCase, snake_case and lifetimes such as `5m`."""
REMEMBERED = 4_096
"""Names in the LRU cache."""
LONGEST = 200
"""Characters of a name that is looked at: names come from clients."""

DIRECTIONS = {
    "input": "input",
    "prompt": "input",
    "output": "output",
    "completion": "output",
    "candidates": "output",
}
"""Words that tell input from output."""
THOUGHT = frozenset(("reasoning", "thinking", "thoughts", "thought"))
"""Words of reasoning tokens."""
CACHE = frozenset(("cache", "cached", "ephemeral"))
"""Words of the prompt cache."""
CREATION = frozenset(("write", "writes", "written", "creation", "created", "ephemeral"))
"""Words of cache writes; other cache words mean reads."""
LIFETIMES = {"5m": "_5m", "1h": "_1h", "1hr": "_1h"}
"""TTL of a cache write to the suffix of its usage type."""
MEDIA = ("audio", "image", "video", "text")
"""Modalities."""
FILLING = frozenset(("gen", "ai", "llm", "usage", "token", "tokens", "count", "details", "detail"))
"""Words without meaning of their own."""
NO_TOKENS = frozenset(("cost", "price", "usd", "time", "duration", "latency", "seconds", "ms", "rate", "no", "miss"))
"""Words of what is no count of its own: money, time, and what a cache did not hold."""


@lru_cache(REMEMBERED)
def usage_type(name: str) -> str | None:
    """`input`, `output`, `total`, or a part of the first two; None where the words do not say which."""
    words = _words(name)
    if NO_TOKENS & words:
        return None
    if CACHE & words:
        return _of_cache(words)
    return REASONING if THOUGHT & words else _of_direction(words - FILLING)


def _of_direction(said: frozenset[str]) -> str | None:
    if said == {"total"}:
        return "total"
    directions = {DIRECTIONS[word] for word in said if word in DIRECTIONS}
    if len(directions) != 1:
        return None
    [direction] = directions
    left = said - DIRECTIONS.keys()
    if not left:
        return direction
    medium = next((medium for medium in MEDIA if medium in left), None)
    return f"{direction}_{medium or '_'.join(sorted(left))}_tokens"


def names_tokens(name: str) -> bool:
    words = _words(name)
    return bool(words & {"token", "tokens"}) and not words & NO_TOKENS


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in WORD.findall(name[:LONGEST]))


def _of_cache(words: frozenset[str]) -> str:
    if CREATION & words:
        return WRITTEN + next((ending for word, ending in LIFETIMES.items() if word in words), "")
    return CACHED_AUDIO if "audio" in words else CACHED
