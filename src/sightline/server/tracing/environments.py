"""Normalisation of environment names: stored in one spelling, accepted and filtered by in any."""

import re
from typing import Any

UNNAMED = "default"
"""Environment of what names none."""
LONGEST = 40
"""Characters of a name."""
RESERVED, INSTEAD = "langfuse", "platform"
"""Names that begin with the first are the platform's own: a sender's begins with the second."""
EXACT = frozenset({"=", "<>", "any of", "none of"})
"""Operators that compare whole names."""

_OTHER = re.compile(r"[^a-z0-9_-]")


def environment_name(told: Any) -> str:
    """The normalised name; a missing one is `default`, and a given one is neither refused nor becomes it.

    `LANGFUSE_TRACING_ENVIRONMENT=Production` is a common setting and Langfuse lower-cases it: a score or a batch lost
    for its spelling would be the worse answer.
    """
    name = "" if told is None else _OTHER.sub("-", str(told).strip().lower())
    if name.startswith(RESERVED):
        name = INSTEAD + name.removeprefix(RESERVED)
    return name[:LONGEST] or UNNAMED


def asked_environments(operator: str, value: Any) -> Any:
    """Normalise the operand of a filter on environments; parts of names are only lower-cased."""
    if isinstance(value, list | tuple):
        return [asked_environments(operator, each) for each in value]
    if not isinstance(value, str):
        return value
    return environment_name(value) if operator in EXACT else value.lower()
