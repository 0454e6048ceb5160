# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Reading traces: aggregations of observation rows."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import Observation, Page, ProjectId, Trace, TraceId, TraceQuery
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.finding import Place, TraceFinder
from sightline.server.tracing.store.matching import TIME, newest
from sightline.server.tracing.store.rows import OUTLINE, TRACE_ROW, WIDE, observation_of
from sightline.server.tracing.store.summaries import (
    AGGREGATES,
    COLUMNS,
    PREVIEW,
    ROOT_METADATA,
    ROOT_METADATA_AGGREGATE,
    summed,
    text_aggregate,
    trace_of,
)

SUMMED_HERE = 5_000
"""Rows at most that are added up in Python."""


class TraceStore:
    """Traces of the analytics engine."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine
        self._finder = TraceFinder(engine)

    async def one(
        self, project_id: ProjectId, trace_id: TraceId, *, whole: bool
    ) -> tuple[Trace, list[Observation]] | None:
        """A trace and its observations by start; without `whole` with previews and without the observations' texts.

        Its observations are read anyway: adding them up here saves a second look for them.
        """
        where = Conditions(project_id, by_id=True)
        where.add("trace_id =", "String", trace_id)
        rows = await self._engine.query(
            newest(OUTLINE, str(where)) if not whole else newest(WIDE, str(where), [ROOT_METADATA]), where.params
        )
        if not rows:
            return None
        trace = trace_of(summed(rows, suffix=_suffix(whole)), project_id)
        observations = [observation_of(row) for row in rows if row["kind"] != TRACE_ROW]
        return trace, sorted(observations, key=lambda observation: (observation.start_time, observation.id))

    async def page(self, project_id: ProjectId, query: TraceQuery) -> Page[Trace]:
        """Ids are found in slices of rows, traces read whole; one found where it only went on is left out there."""
        wanted = query.offset + query.limit + 1
        misplaced: set[TraceId] = set()
        while True:
            places = await self._finder.find(project_id, query, wanted + len(misplaced))
            places = [place for place in places if place.id not in misplaced]
            chosen = places[query.offset : query.offset + query.limit]
            traces = await self._read(project_id, chosen, whole=query.whole)
            late = {place.id for place in chosen if place.id in traces and traces[place.id].timestamp < place.timestamp}
            if not late:
                break
            misplaced |= late
        total = await self._finder.count(project_id, query) if query.counted else None
        shown = [traces[place.id] for place in chosen if place.id in traces]
        return Page(shown, total=total, more=len(places) >= wanted)

    async def _read(self, project_id: ProjectId, places: Sequence[Place], *, whole: bool) -> dict[TraceId, Trace]:
        """Those traces, read from when they seem to begin; again from the beginning of time if one has earlier rows."""
        if not places:
            return {}
        ids, since = [place.id for place in places], min(place.timestamp for place in places)
        add_up = self._summed_here if sum(place.rows for place in places) <= SUMMED_HERE else self._summed_there
        earlier, traces = await asyncio.gather(
            self._any_before(project_id, ids, since), add_up(project_id, ids, whole=whole, since=since)
        )
        if earlier:
            traces = await self._summed_there(project_id, ids, whole=whole)
        return {trace.id: trace for trace in traces}

    async def _any_before(self, project_id: ProjectId, trace_ids: Sequence[TraceId], since: datetime) -> bool:
        where = Conditions(project_id, by_id=True)
        where.add("trace_id IN", "Array(String)", list(trace_ids))
        where.add("identity(start_time) <", TIME, since)
        sql = f"SELECT 1 AS found FROM observations WHERE {where} LIMIT 1"
        return bool(await self._engine.query(sql, where.params))

    async def _summed_here(
        self, project_id: ProjectId, trace_ids: Sequence[TraceId], *, whole: bool, since: datetime
    ) -> list[Trace]:
        """Of a few rows: for the engine to understand how to add them up takes longer than to add them up."""
        where = _of_traces(project_id, trace_ids, since)
        own = ", ".join(f"if(is_root, {text}, '') AS {text}" for text in _texts(whole)[:2])
        more = [own, *_texts(whole)[2:], *([ROOT_METADATA] if whole else [])]
        by_trace: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in await self._engine.query(newest(COLUMNS, str(where), more), where.params):
            by_trace[row["trace_id"]].append(row)
        return [trace_of(summed(rows, suffix=_suffix(whole)), project_id) for rows in by_trace.values()]

    async def _summed_there(
        self, project_id: ProjectId, trace_ids: Sequence[TraceId], *, whole: bool, since: datetime | None = None
    ) -> list[Trace]:
        where, suffix = _of_traces(project_id, trace_ids, since), _suffix(whole)
        aggregates = {**AGGREGATES, "root_metadata": ROOT_METADATA_AGGREGATE} if whole else AGGREGATES
        fields = ", ".join(f"{sql} AS f_{name}" for name, sql in aggregates.items())
        more = [*_texts(whole), *([ROOT_METADATA] if whole else [])]
        sql = (
            f"SELECT trace_id, {fields}, {text_aggregate('input' + suffix)} AS f_input, "
            f"{text_aggregate('output' + suffix)} AS f_output "
            f"FROM ({newest(COLUMNS, str(where), more)}) GROUP BY trace_id"
        )
        rows = await self._engine.query(sql, where.params)
        return [trace_of({key.removeprefix("f_"): value for key, value in row.items()}, project_id) for row in rows]


def _of_traces(project_id: ProjectId, trace_ids: Sequence[TraceId], since: datetime | None) -> Conditions:
    where = Conditions(project_id, by_id=since is None)
    where.add("start_time >=", TIME, since)
    where.add("trace_id IN", "Array(String)", list(trace_ids))
    return where


def _suffix(whole: bool) -> str:
    return "" if whole else PREVIEW


def _texts(whole: bool) -> list[str]:
    return [f"{kind}{side}{_suffix(whole)}" for kind in ("", "trace_") for side in ("input", "output")]
