"""Events of the older JSON ingestion become the same rows that spans become."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from sightline.server.runtime.versions import Versions
from sightline.server.tracing.merging import (
    Change,
    after_the_future,
    in_order,
    merged_observation,
    merged_trace,
    stored_before,
    trace_of_changes,
    trace_row_id,
)
from sightline.server.tracing.records import Observation, ObservationId, ProjectId, TraceId
from sightline.server.tracing.store import ChangeStore, ObservationStore

Keep = Callable[[ProjectId, Sequence[Change]], Awaitable[None]]
Record = Callable[[ProjectId, Sequence[Observation]], Awaitable[None]]


class LegacyIngestion:
    """Merges changes over stored rows. A read-modify-write, so serialised per project by a lock."""

    def __init__(
        self,
        changes: ChangeStore,
        observations: ObservationStore,
        keep: Keep,
        record: Record,
        versions: Versions,
    ) -> None:
        self._changes = changes
        self._observations = observations
        self._keep = keep
        self._record = record
        self._versions = versions
        self._turns: dict[ProjectId, asyncio.Lock] = {}

    def turn(self, project_id: ProjectId) -> asyncio.Lock:
        """The lock of a project, for every read-modify-write of its observations."""
        return self._turns.setdefault(project_id, asyncio.Lock())

    async def apply(self, project_id: ProjectId, changes: Sequence[Change]) -> None:
        """Append the changes to the event log and upsert the rows that all events add up to."""
        if not changes:
            return
        async with self.turn(project_id):
            changes = await self._placed(project_id, changes)
            await self._keep(project_id, changes)
            traces = await self._merged_traces(project_id, changes)
            observations, moved = await self._merged_observations(project_id, changes, traces)
            await self._record(project_id, [*traces.values(), *observations])
            await self._observations.delete_from_trace(project_id, moved)

    async def _placed(self, project_id: ProjectId, changes: Sequence[Change]) -> Sequence[Change]:
        """Changes with times after those of kept ones that lie in the future: a wrong clock dated those."""
        if not self._versions.may_be_ahead:
            return changes
        placed = list(changes)
        for subject in sorted({change.subject for change in changes}):
            ids = {change.subject_id for change in placed if change.subject == subject}
            placed = after_the_future(placed, subject, await self._changes.of(project_id, subject, ids))
        return placed

    async def _merged_traces(self, project_id: ProjectId, changes: Sequence[Change]) -> dict[TraceId, Observation]:
        ids = {TraceId(change.subject_id) for change in changes if change.subject == "trace"}
        kept = await self._changes.of(project_id, "trace", ids)
        known = await self._trace_rows(project_id, ids)
        return {each: merged_trace(project_id, known.get(each), in_order(kept[each])) for each in sorted(ids)}

    async def _merged_observations(
        self, project_id: ProjectId, changes: Sequence[Change], traces: Mapping[TraceId, Observation]
    ) -> tuple[list[Observation], list[Observation]]:
        """Observations after their changes, and the stored ones among them that were in another trace."""
        ids = {ObservationId(change.subject_id) for change in changes if change.subject == "observation"}
        kept = {key: in_order(each) for key, each in (await self._changes.of(project_id, "observation", ids)).items()}
        stored: dict[str, list[Observation]] = defaultdict(list)
        for row in await self._observations.newest(project_id, ids):
            stored[row.id].append(row)
        known = {key: stored_before(kept[key], stored[key]) for key in ids}
        trace_ids = {trace_of_changes(kept[key], known[key]) for key in ids}
        rows = await self._trace_rows(project_id, trace_ids - set(traces)) | dict(traces)
        merged = [merged_observation(project_id, known[key], kept[key], rows) for key in sorted(ids)]
        moved = [base for after in merged if (base := known[after.id]) and base.trace_id != after.trace_id]
        return merged, moved

    async def _trace_rows(self, project_id: ProjectId, trace_ids: Collection[TraceId]) -> dict[TraceId, Observation]:
        rows = await self._observations.newest(project_id, {trace_row_id(each) for each in trace_ids})
        return {row.trace_id: row for row in rows if row.stands_for_trace}
