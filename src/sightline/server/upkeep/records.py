"""What ages: the tables of the analytics engine whose rows a project may keep for some days only."""

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
