"""Names of environments: said as people set them, stored as one spelling each, asked for in either."""

import re
from typing import Any

UNNAMED = "default"
LONGEST = 40
RESERVED, INSTEAD = "langfuse", "platform"
"""Names that begin with the first are the platform's own: a sender's begins with the second."""
EXACT = frozenset({"=", "<>", "any of", "none of"})

_OTHER = re.compile(r"[^a-z0-9_-]")


def environment_name(told: Any) -> str:
    """The name as it is stored; nothing said is `default`, and nothing that was said is refused or becomes it.

    `LANGFUSE_TRACING_ENVIRONMENT=Production` is a common setting and Langfuse lower-cases it: a score or a batch lost
    for its spelling would be the worse answer.
    """
    name = "" if told is None else _OTHER.sub("-", str(told).strip().lower())
    if name.startswith(RESERVED):
        name = INSTEAD + name.removeprefix(RESERVED)
    return name[:LONGEST] or UNNAMED


def asked_environments(operator: str, value: Any) -> Any:
    """What a filter compares environments with, in the spelling they are stored in; parts of names are lower-cased."""
    if isinstance(value, list | tuple):
        return [asked_environments(operator, each) for each in value]
    if not isinstance(value, str):
        return value
    return environment_name(value) if operator in EXACT else value.lower()
