"""Log records and the spans they belong to, which come apart and in either order."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import inf
from time import monotonic

import structlog

from sightline.server.tracing.actions.legacy import Keep, Record
from sightline.server.tracing.actions.turns import Turns
from sightline.server.tracing.logs import StandIn, span_changes, with_messages
from sightline.server.tracing.logs.merging import SpanKey
from sightline.server.tracing.merging import Change
from sightline.server.tracing.records import Observation, ProjectId
from sightline.server.tracing.store import ChangeStore, ObservationStore
from sightline.server.tracing.store.logged import LoggedStore

log = structlog.get_logger()

SETTLE_AFTER_S = 30.0
"""Delay of the second merge: exporters send the spans and log records of a call within seconds of its end."""
SETTLE_EVERY_S = 5.0
"""Interval of the background pass."""
ACTIVE_S = 3600.0
"""Records that waited for their spans when a process ended came at most so long before the last thing it stored."""
MOST_WAITING = 20_000
"""Capacity of the queue of spans to look at again."""
LOOKED_FOR_S = 5.0
"""TTL of the cached answer "this project has no log records": another process may store its first."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What is read and written."""

    logged: LoggedStore
    changes: ChangeStore
    observations: ObservationStore
    keep: Keep
    store: Record


class SpanLogs:
    """Merges records into stored spans, and stored records into new spans.

    Each side writes before it reads, so of a span and a record that race, at least one sees the other. A later pass
    reads again (eventual consistency): concurrent writes of other processes are merged then, and records without a
    span get a placeholder observation. `start()` and `stop()` run that pass.
    """

    def __init__(self, rows: Rows, turn: Callable[[ProjectId], asyncio.Lock]) -> None:
        """`turn` is the lock for every read-modify-write of a project's observations."""
        self._rows = rows
        self._turn = turn
        self._turns = Turns()
        self._looked: dict[ProjectId, tuple[bool, float]] = {}
        self._waiting: dict[tuple[ProjectId, SpanKey], float] = {}
        self._task: asyncio.Task[None] | None = None

    async def take(self, project_id: ProjectId, messages: Sequence[Change]) -> None:
        """Keep the records, and store what they say of spans that are here."""
        if not messages:
            return
        span_ids = {change.subject_id for change in messages}
        async with self._turn(project_id), self._turns.of(project_id, span_ids):
            self._looked[project_id] = (True, inf)
            await self._rows.keep(project_id, messages)
            keys = set(span_changes(messages))
            missing = await self._merge_stored(project_id, keys)
            if len(self._waiting) + len(keys) > MOST_WAITING:
                await self._stand_in(project_id, missing)
                return
            due = monotonic() + SETTLE_AFTER_S
            self._waiting |= {(project_id, key): due for key in keys}

    async def complete(self, project_id: ProjectId, stored: Sequence[Observation]) -> None:
        """Merge kept log records into these spans, which were just stored."""
        if not stored or not await self._has_any(project_id):
            return
        spans = {(each.trace_id, each.id): each for each in stored}
        async with self._turns.of(project_id, {each.id for each in stored}):
            kept = await self._kept(project_id, spans)
            merged = {key: with_messages(spans[key], changes) for key, changes in kept.items()}
            await self._rows.store(project_id, [each for key, each in merged.items() if each != spans[key]])

    async def open(self, newest_version: int) -> None:
        """Look once more at the spans of records that waited when the last process ended, by its own clock."""
        recent = max(0, newest_version - int((SETTLE_AFTER_S + ACTIVE_S) * 1e9))
        due = monotonic() + SETTLE_AFTER_S
        for project_id, trace_id, span_id in await self._rows.logged.since(recent):
            self._waiting[project_id, (trace_id, span_id)] = due

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="log records without a span")

    async def stop(self) -> None:
        """Graceful shutdown: a final pass over everything queued, since the queue is in memory."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.settle(until=inf)

    async def settle(self, *, until: float) -> None:
        """Second merge of the records that are due by `until`, in seconds of the monotonic clock."""
        due: dict[ProjectId, list[SpanKey]] = defaultdict(list)
        for waiting, moment in list(self._waiting.items()):
            if moment <= until:
                del self._waiting[waiting]
                due[waiting[0]].append(waiting[1])
        for project_id, keys in due.items():
            async with self._turn(project_id), self._turns.of(project_id, {span_id for _, span_id in keys}):
                await self._stand_in(project_id, await self._merge_stored(project_id, keys))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            try:
                await self.settle(until=monotonic())
            except Exception:
                log.exception("log records of some spans could not be merged into them")

    async def _has_any(self, project_id: ProjectId) -> bool:
        found, until = self._looked.get(project_id, (False, 0.0))
        if not found and until <= monotonic():
            found = await self._rows.logged.has_any(project_id)
            # Records may have arrived during the query.
            found = found or self._looked.get(project_id, (False, 0.0))[0]
            self._looked[project_id] = (found, inf if found else monotonic() + LOOKED_FOR_S)
        return found

    async def _kept(self, project_id: ProjectId, keys: Collection[SpanKey]) -> dict[SpanKey, list[Change]]:
        by_id = await self._rows.changes.of(project_id, "span", {span_id for _, span_id in keys})
        found = span_changes(change for changes in by_id.values() for change in changes)
        return {key: changes for key, changes in found.items() if key in keys}

    async def _merge_stored(self, project_id: ProjectId, keys: Collection[SpanKey]) -> list[SpanKey]:
        """Store the spans that are here with all their records; which are not here?"""
        kept = await self._kept(project_id, keys)
        rows = await self._rows.observations.newest(project_id, {span_id for _, span_id in keys})
        spans = {(row.trace_id, row.id): row for row in rows if (row.trace_id, row.id) in kept}
        merged = [_merged(row, kept[key]) for key, row in spans.items()]
        changed = [after for after, before in zip(merged, spans.values(), strict=True) if after != before]
        await self._rows.store(project_id, changed)
        return [key for key in kept if key not in spans]

    async def _stand_in(self, project_id: ProjectId, missing: Sequence[SpanKey]) -> None:
        if not missing:
            return
        kept = await self._kept(project_id, missing)
        made = [StandIn.of(project_id, changes) for changes in kept.values()]
        await self._rows.keep(project_id, [each.noted() for each in made])
        await self._rows.store(project_id, [each.observation for each in made])


def _merged(row: Observation, kept: Sequence[Change]) -> Observation:
    start: datetime | None = StandIn.start(kept)
    if start is not None and row.start_time == start:
        return StandIn.of(row.project_id, kept).observation
    return with_messages(row, kept)
