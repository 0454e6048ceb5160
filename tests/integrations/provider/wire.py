"""What the interfaces of all providers have in common: identities, pieces of text, server-sent events."""

import itertools
import json
from typing import Any

from integrations.replies import Reply

BEFORE_FIRST_WORD_S = 0.05
_numbers = itertools.count(1)


def new_id(kind: str) -> str:
    """An identity no other answer has, as with real providers: readers tell repeated reports of one call by it."""
    return f"{kind}{next(_numbers)}"


def words(reply: Reply) -> list[str]:
    first, *rest = (reply.text or "").split(" ")
    return [first, *(f" {word}" for word in rest)] if first else []


def event(data: dict[str, Any]) -> str:
    name = f"event: {data['type']}\n" if "type" in data else ""
    return f"{name}data: {json.dumps(data)}\n\n"
