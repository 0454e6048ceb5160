"""What one event says, as it is kept: JSON values by field name. A field that is not there says nothing."""

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
    """A repeated one is the same event, and said once."""
    subject: Subject
    subject_id: str
    trace_id: TraceId | None
    """None where an update names its observation only."""
    occurred_at: datetime
    creates: bool
    fields: Mapping[str, Any]
    """By the names of `Observation` and `TraceFields`; times as ISO-8601 text."""


def in_order(changes: Iterable[Change]) -> list[Change]:
    """By the clients' clock, whatever order they arrived in; at the same time creation comes first."""
    once = {change.event_id: change for change in changes}
    return sorted(once.values(), key=lambda change: (change.occurred_at, not change.creates))
