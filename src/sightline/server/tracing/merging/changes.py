"""Changes: the events of the log, as JSON values by field name (partial updates). An absent field is unchanged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

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
