# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Slices of time from the newest row back: what a page wants is nearly always in the first.

Every part of the table that a slice does not touch is left alone; a scan in order over all of them reads from each
until it finds something.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.matching import TIME, Span
from sightline.server.tracing.store.rows import moment

SAMPLE_ROWS = 100
SAMPLES = 200
"""The first slice is as long as it takes for so many samples: some 20,000 rows."""
GROWTH = 16.0
SHORTEST, LONGEST = timedelta(milliseconds=1), timedelta(days=400)
"""Of a sample, and of a slice that is not the whole span."""


@dataclass
class Slices:
    """Where slices begin, the first with some 20,000 newest rows, the last where the span begins."""

    beginning: datetime
    last: datetime | None = None
    """When the newest row begins; None where there are too few for a slice."""
    oldest: datetime | None = None
    length: timedelta = SHORTEST

    @property
    def low(self) -> datetime:
        """Where the present one begins."""
        if self.last is None or self.oldest is None or self.length >= min(self.last - self.oldest, LONGEST):
            return self.beginning
        return self.last - self.length

    @property
    def is_last(self) -> bool:
        return self.low == self.beginning

    def grow(self, times: float = GROWTH) -> None:
        """Go on to a slice so many times as long."""
        self.length = min(self.length * times, LONGEST)

    def grow_whole(self) -> None:
        """Go on to the last."""
        self.length = LONGEST


async def slices_of(engine: ObservationsEngine, project_id: ProjectId, span: Span) -> Slices:
    """How long they are follows from the newest rows alone: reading 20,000 of them would touch every part."""
    where = Conditions(project_id)
    where.add("start_time >=", TIME, span[0])
    where.add("start_time <", TIME, span[1])
    times = f"SELECT start_time FROM observations WHERE {where} ORDER BY start_time"
    sql = (
        f"SELECT count() AS rows, min(start_time) AS first, max(start_time) AS last, ({times} LIMIT 1) AS oldest "
        f"FROM ({times} DESC LIMIT {SAMPLE_ROWS})"
    )
    [found] = await engine.query(sql, where.params)
    if found["rows"] < SAMPLE_ROWS:
        return Slices(span[0])
    last = moment(found["last"])
    length = max(last - moment(found["first"]), SHORTEST) * SAMPLES
    return Slices(span[0], last, moment(found["oldest"]), length)
