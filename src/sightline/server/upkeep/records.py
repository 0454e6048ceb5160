"""Tables of the analytics engine that retention applies to, and the column of a row's age."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Aging:
    table: str
    time: str
    """The column by which its rows age."""


AGING = (
    Aging("observations", "start_time"),
    Aging("scores", "timestamp"),
    Aging("changes", "occurred_at"),
)
"""Tables that retention applies to."""
