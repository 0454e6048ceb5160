"""What a run is, and what it ran, whichever way it was told: filed item by item, or by spans. Pure functions.

A run of a dataset and an experiment over it are one thing. Its id is the one that Langfuse's clients derive from the
project, the dataset and the name, so that both ways lead to the same one.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import DatasetId, ItemId, Run, RunId, RunItem
from sightline.server.runtime.ids import digest_of
from sightline.server.tracing.records import ObservationId, TracedItem, TraceId

Ran = TypeVar("Ran", Run, RunItem)
ID_LENGTH = 16
"""Hex digits of an experiment's id, as clients cut it."""


def run_id_of(project_id: ProjectId, dataset_id: DatasetId, name: str) -> RunId:
    return RunId(digest_of("langfuse-experiment-v1", project_id, dataset_id, name)[:ID_LENGTH])


def run_item_id_of(run_id: RunId, item_id: ItemId, trace_id: TraceId, observation_id: ObservationId | None) -> str:
    """Derived from the natural key, so filing the same item again is idempotent."""
    return digest_of("run-item", run_id, item_id, trace_id, observation_id or "")[:32]


def all_ran(run: Run, filed: Sequence[RunItem], traced: Sequence[TracedItem]) -> list[RunItem]:
    """Newest first, deduplicated: an item both filed and told by spans is one, as it was filed."""
    known = {(item.item_id, item.trace_id, item.observation_id) for item in filed}
    more = [_run_item(run, each) for each in traced if not covered(each, known)]
    return newest_first([*filed, *more])


def newest_first(found: Iterable[Ran]) -> list[Ran]:
    """Ties are broken by id."""
    return sorted(sorted(found, key=lambda each: each.id), key=lambda each: each.created_at, reverse=True)


def covered(traced: TracedItem, filed: set[tuple[ItemId, TraceId, ObservationId | None]]) -> bool:
    """Whether this was filed: under its observation, or under its trace as a whole."""
    item, trace = ItemId(traced.item_id), traced.trace_id
    return (item, trace, traced.observation_id) in filed or (item, trace, None) in filed


def _run_item(run: Run, traced: TracedItem) -> RunItem:
    item_id = ItemId(traced.item_id)
    return RunItem(
        id=run_item_id_of(run.id, item_id, traced.trace_id, traced.observation_id),
        run_id=run.id,
        run_name=run.name,
        item_id=item_id,
        trace_id=traced.trace_id,
        observation_id=traced.observation_id,
        created_at=traced.start_time,
    )
