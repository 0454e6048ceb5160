"""Untrusted regular expressions, by RE2 in linear time: no catastrophic backtracking (ReDoS)."""

from functools import lru_cache
from typing import Protocol, cast

import re2

from sightline.server.runtime.errors import InvalidRequest

MEMORY_BYTES = 1 << 20
"""Memory limit of a compiled pattern."""
LONGEST = 1_000
"""Characters of a text that is matched as a name."""


class Pattern(Protocol):
    def search(self, text: str) -> object | None: ...


def checked(pattern: str) -> str:
    """The pattern itself; InvalidRequest when it cannot be used."""
    compiled(pattern)
    return pattern


def compiled(pattern: str) -> Pattern:
    """The pattern ready to search texts of any length; InvalidRequest when RE2 cannot take it."""
    try:
        return _compiled(pattern, case_sensitive=True)
    except re2.error as problem:
        reason = problem.args[0]
        said = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise InvalidRequest(f"pattern {pattern[:100]!r} is not a regular expression of RE2: {said}") from problem


def matches(pattern: str, text: str, *, case_sensitive: bool = True) -> bool:
    """Whether the pattern matches anywhere in the text; texts longer than `LONGEST` never match."""
    return len(text) <= LONGEST and _compiled(pattern, case_sensitive=case_sensitive).search(text) is not None


@lru_cache(maxsize=1_000)
def _compiled(pattern: str, *, case_sensitive: bool) -> Pattern:
    options = re2.Options()
    options.max_mem = MEMORY_BYTES
    options.log_errors = False
    options.case_sensitive = case_sensitive
    return cast("Pattern", re2.compile(pattern, options=options))
