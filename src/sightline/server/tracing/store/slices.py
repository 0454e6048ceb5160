# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Slices of time from the newest row back: what a page wants is nearly always in the first.

Every part of the table that a slice does not touch is left alone; a scan in order over all of them reads from each
until it finds something.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.matching import TIME, Span
from sightline.server.tracing.store.rows import moment

SAMPLE_ROWS = 100
SAMPLES = 200
"""The first slice is as long as it takes for so many samples: some 20,000 rows."""
GROWTH = 16
SHORTEST, LONGEST = timedelta(milliseconds=1), timedelta(days=400)
"""Of a sample, and of a slice that is not the whole span."""


async def slices(engine: ObservationsEngine, project_id: ProjectId, span: Span) -> AsyncIterator[datetime]:
    """Where slices begin: with some 20,000 newest rows, each time 16 times as long ago, at last where the span begins.

    How long that is follows from the newest rows alone: reading so many of them would touch every part.
    """
    where = Conditions(project_id)
    where.add("start_time >=", TIME, span[0])
    where.add("start_time <", TIME, span[1])
    times = f"SELECT start_time FROM observations WHERE {where} ORDER BY start_time"
    sql = (
        f"SELECT count() AS rows, min(start_time) AS first, max(start_time) AS last, ({times} LIMIT 1) AS oldest "
        f"FROM ({times} DESC LIMIT {SAMPLE_ROWS})"
    )
    [found] = await engine.query(sql, where.params)
    if found["rows"] == SAMPLE_ROWS:
        last, oldest = moment(found["last"]), moment(found["oldest"])
        length = max(last - moment(found["first"]), SHORTEST) * SAMPLES
        while length < last - oldest and length < LONGEST:
            yield last - length
            length *= GROWTH
    yield span[0]
