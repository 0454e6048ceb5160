"""Runs over datasets: traces filed under the item that each of them ran."""

from dataclasses import replace
from datetime import datetime

from sightline.server.accounts.records import ProjectId
from sightline.server.evals.actions.datasets import existing_dataset
from sightline.server.evals.records import DatasetId, Item, Run, RunId, RunItem, RunItemDraft
from sightline.server.evals.store import DatasetStore, ItemStore, RunStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.ids import new_id
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.records import Page, TraceId


class DatasetRuns:
    """Every method is confined to the project it is given."""

    def __init__(self, database: Database, tracing: Tracing, hub: LiveHub) -> None:
        self._database = database
        self._tracing = tracing
        self._hub = hub

    async def add_item(self, project_id: ProjectId, draft: RunItemDraft) -> RunItem:
        """File a trace under a run; the run is made, or takes the description and metadata that are given."""
        trace_id = await self._trace_of(project_id, draft)
        async with self._database.work() as work:
            item = await ItemStore(work.connection, project_id).one(draft.item_id, draft.item_at)
            if item is None or item.status != "ACTIVE":
                raise NotFound(f"Dataset item not found: {draft.item_id!r} does not exist, was deleted, or is archived")
            store = RunStore(work.connection, project_id)
            run = await _run_for(store, item, draft)
            filed = RunItem(
                id=new_id(),
                run_id=run.id,
                run_name=run.name,
                item_id=item.id,
                trace_id=trace_id,
                observation_id=draft.observation_id,
                created_at=draft.created_at or now(),
            )
            await store.add_item(filed, item.valid_from)
            work.after_commit(lambda: self._hub.publish(project_id, "datasets"))
        return filed

    async def page(self, project_id: ProjectId, dataset_name: str, limit: int, offset: int) -> Page[Run]:
        async with self._database.reading() as connection:
            dataset = await existing_dataset(DatasetStore(connection, project_id), dataset_name)
            runs, total = await RunStore(connection, project_id).page(dataset.id, limit, offset)
        return Page(items=runs, total=total, more=offset + len(runs) < total)

    async def get(self, project_id: ProjectId, dataset_name: str, name: str) -> tuple[Run, list[RunItem]]:
        """A run and all it ran."""
        async with self._database.reading() as connection:
            dataset = await existing_dataset(DatasetStore(connection, project_id), dataset_name)
            store = RunStore(connection, project_id)
            run = await _existing_run(store, dataset.id, name)
            return run, await store.items(run.id)

    async def items(self, project_id: ProjectId, run: tuple[DatasetId, str], limit: int, offset: int) -> Page[RunItem]:
        """A page of what a run ran; the run by its dataset's id and its name."""
        async with self._database.reading() as connection:
            store = RunStore(connection, project_id)
            found = await _existing_run(store, *run)
            items, total = await store.items_page(found.id, limit, offset)
        return Page(items=items, total=total, more=offset + len(items) < total)

    async def delete(self, project_id: ProjectId, dataset_name: str, name: str) -> None:
        """Delete a run; the traces it filed stay."""
        async with self._database.work() as work:
            dataset = await existing_dataset(DatasetStore(work.connection, project_id), dataset_name)
            store = RunStore(work.connection, project_id)
            run = await _existing_run(store, dataset.id, name)
            await store.remove(run.id)
            work.after_commit(lambda: self._hub.publish(project_id, "datasets"))

    async def _trace_of(self, project_id: ProjectId, draft: RunItemDraft) -> TraceId:
        if draft.trace_id is not None:
            return draft.trace_id
        if draft.observation_id is None:
            raise InvalidRequest("a run item is about a trace or an observation: give traceId or observationId")
        return (await self._tracing.observation(project_id, draft.observation_id)).trace_id


async def _run_for(store: RunStore, item: Item, draft: RunItemDraft) -> Run:
    known = await store.named(item.dataset_id, draft.run_name)
    if known is None:
        run = _new_run(item, draft)
        await store.add(run)
        return run
    if not draft.run_description and not draft.run_metadata:
        return known
    changed = replace(
        known,
        description=draft.run_description or known.description,
        metadata={**(known.metadata or {}), **draft.run_metadata},
        updated_at=now(),
    )
    await store.change(changed)
    return changed


def _new_run(item: Item, draft: RunItemDraft) -> Run:
    moment: datetime = draft.created_at or now()
    return Run(
        id=RunId(new_id()),
        project_id=item.project_id,
        dataset_id=item.dataset_id,
        dataset_name=item.dataset_name,
        name=draft.run_name,
        description=draft.run_description,
        metadata=dict(draft.run_metadata),
        created_at=moment,
        updated_at=moment,
    )


async def _existing_run(store: RunStore, dataset_id: DatasetId, name: str) -> Run:
    found = await store.named(dataset_id, name)
    if found is None:
        raise NotFound(f"Dataset run not found: {name!r} does not exist in this dataset")
    return found
