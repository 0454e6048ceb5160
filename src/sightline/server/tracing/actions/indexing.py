"""Keeping the index of traces: what was recorded is indexed a moment later, and before anything reads the index.

Ingestion does not wait for it: rows are collected by trace in memory and indexed every second or so. A read first
indexes what its project has waiting, so whatever was acknowledged is found. On a database that other server processes
write to as well, a batch is indexed before it is acknowledged. After a crash the rows tell what was not indexed yet.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog

from sightline.server.runtime.errors import SightlineError
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.runtime.writer import Row, SpanWriter
from sightline.server.tracing.actions.counted import CountedOnce
from sightline.server.tracing.records import Observation, ProjectId, TraceId
from sightline.server.tracing.store.index import (
    Place,
    Span,
    TraceIndexStore,
    filled_row,
    index_row,
    tombstone,
)
from sightline.server.tracing.store.previews import preview
from sightline.server.tracing.store.rows import moment
from sightline.server.tracing.store.traces import TraceSource

log = structlog.get_logger()

EVERY_S = 1.0
"""How long rows wait to be indexed when nobody reads them."""
BUSY_SHARE = 30
"""Indexing in the background pauses so many times as long as it took: it must not take ingestion's time."""
MOST_PAUSE_S = 20.0
CHUNK = 2_000
"""Traces indexed by one statement."""
GAP = timedelta(hours=1)
"""Traces farther apart are read by statements of their own: each reads the rows between its first and last."""
MARGIN_NS = 60 * 1_000_000_000
"""Rows that were not indexed at a crash are at most so much older than the newest that was."""

Waiting = dict[TraceId, Span]
Act = Callable[[], Awaitable[None]]


class TraceIndex:
    """`await open()`, then `start()` and `await stop()`."""

    def __init__(self, engine: ObservationsEngine, writer: SpanWriter) -> None:
        self._store = TraceIndexStore(engine)
        self._counted = CountedOnce(self._store)
        self._writer = writer
        self._is_shared = engine.is_shared
        self._waiting: dict[ProjectId, Waiting] = defaultdict(dict)
        self._turns: dict[ProjectId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._task: asyncio.Task[None] | None = None
        self._filling: asyncio.Task[None] | None = None
        self._is_filled = True
        self.source = TraceSource(lambda: self._is_filled)
        """The index, or the rows it is made of as long as it does not have every trace of an older folder."""

    async def open(self) -> None:
        """Find what a crash left unindexed, or that the folder is older than the index."""
        if not await self._store.is_filled() and not await self._store.has_observations():
            await self._writer.write([filled_row()])
        self._is_filled = await self._store.is_filled()
        if self._is_filled:
            for project_id, trace_id, span in await self._store.unindexed(MARGIN_NS):
                self._add(project_id, trace_id, span)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="index of traces")
        if not self._is_filled:
            self._filling = asyncio.create_task(self._fill(), name="filling the index of traces")

    async def stop(self) -> None:
        for task in (self._filling, self._task):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        for project_id in [*self._waiting]:
            await self.settled(project_id)

    async def note(self, project_id: ProjectId, observations: Sequence[Observation]) -> None:
        """Observations that were just stored; returns at once unless other processes read the same database."""
        waiting = self._waiting[project_id]
        for observation in observations:
            start = observation.start_time
            first, last = waiting.get(observation.trace_id, (start, start))
            waiting[observation.trace_id] = (min(first, start), max(last, start))
        if self._is_shared:
            await self.settled(project_id)

    async def settled(self, project_id: ProjectId) -> None:
        """Return once everything that was noted of a project is indexed. A failure is logged: reads go on."""
        if not (self._waiting.get(project_id) or self._turns[project_id].locked()):
            return  # While a turn is held its traces wait no more, but are not indexed yet.
        try:
            await self._settle(project_id)
        except Exception:  # Whatever it is: reads answer with what is indexed, and the next one tries again.
            log.exception("traces could not be indexed", project_id=project_id)

    async def forget(self, project_id: ProjectId, trace_ids: Sequence[TraceId], act: Act) -> None:
        """Delete the rows of traces by `act`, and then the traces from the index.

        Calls that they shared with other traces count there now.
        """
        async with self._turns[project_id]:
            waiting = self._waiting[project_id]
            spans = {trace_id: waiting.pop(trace_id, None) for trace_id in trace_ids}
            places = await self._store.places(project_id, trace_ids)
            others = await self._sharing(project_id, spans, places)
            await act()
            await self._store.delete(project_id, trace_ids)
            await self._index(project_id, {each: _of(place) for each, place in others.items()})

    async def cut(self, project_id: ProjectId, before: datetime, act: Act) -> None:
        """Delete what is older than a time by `act`, the index included; what goes on afterwards is indexed anew."""
        async with self._turns[project_id]:
            cut = await self._store.begun_before(project_id, before)
            await act()
            await self._store.delete_before(project_id, before)
            for chunk in _chunks(dict(cut)):
                await self._index(project_id, chunk)

    async def _sharing(
        self, project_id: ProjectId, spans: Mapping[TraceId, Span | None], places: Mapping[TraceId, Place]
    ) -> dict[TraceId, Place]:
        """The other traces that report a call of these."""
        times = [each for span in spans.values() if span for each in span]
        times += [each for place in places.values() for each in (place.timestamp, place.last_start)]
        if not times:
            return {}
        shared = await self._store.calls_elsewhere(project_id, [*spans], (min(times), max(times)))
        return await self._store.places(project_id, shared.keys() - spans.keys()) if shared else {}

    def _add(self, project_id: ProjectId, trace_id: TraceId, span: Span) -> None:
        waiting = self._waiting[project_id]
        known = waiting.get(trace_id)
        waiting[trace_id] = span if known is None else _joined(known, span)

    async def _run(self) -> None:
        pause_s = EVERY_S
        while True:
            await asyncio.sleep(pause_s)
            began = monotonic()
            for project_id in [*self._waiting]:
                await self.settled(project_id)
            pause_s = min(max(EVERY_S, BUSY_SHARE * (monotonic() - began)), MOST_PAUSE_S)

    async def _fill(self) -> None:
        """Index an older folder day by day, the latest first; after a restart it goes on where it was."""
        try:
            long = await self._store.over_several_days()
            for day in await self._store.days():
                found: dict[ProjectId, Waiting] = defaultdict(dict)
                for project_id, trace_id, span in await self._store.unindexed_on(day):
                    found[project_id][trace_id] = long.get((project_id, trace_id), span)
                for project_id, waiting in found.items():
                    for chunk in _chunks(waiting):
                        async with self._turns[project_id]:  # Chunk by chunk: reads wait for their turn.
                            await self._index(project_id, chunk)
            await self._writer.write([filled_row()])
            self._is_filled = True
            log.info("the index of traces is complete")
        except SightlineError:
            log.exception("the index of traces could not be filled: lists are made from rows until a restart")

    async def _settle(self, project_id: ProjectId) -> None:
        async with self._turns[project_id]:
            waiting = self._waiting.pop(project_id, {})
            try:
                for chunk in [*_chunks(waiting)]:
                    others = await self._index(project_id, chunk)
                    await self._index(project_id, others)
                    for trace_id in chunk:
                        waiting.pop(trace_id, None)
            finally:
                for trace_id, span in waiting.items():
                    self._add(project_id, trace_id, span)

    async def _index(self, project_id: ProjectId, chunk: Mapping[TraceId, Span]) -> Waiting:
        """Make the rows of these traces in the index anew; returns those that share a call with them."""
        if not chunk:
            return {}
        others: Waiting = {}
        places = await self._store.places(project_id, chunk)
        spans = {trace_id: _reach(span, places.get(trace_id)) for trace_id, span in chunk.items()}
        if not self._is_filled and (new := chunk.keys() - places.keys()):
            # Of a folder that is being filled: older rows of the trace may be anywhere.
            spans |= await self._store.reach(project_id, new)
        for ids in _near(spans):
            span = _around(spans[each] for each in ids)
            summaries = await self._store.summaries(project_id, ids, span)
            moved = [each for each in ids if each in summaries and summaries[each]["moved"]]
            if moved:
                await self._store.bury(project_id, moved, span)
                summaries |= await self._store.summaries(project_id, moved, span)
            sharing = await self._counted.apply(project_id, summaries, span)
            summaries = await self._with_texts(project_id, summaries, span)
            await self._writer.write([*_rows(project_id, ids, summaries, places)])
            for trace_id, place in (await self._store.places(project_id, sharing) if sharing else {}).items():
                others[trace_id] = _of(place)
        return others

    async def _with_texts(
        self, project_id: ProjectId, summaries: Mapping[TraceId, dict[str, Any]], span: Span
    ) -> dict[TraceId, dict[str, Any]]:
        """A trace whose root says nothing shows what its first model call was asked, and what its last one answered."""
        found = dict(summaries)
        sides = (("input", "first_call", "user"), ("output", "last_call", "assistant"))
        for column, call, role in sides:
            silent = {
                trace_id: summary[call]
                for trace_id, summary in summaries.items()
                if summary[call] and not summary[f"{column}_preview"]
            }
            if silent:
                texts = await self._store.texts(project_id, column, silent.items(), span)
                for trace_id, text in texts.items():
                    found[trace_id] = found[trace_id] | {f"{column}_preview": preview(text, wanted=role)}  # type: ignore[arg-type]
        return found


def _rows(
    project_id: ProjectId,
    trace_ids: Sequence[TraceId],
    summaries: Mapping[TraceId, Mapping[str, Any]],
    places: Mapping[TraceId, Place],
) -> Iterator[Row]:
    for trace_id in trace_ids:
        summary, place = summaries.get(trace_id), places.get(trace_id)
        if place and (summary is None or moment(summary["timestamp"]) != place.timestamp):
            yield tombstone(project_id, trace_id, place)
        if summary:
            version = max(summary["row_version"], place.row_version + 1 if place else 0)
            yield index_row(project_id, summary, version)


def _joined(one: Span, other: Span) -> Span:
    return min(one[0], other[0]), max(one[1], other[1])


def _of(place: Place) -> Span:
    return place.timestamp, place.last_start


def _reach(span: Span, place: Place | None) -> Span:
    return _joined(span, _of(place)) if place else span


def _around(spans: Iterator[Span]) -> Span:
    firsts, lasts = zip(*spans, strict=True)
    return min(firsts), max(lasts)


def _chunks(waiting: Waiting) -> Iterator[Waiting]:
    traces = sorted(waiting.items(), key=lambda each: each[1])
    for begin in range(0, len(traces), CHUNK):
        yield dict(traces[begin : begin + CHUNK])


def _near(spans: Mapping[TraceId, Span]) -> Iterator[list[TraceId]]:
    """Groups of traces that begin within `GAP` of each other."""
    group: list[TraceId] = []
    last = None
    for trace_id in sorted(spans, key=lambda each: spans[each]):
        if last is not None and spans[trace_id][0] - last > GAP:
            yield group
            group = []
        group.append(trace_id)
        last = spans[trace_id][0]
    if group:
        yield group
