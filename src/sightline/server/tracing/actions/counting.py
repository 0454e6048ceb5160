"""Token counts of observations whose client reported none: computed asynchronously, off the ingestion path."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic

import structlog

from sightline.server.pricing.actions import Prices
from sightline.server.pricing.counting import counted, encoding_of
from sightline.server.pricing.records import Metered, Model
from sightline.server.tracing.actions.legacy import LegacyIngestion
from sightline.server.tracing.mapping.values import json_text
from sightline.server.tracing.metering import CALLS
from sightline.server.tracing.records import Kind, Level, Observation, ObservationId, ProjectId, TraceId
from sightline.server.tracing.store import ObservationStore

log = structlog.get_logger()

DELAY_S = 5.0
"""Delay before counting: clients that report usage in an update do it soon after."""
LAST_S = 3.0
"""Deadline of the final pass at shutdown."""
INBOX = 20_000
"""Capacity of the queue; beyond it new observations are dropped."""
BATCH = 500
"""Observations per batch."""
MARK = "sightline.counted_usage"
"""The key of metadata that says what was counted here, and how."""

Record = Callable[[ProjectId, Sequence[Observation]], Awaitable[None]]


@dataclass(frozen=True)
class Waiting:
    due: float
    project_id: ProjectId
    trace_id: TraceId
    id: ObservationId


class TokenCounting:
    """`start()` and `stop()`. A best-effort job: a full queue drops what is new (load shedding)."""

    def __init__(self, prices: Prices, observations: ObservationStore, legacy: LegacyIngestion, record: Record) -> None:
        self._prices = prices
        self._observations = observations
        self._legacy = legacy
        self._record = record
        self._inbox: deque[Waiting] = deque()
        self._full = False
        self._task: asyncio.Task[None] | None = None

    def offer(self, project_id: ProjectId, observations: Sequence[Observation]) -> None:
        """Enqueue those that lack usage; never blocks."""
        due = monotonic() + DELAY_S
        for each in observations:
            if each.model_id is not None and _lacks_usage(each):
                if len(self._inbox) >= INBOX:
                    self._forget()
                    return
                self._inbox.append(Waiting(due, project_id, each.trace_id, each.id))

    def _forget(self) -> None:
        """Log the drop once until there is room again (rate-limited logging)."""
        if not self._full:
            log.warning("tokens of some observations are not counted: too many wait already", waiting=INBOX)
        self._full = True

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="counting tokens")

    async def stop(self) -> None:
        """Graceful shutdown: drain the queue until the deadline `LAST_S`."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(TimeoutError):
            await asyncio.wait_for(self.count(), LAST_S)

    async def count(self, *, until: float | None = None) -> None:
        """Count everything queued, or what is due by `until`, in seconds of the monotonic clock."""
        while self._inbox and (until is None or self._inbox[0].due <= until):
            taken = [self._inbox.popleft() for _ in range(min(BATCH, len(self._inbox)))]
            late = [each for each in taken if until is not None and each.due > until]
            self._inbox.extendleft(reversed(late))
            self._full = False
            by_project: dict[ProjectId, list[Waiting]] = defaultdict(list)
            for each in taken[: len(taken) - len(late)]:
                by_project[each.project_id].append(each)
            for project_id, waiting in by_project.items():
                await self._count(project_id, waiting)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                await self.count(until=monotonic())
            except Exception:
                log.exception("tokens of some observations could not be counted")

    async def _count(self, project_id: ProjectId, waiting: Sequence[Waiting]) -> None:
        """Read-modify-write under the project's lock: a concurrent update must not be lost."""
        wrappers = await self._observations.around_calls(project_id, {each.trace_id for each in waiting})
        places = {(each.trace_id, each.id) for each in waiting} - wrappers
        async with self._legacy.turn(project_id):
            rows = await self._observations.newest(project_id, {each.id for each in waiting})
            lacking = [row for row in rows if (row.trace_id, row.id) in places and row.model and _lacks_usage(row)]
            found = await self._prices.price(project_id, [_metered(row) for row in lacking])
            pairs = [(row, price.model) for row, price in zip(lacking, found, strict=True) if price]
            await self._record(project_id, await asyncio.to_thread(_all_counted, pairs))


def _lacks_usage(observation: Observation) -> bool:
    """Of calls of a model only: an agent around one may name its model too."""
    if observation.kind not in CALLS:
        return False
    return not (observation.usage or observation.cost_usd or observation.level is Level.ERROR)


def _metered(observation: Observation) -> Metered:
    return Metered(model=observation.model or "", start_time=observation.start_time, usage={})


def _all_counted(pairs: Sequence[tuple[Observation, Model]]) -> list[Observation]:
    return [done for row, model in pairs if (done := _counted(row, model)) is not None]


def _counted(observation: Observation, model: Model) -> Observation | None:
    if observation.kind is Kind.GENERATION and not observation.output:
        return None  # Half a call would be an estimate of neither; a stream's first span is told again when it ends.
    encoding = encoding_of(model, observation.model or "")
    usage = counted(model, encoding, observation.input, observation.output) if encoding else None
    if usage is None:
        return None
    mark = {MARK: json_text({**usage, "encoding": encoding})}
    return replace(observation, usage=usage, metadata={**observation.metadata, **mark})
