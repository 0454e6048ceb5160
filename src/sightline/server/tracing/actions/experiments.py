"""Experiments as spans tell them; `evals` joins them with the runs that clients file item by item."""

from collections.abc import Sequence
from dataclasses import replace

from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions.indexing import TraceIndex
from sightline.server.tracing.records import (
    Experiment,
    ExperimentQuery,
    Observation,
    ObservationId,
    Page,
    ProjectId,
    TracedItem,
    TraceId,
    Window,
)
from sightline.server.tracing.store import ExperimentStore

ALWAYS = Window()
"""An unbounded window."""
STEP = 1_000
"""Page size when all experiments of a dataset are read."""


class TracedExperiments:
    """Every method is scoped to the project it is given."""

    def __init__(self, engine: ObservationsEngine, index: TraceIndex) -> None:
        self._store = ExperimentStore(engine)
        self._index = index

    async def page(self, project_id: ProjectId, query: ExperimentQuery) -> Page[Experiment]:
        """By latest activity."""
        await self._index.settled(project_id)
        return await self._store.page(project_id, query)

    async def of_dataset(self, project_id: ProjectId, dataset_id: str) -> list[Experiment]:
        """All of them, by latest activity."""
        await self._index.settled(project_id)
        found: list[Experiment] = []
        query = ExperimentQuery(dataset_ids=(dataset_id,), limit=STEP)
        while True:
            before = (found[-1].end_time, (found[-1].id,)) if found else None
            page = await self._store.page(project_id, replace(query, before=before))
            found += page.items
            if not page.more:
                return found

    async def items(self, project_id: ProjectId, query: ExperimentQuery) -> Page[Observation]:
        """The observations that stand for the items of experiments, newest first."""
        await self._index.settled(project_id)
        return await self._store.items(project_id, query)

    async def ran(
        self,
        project_id: ProjectId,
        experiment_ids: Sequence[str],
        *,
        window: Window = ALWAYS,
        trace_ids: Sequence[TraceId] = (),
    ) -> list[TracedItem]:
        """Which items these experiments ran, all of them or those of some traces, newest first."""
        await self._index.settled(project_id)
        return await self._store.ran(project_id, experiment_ids, window, trace_ids)

    async def of_traces(
        self, project_id: ProjectId, trace_ids: Sequence[TraceId], ids: Sequence[ObservationId]
    ) -> list[Observation]:
        """The roots of these traces, rows that stand for traces too, and their observations of these ids; by start."""
        await self._index.settled(project_id)
        return await self._store.of_traces(project_id, trace_ids, ids)

    async def forget(self, project_id: ProjectId, experiment_ids: Sequence[str]) -> None:
        """Take these experiments off their spans, which stay, and delete the scores on them as a whole."""
        await self._store.forget(project_id, experiment_ids)
