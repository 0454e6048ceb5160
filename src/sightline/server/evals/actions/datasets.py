"""Datasets and their items, which are versioned by time: past states stay readable (as-of reads)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from sightline.server.accounts import audit
from sightline.server.accounts.records import ProjectId
from sightline.server.evals.records import Dataset, DatasetDraft, DatasetId, Item, ItemDraft, ItemId, ItemQuery
from sightline.server.evals.schemas import Fit
from sightline.server.evals.store import DatasetStore, ItemStore
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database, Work
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound
from sightline.server.runtime.hub import LiveHub
from sightline.server.runtime.ids import new_id
from sightline.server.tracing.records import Page

TICK = timedelta(milliseconds=1)
"""Minimum distance of two versions of an item: clients write times in milliseconds."""
TRIES = 4
"""Attempts of the optimistic concurrency control before Conflict."""


@dataclass(frozen=True)
class _Question:
    """A validation: this content against these schemas. Equal ones need no second run."""

    input_schema: Mapping[str, Any] | None
    expected_output_schema: Mapping[str, Any] | None
    input: Any
    expected_output: Any

    @classmethod
    def of(cls, dataset: Dataset, item: Item) -> Self:
        return cls(dataset.input_schema, dataset.expected_output_schema, item.input, item.expected_output)

    @property
    def has_schema(self) -> bool:
        return self.input_schema is not None or self.expected_output_schema is not None

    def check(self) -> None:
        Fit(self.input_schema, self.expected_output_schema).check(self.input, self.expected_output)


class Datasets:
    """Every method is scoped to the project it is given."""

    def __init__(self, database: Database, hub: LiveHub) -> None:
        self._database = database
        self._hub = hub
        self._checking = asyncio.Semaphore(2)

    async def put(self, project_id: ProjectId, draft: DatasetDraft) -> Dataset:
        """Upsert a dataset by name; a schema that its items violate is refused.

        Optimistic concurrency: items are validated between two transactions, without a lock. Conflict after `TRIES`.
        """
        with_schema = draft.input_schema is not None or draft.expected_output_schema is not None
        checked: object = None if with_schema else []
        for _ in range(TRIES):
            async with self._database.work() as work:
                store = DatasetStore(work.connection, project_id)
                known = await store.named(draft.name)
                contents = (
                    await ItemStore(work.connection, project_id).contents(known.id) if known and with_schema else []
                )
                if contents == checked:
                    dataset = _changed_dataset(known, draft) if known else _new_dataset(project_id, draft)
                    await (store.change(dataset) if known else store.add(dataset))
                    self._publish(work, project_id)
                    return dataset
            await self._off_the_loop(_check_all, draft, contents)
            checked = contents
        raise Conflict(f"the items of dataset {draft.name!r} changed while they were checked: send the schema again")

    async def get(self, project_id: ProjectId, name: str) -> Dataset:
        async with self._database.reading() as connection:
            return await existing_dataset(DatasetStore(connection, project_id), name)

    async def page(self, project_id: ProjectId, limit: int, offset: int) -> Page[Dataset]:
        async with self._database.reading() as connection:
            items, total = await DatasetStore(connection, project_id).page(limit, offset)
        return Page(items=items, total=total, more=offset + len(items) < total)

    async def put_item(self, project_id: ProjectId, draft: ItemDraft) -> Item:
        """Upsert an item by id: a new version of it; its content must fit the dataset's schemas.

        Optimistic concurrency: validated between two transactions, without a lock. Conflict after `TRIES`.
        """
        checked: _Question | None = None
        for _ in range(TRIES):
            async with self._database.work() as work:
                dataset = await existing_dataset(DatasetStore(work.connection, project_id), draft.dataset_name)
                store = ItemStore(work.connection, project_id)
                item = await _next_state(store, dataset, draft)
                question = _Question.of(dataset, item)
                if not question.has_schema or question == checked:
                    await store.close(item.id, item.valid_from)
                    await store.add(item)
                    self._publish(work, project_id)
                    return item
            await self._off_the_loop(question.check)
            checked = question
        raise Conflict(f"dataset {draft.dataset_name!r} changed while the item was checked: send it again")

    async def item(self, project_id: ProjectId, item_id: ItemId) -> Item:
        """The item as it is, archived or not."""
        async with self._database.reading() as connection:
            found = await ItemStore(connection, project_id).one(item_id)
        return _existing_item(found, item_id)

    async def items(self, project_id: ProjectId, query: ItemQuery) -> Page[Item]:
        """A page of active items, newest first, now or as of a time."""
        if query.at is not None and query.dataset_name is None:
            raise InvalidRequest("version is a time of one dataset: give datasetName too")
        async with self._database.reading() as connection:
            if query.dataset_name is not None:
                await existing_dataset(DatasetStore(connection, project_id), query.dataset_name)
            items, total = await ItemStore(connection, project_id).page(query)
        return Page(items=items, total=total, more=query.offset + len(items) < total)

    async def delete_item(self, project_id: ProjectId, item_id: ItemId) -> None:
        """Delete an item (its version is closed) and its run items; as-of reads of an earlier time still find it."""
        async with self._database.work() as work:
            store = ItemStore(work.connection, project_id)
            known = _existing_item(await store.one(item_id), item_id)
            await store.close(item_id, _after(known))
            await store.remove_from_runs(item_id)
            event = audit.of_project("dataset-item.delete", project_id, "dataset item", item_id)
            await audit.record(work.connection, event)
            self._publish(work, project_id)

    async def _off_the_loop(self, check: Callable[..., None], *given: Any) -> None:
        """Validate in a pool of two threads (bulkhead): slow schemas must not starve the shared pool."""
        async with self._checking:
            await asyncio.to_thread(check, *given)

    def _publish(self, work: Work, project_id: ProjectId) -> None:
        work.after_commit(lambda: self._hub.publish(project_id, "datasets"))


async def existing_dataset(store: DatasetStore, name: str) -> Dataset:
    found = await store.named(name)
    if found is None:
        raise NotFound(f"Dataset not found: {name!r} does not exist in this project")
    return found


def _existing_item(found: Item | None, item_id: ItemId) -> Item:
    if found is None:
        raise NotFound(f"Dataset item not found: {item_id!r} does not exist in this project, or was deleted")
    return found


def _new_dataset(project_id: ProjectId, draft: DatasetDraft) -> Dataset:
    moment = now()
    return Dataset(id=DatasetId(new_id()), project_id=project_id, created_at=moment, updated_at=moment, **vars(draft))


def _changed_dataset(known: Dataset, draft: DatasetDraft) -> Dataset:
    return replace(known, **_given(draft), updated_at=now())


def _new_item(dataset: Dataset, draft: ItemDraft, deleted: Item | None) -> Item:
    moment = now()
    return Item(
        project_id=dataset.project_id,
        id=draft.id or ItemId(new_id()),
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        status=draft.status or "ACTIVE",
        input=draft.input,
        expected_output=draft.expected_output,
        metadata=draft.metadata,
        source_trace_id=draft.source_trace_id,
        source_observation_id=draft.source_observation_id,
        created_at=moment,
        updated_at=moment,
        valid_from=_after(deleted),
    )


async def _next_state(store: ItemStore, dataset: Dataset, draft: ItemDraft) -> Item:
    """The item's next version. Conflict when its id belongs to another dataset."""
    last = await store.latest(draft.id) if draft.id else None
    known = last if last and last.valid_to is None else None
    if known is None:
        return _new_item(dataset, draft, last)
    if known.dataset_id != dataset.id:
        raise Conflict(
            f"dataset item {known.id!r} belongs to dataset {known.dataset_name!r}, not {dataset.name!r}: "
            "choose another id"
        )
    return _changed_item(known, draft, last)


def _check_all(draft: DatasetDraft, contents: Sequence[tuple[str, Any, Any]]) -> None:
    Fit(draft.input_schema, draft.expected_output_schema).check_all(contents)


def _changed_item(known: Item, draft: ItemDraft, last: Item | None) -> Item:
    return replace(known, **_given(draft), updated_at=now(), valid_from=_after(last))


def _given(draft: DatasetDraft | ItemDraft) -> dict[str, Any]:
    """The fields a draft sets (partial update)."""
    return {name: value for name, value in vars(draft).items() if value is not None}


def _after(last: Item | None) -> datetime:
    """Now in whole milliseconds, but after the item's last version: its history is strictly monotonic."""
    moment = now()
    moment -= timedelta(microseconds=moment.microsecond % 1000)
    if last is None:
        return moment
    return max(moment, last.valid_from + TICK, last.valid_to or last.valid_from)
