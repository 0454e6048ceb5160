# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Reading traces: aggregations of observation rows."""

from collections.abc import Sequence
from datetime import datetime

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import Page, ProjectId, Trace, TraceId, TraceQuery
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.finding import TraceFinder
from sightline.server.tracing.store.matching import TIME, newest
from sightline.server.tracing.store.rows import moment
from sightline.server.tracing.store.summaries import AGGREGATES, COLUMNS, text_aggregate, trace_of


class TraceStore:
    """Traces of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine
        self._finder = TraceFinder(engine)

    async def one(self, project_id: ProjectId, trace_id: TraceId, *, whole: bool) -> Trace | None:
        found = await self._summaries(project_id, [trace_id], whole=whole)
        return found[0] if found else None

    async def page(self, project_id: ProjectId, query: TraceQuery) -> Page[Trace]:
        """Ids are found in slices of rows, traces read whole; one found where it only went on is left out there."""
        wanted = query.offset + query.limit + 1
        misplaced: set[TraceId] = set()
        while True:
            places = await self._finder.find(project_id, query, wanted + len(misplaced))
            places = [place for place in places if place.id not in misplaced]
            chosen = places[query.offset : query.offset + query.limit]
            summaries = await self._summaries(project_id, [place.id for place in chosen], whole=query.whole)
            traces = {trace.id: trace for trace in summaries}
            late = {place.id for place in chosen if place.id in traces and traces[place.id].timestamp < place.timestamp}
            if not late:
                break
            misplaced |= late
        total = await self._finder.count(project_id, query) if query.counted else None
        shown = [traces[place.id] for place in chosen if place.id in traces]
        return Page(shown, total=total, more=len(places) >= wanted)

    async def _summaries(self, project_id: ProjectId, trace_ids: Sequence[TraceId], *, whole: bool) -> list[Trace]:
        if not trace_ids:
            return []
        extent = await self._extent(project_id, trace_ids)
        if extent is None:
            return []
        where = Conditions(project_id)
        where.add("start_time >=", TIME, extent[0])
        where.add("start_time <=", TIME, extent[1])
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        suffix = "" if whole else "_preview"
        texts = [f"{kind}{side}{suffix}" for kind in ("", "trace_") for side in ("input", "output")]
        fields = ", ".join(f"{sql} AS f_{name}" for name, sql in AGGREGATES.items())
        sql = (
            f"SELECT trace_id, {fields}, {text_aggregate('input' + suffix)} AS f_input, "
            f"{text_aggregate('output' + suffix)} AS f_output "
            f"FROM ({newest(COLUMNS, str(where), texts)}) GROUP BY trace_id"
        )
        rows = await self._engine.query(sql, where.params)
        return [trace_of({key.removeprefix("f_"): value for key, value in row.items()}, project_id) for row in rows]

    async def _extent(self, project_id: ProjectId, trace_ids: Sequence[TraceId]) -> tuple[datetime, datetime] | None:
        """From the first to the last row of these traces; reading their other columns is then a matter of few rows."""
        where = Conditions(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        sql = (
            f"SELECT count() AS rows, min(start_time) AS first, max(start_time) AS last FROM observations WHERE {where}"
        )
        [row] = await self._engine.query(sql, where.params)
        return (moment(row["first"]), moment(row["last"])) if row["rows"] else None
