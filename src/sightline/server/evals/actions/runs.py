"""Runs over datasets: traces filed under the item that each of them ran."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sightline.server.accounts import audit
from sightline.server.accounts.records import ProjectId
from sightline.server.evals.actions.datasets import existing_dataset
from sightline.server.evals.ran import all_ran, newest_first, run_id_of, run_item_id_of
from sightline.server.evals.records import DatasetId, Item, Run, RunId, RunItem, RunItemDraft
from sightline.server.evals.standing import run_of
from sightline.server.evals.store import DatasetStore, ItemStore, RunStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub
from sightline.server.tracing.actions import TracedExperiments, Tracing
from sightline.server.tracing.records import ExperimentQuery, Page, TraceId

Listed = TypeVar("Listed")


class DatasetRuns:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database, tracing: Tracing, traced: TracedExperiments, hub: LiveHub) -> None:
        self._database = database
        self._tracing = tracing
        self._traced = traced
        self._hub = hub

    async def add_item(self, project_id: ProjectId, draft: RunItemDraft) -> RunItem:
        """File a trace under a run, which is upserted with the description and metadata given.

        Idempotent: what is filed already is answered as it is.
        """
        trace_id = await self._trace_of(project_id, draft)
        told = await self._told(project_id, draft)
        async with self._database.work() as work:
            item = _runnable(await ItemStore(work.connection, project_id).one(draft.item_id, draft.item_at), draft)
            store = RunStore(work.connection, project_id)
            run = await _run_for(store, item, draft, told)
            filed = RunItem(
                id=run_item_id_of(run.id, item.id, trace_id, draft.observation_id),
                run_id=run.id,
                run_name=run.name,
                item_id=item.id,
                trace_id=trace_id,
                observation_id=draft.observation_id,
                created_at=draft.created_at or now(),
            )
            known = await store.filed(filed)
            if known is None:
                await store.add_item(filed, item.valid_from)
            work.after_commit(lambda: self._hub.publish(project_id, "datasets"))
        return known or filed

    async def page(self, project_id: ProjectId, dataset_name: str, limit: int, offset: int) -> Page[Run]:
        """A page, newest first, including runs that only spans tell of."""
        async with self._database.reading() as connection:
            dataset = await existing_dataset(DatasetStore(connection, project_id), dataset_name)
        runs = await self._runs(project_id, (dataset.id, dataset.name))
        return _cut(runs, limit, offset)

    async def get(self, project_id: ProjectId, dataset_name: str, name: str) -> tuple[Run, list[RunItem]]:
        """A run and all it ran."""
        async with self._database.reading() as connection:
            dataset = await existing_dataset(DatasetStore(connection, project_id), dataset_name)
        run = _named(await self._runs(project_id, (dataset.id, dataset.name)), name)[0]
        return run, await self._ran(project_id, run)

    async def items(self, project_id: ProjectId, run: tuple[DatasetId, str], limit: int, offset: int) -> Page[RunItem]:
        """A page of what a run ran; the run by its dataset's id and its name."""
        dataset_id, name = run
        found = _named(await self._runs(project_id, (dataset_id, "")), name)[0]
        return _cut(await self._ran(project_id, found), limit, offset)

    async def delete(self, project_id: ProjectId, dataset_name: str, name: str) -> None:
        """Delete a run with the scores on it; the traces it filed stay, and tell of no experiment any more."""
        async with self._database.reading() as connection:
            dataset = await existing_dataset(DatasetStore(connection, project_id), dataset_name)
        gone = [run.id for run in _named(await self._runs(project_id, (dataset.id, dataset.name)), name)]
        async with self._database.work() as work:
            for run_id in gone:
                await RunStore(work.connection, project_id).remove(run_id)
            events = [audit.of_project("dataset-run.delete", project_id, "dataset run", each) for each in gone]
            await audit.record(work.connection, *events)
            work.after_commit(lambda: self._hub.publish(project_id, "datasets"))
        await self._traced.forget(project_id, gone)

    async def _runs(self, project_id: ProjectId, dataset: tuple[DatasetId, str]) -> list[Run]:
        """All runs of a dataset, given by id and name, newest first: a dataset has few beside what they ran."""
        async with self._database.reading() as connection:
            filed = {run.id: run for run in await RunStore(connection, project_id).of_dataset(dataset[0])}
        traced = await self._traced.of_dataset(project_id, dataset[0])
        more = [run_of(each, project_id, dataset) for each in traced if each.id not in filed]
        return newest_first([*filed.values(), *more])

    async def _ran(self, project_id: ProjectId, run: Run) -> list[RunItem]:
        async with self._database.reading() as connection:
            filed = await RunStore(connection, project_id).items(run.id)
        return all_ran(run, filed, await self._traced.ran(project_id, [run.id]))

    async def _told(self, project_id: ProjectId, draft: RunItemDraft) -> RunId | None:
        """The experiment of this name over the item's dataset that spans tell of, where no run of the name is filed."""
        async with self._database.reading() as connection:
            item = await ItemStore(connection, project_id).one(draft.item_id, draft.item_at)
            if item is None or await RunStore(connection, project_id).named(item.dataset_id, draft.run_name):
                return None
        query = ExperimentQuery(dataset_ids=(item.dataset_id,), names=(draft.run_name,), limit=1)
        found = (await self._traced.page(project_id, query)).items
        return RunId(found[0].id) if found else None

    async def _trace_of(self, project_id: ProjectId, draft: RunItemDraft) -> TraceId:
        if draft.trace_id is not None:
            return draft.trace_id
        if draft.observation_id is None:
            raise InvalidRequest("a run item is about a trace or an observation: give traceId or observationId")
        return (await self._tracing.observation(project_id, draft.observation_id)).trace_id


def _runnable(item: Item | None, draft: RunItemDraft) -> Item:
    if item is None or item.status != "ACTIVE":
        raise NotFound(f"Dataset item not found: {draft.item_id!r} does not exist, was deleted, or is archived")
    return item


async def _run_for(store: RunStore, item: Item, draft: RunItemDraft, told: RunId | None) -> Run:
    known = await store.named(item.dataset_id, draft.run_name)
    if known is None:
        # Clients may call an experiment as they like, and two projects the same: then a run keeps the id of its name.
        own = run_id_of(item.project_id, item.dataset_id, draft.run_name)
        run = _new_run(told if told and await store.is_free(told) else own, item, draft)
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


def _new_run(run_id: RunId, item: Item, draft: RunItemDraft) -> Run:
    moment: datetime = draft.created_at or now()
    return Run(
        id=run_id,
        project_id=item.project_id,
        dataset_id=item.dataset_id,
        dataset_name=item.dataset_name,
        name=draft.run_name,
        description=draft.run_description,
        metadata=dict(draft.run_metadata),
        created_at=moment,
        updated_at=moment,
    )


def _named(runs: Sequence[Run], name: str) -> list[Run]:
    """Those of a name, newest first: clients may give experiments of one name ids of their own."""
    found = [run for run in runs if run.name == name]
    if not found:
        raise NotFound(f"Dataset run not found: {name!r} does not exist in this dataset")
    return found


def _cut(found: Sequence[Listed], limit: int, offset: int) -> Page[Listed]:
    return Page(items=found[offset : offset + limit], total=len(found), more=offset + limit < len(found))
