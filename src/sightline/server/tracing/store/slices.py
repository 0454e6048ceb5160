# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Slices of time from the newest row back: what a page wants is nearly always in the first.

Every part of the table that a slice does not touch is left alone; a scan in order over all of them reads from each
until it finds something.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.matching import TIME, Span
from sightline.server.tracing.store.rows import moment

FIRST_ROWS = 20_000
GROWTH = 16


async def slices(engine: ObservationsEngine, project_id: ProjectId, span: Span) -> AsyncIterator[datetime]:
    """Where slices begin: with the newest 20,000 rows of the span, 16 times as long ago, where the span begins."""
    where = Conditions(project_id)
    where.add("start_time >=", TIME, span[0])
    where.add("start_time <", TIME, span[1])
    newest = f"SELECT start_time FROM observations WHERE {where} ORDER BY start_time DESC LIMIT {FIRST_ROWS}"
    sql = f"SELECT count() AS rows, min(start_time) AS first, max(start_time) AS last FROM ({newest})"
    [found] = await engine.query(sql, where.params)
    if found["rows"] == FIRST_ROWS:
        first, last = moment(found["first"]), moment(found["last"])
        yield first
        longer = last - min(GROWTH * (last - first), last - span[0])
        if span[0] < longer < first:
            yield longer
    yield span[0]
