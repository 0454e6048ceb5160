"""Merges scores of one id over the stored row: last write wins per field, as with observations.

Once said, a score's trace, time, environment and creation stay. Its value, type, name and source are said each time.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sightline.server.runtime.clock import now
from sightline.server.tracing.merging.observations import deep
from sightline.server.tracing.records import Score

STAY = ("trace_id", "timestamp", "environment", "created_at")
"""Immutable fields: the first write wins."""
NOTHING_ERASES = (
    "comment",
    "observation_id",
    "session_id",
    "dataset_run_id",
    "config_id",
    "queue_id",
    "author_user_id",
)
"""Fields that None does not clear."""


def merged_score(stored: Score | None, said: Sequence[Score]) -> Score:
    """One score of all that was said of its id; `updated_at` is when each was said.

    What was said before the stored score was last updated only fills what is empty in it. An update from the future
    was dated by a wrong clock: what is said now comes after it.
    """
    first, *later = sorted(said, key=lambda score: score.updated_at)
    if stored is not None and stored.updated_at > now():
        stored = replace(stored, updated_at=min(stored.updated_at, first.updated_at))
    merged = first if stored is None else _merged(stored, first)
    for score in later:
        merged = _merged(merged, score)
    return merged


def would_change(stored: Score, said: Sequence[Score]) -> bool:
    """Whether what is said differs from what is stored; that it was said again, later, is no difference."""
    return replace(merged_score(stored, said), updated_at=stored.updated_at) != stored


def _merged(known: Score, said: Score) -> Score:
    old, new = (known, said) if said.updated_at >= known.updated_at else (said, known)
    fields: dict[str, Any] = {}
    for name in NOTHING_ERASES:
        value = getattr(new, name)
        fields[name] = getattr(old, name) if value is None else value
    for name in STAY:
        value = getattr(known, name)
        fields[name] = getattr(said, name) if value is None else value
    return replace(new, metadata=deep(old.metadata, new.metadata), **fields)
