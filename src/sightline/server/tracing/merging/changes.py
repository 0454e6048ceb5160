"""Changes: the events of the log, as JSON values by field name (partial updates). An absent field is unchanged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sightline.server.runtime.clock import now
from sightline.server.tracing.records import TraceId

Subject = Literal["trace", "observation", "span"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One event about one trace or observation."""

    event_id: str
    """Event id, for deduplication: a repeated one is the same event."""
    subject: Subject
    subject_id: str
    trace_id: TraceId | None
    """None where an update names its observation only."""
    occurred_at: datetime
    creates: bool
    fields: Mapping[str, Any]
    """By the names of `Observation` and `TraceFields`; times as ISO-8601 text."""


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Event-time order (the client's clock) of what is given in order of arrival.

    On ties creation comes first, then what arrived first: the last write wins.
    """
    once = {change.event_id: change for change in changes}
    return sorted(once.values(), key=lambda change: (change.occurred_at, not change.creates))


def after_the_future(changes: Sequence[Change], subject: Subject, kept: Mapping[str, Sequence[Change]]) -> list[Change]:
    """Changes of a subject, dated after the kept ones that lie in the future, which were dated by a wrong clock.

    They would be the last for as long as the clock was wrong. A repeated event keeps its first time.
    """
    present = now()
    return [
        _placed(change, kept.get(change.subject_id, ()), present) if change.subject == subject else change
        for change in changes
    ]


def _placed(change: Change, kept: Sequence[Change], present: datetime) -> Change:
    for earlier in kept:
        if earlier.event_id == change.event_id:
            return replace(change, occurred_at=earlier.occurred_at)
    latest = max((earlier.occurred_at for earlier in kept), default=present)
    if latest <= present:
        return change
    return replace(change, occurred_at=max(change.occurred_at, latest + timedelta(microseconds=1)))
