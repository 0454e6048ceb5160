"""Windows of time and environments as clauses."""

from sightline.server.questions.where import TIME, Where
from sightline.server.tracing.records import Window


def add_window(where: Where, window: Window, time: str, environment: str = "environment") -> None:
    """A half-open interval: the start is inclusive, the end exclusive. It prunes partitions by the table's time."""
    where.add(f"{time} >=", TIME, window.start)
    where.add(f"{time} <", TIME, window.end)
    where.add(f"{environment} IN", "Array(String)", window.environments)
