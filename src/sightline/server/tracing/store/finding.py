# ruff: noqa: S608  (statements are composed of our own text; every value travels as a parameter)
"""Finding the traces of a page without reading them all.

The newest traces of a project are among those that the newest rows belong to. A slice of rows from some time on holds a
row of every trace that began in it, so of its traces those that began in it are in their final order; only when they
are fewer than wanted the next, larger slice is read. With filters the rows are the newest that hold the rarest one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.records import ProjectId, TraceId, TraceQuery
from sightline.server.tracing.store.conditions import Conditions
from sightline.server.tracing.store.matching import (
    TICK,
    TIME,
    Found,
    Span,
    filters_of,
    latest,
    matching_traces,
    span_of,
)
from sightline.server.tracing.store.rows import moment
from sightline.server.tracing.store.slices import GROWTH as SLICE_GROWTH
from sightline.server.tracing.store.slices import Slices, Slicing

SLICE_ROWS = 2_000
FILTERED_ROWS, SEARCHED_ROWS = 14, 1.25
"""Rows looked for at first for each trace that is wanted; texts take longer to look through."""
LOOKED_UP, MARGIN, SLICE_MARGIN, SPARSE_MARGIN = 1.25, 1.5, 4.0, 2.0
"""Traces looked up at first for each that is wanted; later so many times as would have been enough. Slices grow by a
larger margin: a longer one costs little, another one a look-up. That of one which held too few is between: nothing was
looked up."""
MOST_LOOKED_UP = 50
MOST_GROWTH = 64.0
"""Of a slice, where a whole one told how many traces it holds."""
GROWTH = 8
"""Of the rows of a slice, where nothing is known of how many it takes."""
MOST_ROWS = 100_000
"""Beyond it the engine does better by itself."""


@dataclass(frozen=True)
class Place:
    """A trace, and when it began as far as the slice that it was found in tells."""

    id: TraceId
    timestamp: datetime
    rows: int
    """Newest rows of it in that slice."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Rows from some time on."""

    edge: datetime | None
    """From when on they are all there; None when they are in the whole span."""
    found: Found | None = None
    """Those that hold a filter, newest first, or None when it is all of them."""
    times: Sequence[datetime] = ()
    """When each of those begins."""

    @property
    def traces(self) -> int:
        """How many they belong to, as far as they are listed."""
        return len({trace_id for trace_id, _, _ in self.found.rows}) if self.found else 0

    def may_hold(self, wanted: int) -> bool:
        """Whether so many traces can be among them."""
        return self.found is None or self.traces >= wanted

    def newest(self, traces: int) -> "Slice":
        """The slice that has the rows of so many traces: more are rarely wanted, and each costs a look-up."""
        seen: set[str] = set()
        for place, (trace_id, _, _) in enumerate(self.found.rows if self.found else ()):
            seen.add(trace_id)
            if self.found and len(seen) > traces:
                kept = Found(self.found.filter, self.found.rows[:place])
                return Slice(self.times[place] + TICK, kept, self.times[:place])
        return self


@dataclass
class Looking:
    """How far a search looks, by what it has found so far."""

    wanted: int
    rows: int
    """Of the rarest filter, at most."""
    in_few_rows: bool
    """Whether to look through them takes less than to understand how to find them by each index."""
    rare: bool = False
    """Whether the last slice held none."""
    share: float = LOOKED_UP
    """Traces looked up at first for each that is wanted."""
    growth: float = SLICE_GROWTH
    """How many times as long the next slice is."""

    @property
    def traces(self) -> int:
        return int(self.wanted * self.share)

    def learn(self, part: Slice, matching: int) -> None:
        """Of the traces in a part so many match."""
        if part.found and part.found.rows:
            self.share = min(max(MARGIN * part.traces / max(matching, 1), LOOKED_UP), MOST_LOOKED_UP)
            self.growth = min(SLICE_MARGIN * self.wanted / max(matching, 1), SLICE_GROWTH)
            self.rows = max(self.rows, self.traces * len(part.found.rows) // part.traces)

    def expect(self, part: Slice) -> None:
        """The present slice is known whole, and holds rows of fewer traces than are wanted."""
        if part.traces and part.edge is None:
            self.growth = min(SPARSE_MARGIN * self.wanted / part.traces, MOST_GROWTH)


class TraceFinder:
    """Ids of matching traces, in order."""

    def __init__(self, engine: ObservationsEngine) -> None:
        self._engine = engine
        self._slicing = Slicing(engine)

    async def find(self, project_id: ProjectId, query: TraceQuery, wanted: int) -> list[Place]:
        """The first `wanted` traces in the order asked for.

        Of the newest, one that began before its slice may stand where it went on: it is known by its earlier timestamp.
        """
        span = span_of(query)
        if query.order_by != "timestamp" or query.ascending:
            return await self._began_in(project_id, query, span, wanted)
        filtered = any(each.ways for each in filters_of(Conditions(project_id), query))
        limit = int(wanted * (SEARCHED_ROWS if query.search else FILTERED_ROWS)) if filtered else SLICE_ROWS
        looking = Looking(wanted, limit, in_few_rows=filtered)
        slices = await self._slicing.of(project_id, span) if filtered else Slices(span[0])
        while looking.rows <= MOST_ROWS:
            places = await self._newest_since(project_id, query, span, slices.low, looking)
            if places is not None:
                return places
            if looking.rare:  # Not among the newest rows: the indexes tell where it is, if anywhere.
                slices.grow_whole()
            else:
                slices.grow(looking.growth)
            looking.in_few_rows = False
        return await self._began_in(project_id, query, span, wanted)

    async def _newest_since(
        self, project_id: ProjectId, query: TraceQuery, span: Span, low: datetime, looking: Looking
    ) -> list[Place] | None:
        """The first traces of the span, or None where rows since `low` do not tell."""
        while looking.rows <= MOST_ROWS:
            limit = looking.rows
            rows = await self._rarest(project_id, query, (low, span[1]), looking)
            looking.rare = rows.found is not None and not rows.found.rows
            for part in dict.fromkeys((rows.newest(looking.traces), rows)):
                whole = part.edge is None and low == span[0]
                if not whole and not part.may_hold(looking.wanted):
                    looking.expect(part)
                    continue
                places = await self._began_in(project_id, query, (part.edge or low, span[1]), looking.wanted, part)
                if whole or len(places) >= looking.wanted:
                    return places
                looking.learn(part, len(places))
            if rows.edge is None:
                return None
            learned = looking.rows > limit
            looking.rows = max(looking.rows, 2 * limit) if learned else limit * GROWTH
        return None

    async def count(self, project_id: ProjectId, query: TraceQuery) -> int:
        """How many traces match; without filters those that began in the window or go on in it."""
        where = Conditions(project_id)
        query = replace(query, before=None)
        if filters_of(where, query):
            sql = f"SELECT count() AS total FROM ({matching_traces(where, query, span_of(query))})"
        else:
            where = Conditions(project_id)
            where.add_window(query.window, "start_time")
            sql = f"SELECT uniqExact(trace_id) AS total FROM observations WHERE {where}"
        rows = await self._engine.query(sql, where.params)
        return int(rows[0]["total"])

    async def _began_in(
        self, project_id: ProjectId, query: TraceQuery, span: Span, wanted: int, rows: Slice | None = None
    ) -> list[Place]:
        where = Conditions(project_id)
        if rows:
            matching = matching_traces(where, query, span, found=rows.found, before=timedelta(0))
        else:
            matching = matching_traces(where, query, span)
        direction = "ASC" if query.ascending else "DESC"
        order = f"ordered {direction}, timestamp {direction}, trace_id {direction}"
        sql = f"SELECT trace_id, timestamp, rows FROM ({matching}) ORDER BY {order} LIMIT {int(wanted)}"
        answer = await self._engine.query(sql, where.params)
        return [Place(TraceId(row["trace_id"]), moment(row["timestamp"]), row["rows"]) for row in answer]

    async def _rarest(self, project_id: ProjectId, query: TraceQuery, span: Span, looking: Looking) -> Slice:
        """The slice of the rarest filter, which reaches back the farthest; without filters the newest rows' slice."""
        where = Conditions(project_id)
        where.add("start_time >=", TIME, span[0])
        where.add("start_time <", TIME, latest(span[1]))
        rarest: Slice | None = None
        for place, each in enumerate(filters_of(where, query)):
            if not each.ways:
                continue
            ways = each.joined if looking.in_few_rows else each.ways
            rows = await self._newest_rows(where, place, ways, looking.rows)
            if rarest is None or rows.edge is None or (rarest.edge and rows.edge < rarest.edge):
                rarest = rows
            if rows.edge is None:
                break
        return rarest or Slice(await self._edge(where, looking.rows))

    async def _newest_rows(self, where: Conditions, place: int, ways: Sequence[str], limit: int) -> Slice:
        """The newest rows that hold the filter at this place, and the time from which on none is left out."""
        columns = "trace_id, id, row_version, start_time"
        sql = " UNION ALL ".join(
            f"(SELECT {way} AS way, {columns} FROM observations WHERE {where} AND ({condition}) "
            f"ORDER BY start_time DESC LIMIT {int(limit)})"
            for way, condition in enumerate(ways)
        )
        rows = await self._engine.query(sql, where.params)
        rows.sort(key=lambda row: row["start_time"], reverse=True)
        times = [moment(row["start_time"]) for row in rows]
        full = {way for way, count in Counter(row["way"] for row in rows).items() if count == limit}
        lasts = {row["way"]: time for row, time in zip(rows, times, strict=True) if row["way"] in full}
        edge = max(lasts.values()) + TICK if lasts else None
        return Slice(edge, Found(place, [(row["trace_id"], row["id"], row["row_version"]) for row in rows]), times)

    async def _edge(self, where: Conditions, limit: int) -> datetime | None:
        sql = f"SELECT start_time FROM observations WHERE {where} ORDER BY start_time DESC LIMIT 1 OFFSET {int(limit)}"
        answer = await self._engine.query(sql, where.params)
        return moment(answer[0]["start_time"]) if answer else None
