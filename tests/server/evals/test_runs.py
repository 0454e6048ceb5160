"""Runs over datasets: traces filed under items."""

from datetime import UTC, datetime

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from server.tracing.making import observation
from sightline.server.evals.actions import DatasetRuns, Datasets
from sightline.server.evals.records import DatasetDraft, ItemDraft, ItemId, RunItem, RunItemDraft
from sightline.server.runtime.errors import InvalidRequest, NotFound
from sightline.server.tracing.actions import TracedExperiments
from sightline.server.tracing.records import ObservationId, TraceId


@pytest.fixture
async def datasets(storage: Storage) -> Datasets:
    datasets = Datasets(storage.database, storage.hub)
    await datasets.put(HERE, DatasetDraft(name="digits"))
    await datasets.put_item(HERE, ItemDraft(dataset_name="digits", id=ItemId("one"), input=1))
    return datasets


@pytest.fixture
def runs(storage: Storage) -> DatasetRuns:
    return DatasetRuns(
        storage.database, storage.tracing, TracedExperiments(storage.engine, storage.tracing.index), storage.hub
    )


async def file(runs: DatasetRuns, run: str = "first", item: str = "one", **more: object) -> RunItem:
    given = {"trace_id": TraceId("t")} | more
    return await runs.add_item(HERE, RunItemDraft(run_name=run, item_id=ItemId(item), **given))  # type: ignore[arg-type]


async def test_the_first_item_makes_the_run_and_later_ones_add_to_it(datasets: Datasets, runs: DatasetRuns):
    await file(runs, run_description="d", run_metadata={"a": 1})
    filed = await file(runs, trace_id=TraceId("u"), run_metadata={"b": 2})
    run, items = await runs.get(HERE, "digits", "first")
    assert (run.description, run.metadata, run.dataset_name) == ("d", {"a": 1, "b": 2}, "digits")
    assert [(item.trace_id, item.run_name) for item in items] == [("u", "first"), ("t", "first")]
    assert items[0] == filed
    await file(runs, "second")
    page = await runs.page(HERE, "digits", 1, 0)
    assert ([each.name for each in page.items], page.total, page.more) == (["second"], 2, True)
    part = await runs.items(HERE, (run.dataset_id, "first"), 1, 1)
    assert ([item.trace_id for item in part.items], part.total, part.more) == (["t"], 2, False)


async def test_an_observation_is_filed_under_its_trace(datasets: Datasets, runs: DatasetRuns, storage: Storage):
    sent = observation()
    await storage.tracing.record(HERE, [sent])
    filed = await file(runs, trace_id=None, observation_id=sent.id)
    assert (filed.trace_id, filed.observation_id) == (sent.trace_id, sent.id)
    with pytest.raises(NotFound, match="observation"):
        await file(runs, trace_id=None, observation_id=ObservationId("unknown"))
    with pytest.raises(InvalidRequest, match="traceId or observationId"):
        await file(runs, trace_id=None)


async def test_only_active_items_are_run(datasets: Datasets, runs: DatasetRuns):
    before = datetime.now(UTC)
    await datasets.put_item(HERE, ItemDraft(dataset_name="digits", id=ItemId("one"), status="ARCHIVED"))
    with pytest.raises(NotFound, match="archived"):
        await file(runs)
    assert (await file(runs, item_at=before)).item_id == "one"
    with pytest.raises(NotFound, match="'two'"):
        await file(runs, item="two")


async def test_deleting_an_item_takes_it_out_of_runs(datasets: Datasets, runs: DatasetRuns):
    await file(runs)
    await datasets.delete_item(HERE, ItemId("one"))
    assert (await runs.get(HERE, "digits", "first"))[1] == []


async def test_a_deleted_run_is_gone_with_its_items(datasets: Datasets, runs: DatasetRuns):
    await file(runs)
    await runs.delete(HERE, "digits", "first")
    for attempt in (runs.get(HERE, "digits", "first"), runs.delete(HERE, "digits", "first")):
        with pytest.raises(NotFound, match="'first'"):
            await attempt
    await file(runs)
    assert len((await runs.get(HERE, "digits", "first"))[1]) == 1


async def test_runs_of_another_project_do_not_exist(datasets: Datasets, runs: DatasetRuns):
    await file(runs)
    run, _ = await runs.get(HERE, "digits", "first")
    stolen = RunItemDraft(run_name="x", item_id=ItemId("one"), trace_id=TraceId("t"))
    for attempt in (
        runs.get(ELSEWHERE, "digits", "first"),
        runs.delete(ELSEWHERE, "digits", "first"),
        runs.page(ELSEWHERE, "digits", 10, 0),
        runs.items(ELSEWHERE, (run.dataset_id, "first"), 10, 0),
        runs.add_item(ELSEWHERE, stolen),
    ):
        with pytest.raises(NotFound):
            await attempt
    await datasets.put(ELSEWHERE, DatasetDraft(name="digits"))
    with pytest.raises(NotFound):
        await runs.get(ELSEWHERE, "digits", "first")
