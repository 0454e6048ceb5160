# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Slices of time from the newest row back: what a page wants is nearly always in the first.

Every part of the table that a slice does not touch is left alone; a scan in order over all of them reads from each
until it finds something.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.matching import END, TIME, Span
from sightline.server.tracing.store.rows import moment

SAMPLE_ROWS = 100
SAMPLES = 200
"""The first slice is as long as it takes for so many samples: some 20,000 rows."""
GROWTH = 16.0
SHORTEST, LONGEST = timedelta(milliseconds=1), timedelta(days=400)
"""Of a sample, and of a slice that is not the whole span."""
REMEMBERED_S, MOST_REMEMBERED = 5.0, 1_000
"""How long the newest rows of a project stand for the newest, and of how many projects. They say where it is best to
begin to look, and nothing else."""


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


@dataclass(frozen=True)
class Sample:
    """The newest rows of a span: when they begin, and when the span and its oldest row do."""

    beginning: datetime
    first: datetime
    last: datetime
    oldest: datetime


class Slicing:
    """Slices of a project's time.

    How long they are follows from the newest rows alone: reading 20,000 of them would touch every part.
    """

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine
        self._remembered: dict[ProjectId, tuple[float, Sample]] = {}

    async def of(self, project_id: ProjectId, span: Span) -> Slices:
        sample = self._recall(project_id, span)
        if sample is None:
            sample = await self._read(project_id, span)
            if sample is None:
                return Slices(span[0])
            self._remember(project_id, span, sample)
        length = max(sample.last - sample.first, SHORTEST) * SAMPLES
        return Slices(span[0], sample.last, max(sample.oldest, span[0]), length)

    def _recall(self, project_id: ProjectId, span: Span) -> Sample | None:
        read_at, sample = self._remembered.get(project_id, (0.0, None))
        if sample is None or span[1] != END or time.monotonic() - read_at > REMEMBERED_S:
            return None
        return sample if sample.beginning <= span[0] <= sample.first else None

    def _remember(self, project_id: ProjectId, span: Span, sample: Sample) -> None:
        if span[1] != END:
            return
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[project_id] = time.monotonic(), sample

    async def _read(self, project_id: ProjectId, span: Span) -> Sample | None:
        """None where there are too few rows for a slice."""
        where = Conditions(project_id)
        where.add("start_time >=", TIME, span[0])
        where.add("start_time <", TIME, span[1])
        times = f"SELECT start_time FROM observations WHERE {where} ORDER BY start_time"
        sql = (
            f"SELECT count() AS rows, min(start_time) AS first, max(start_time) AS last, ({times} LIMIT 1) AS oldest "
            f"FROM ({times} DESC LIMIT {SAMPLE_ROWS})"
        )
        [found] = await self._engine.query(sql, where.params)
        if found["rows"] < SAMPLE_ROWS:
            return None
        return Sample(span[0], moment(found["first"]), moment(found["last"]), moment(found["oldest"]))
