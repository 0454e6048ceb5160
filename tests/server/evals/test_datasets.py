"""Datasets and their items through their actions: upserts, history, schemas, confinement to a project."""

from datetime import UTC, datetime, timedelta

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from sightline.server.evals.actions import Datasets
from sightline.server.evals.records import DatasetDraft, Item, ItemDraft, ItemId, ItemQuery
from sightline.server.runtime.clock import clock
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound

NOON = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC)
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


@pytest.fixture
async def datasets(storage: Storage) -> Datasets:
    datasets = Datasets(storage.database, storage.hub)
    await datasets.put(HERE, DatasetDraft(name="digits"))
    return datasets


async def put(datasets: Datasets, item_id: str | None = None, dataset: str = "digits", **more: object) -> Item:
    draft = ItemDraft(dataset_name=dataset, id=ItemId(item_id) if item_id else None, **more)  # type: ignore[arg-type]
    return await datasets.put_item(HERE, draft)


async def inputs(datasets: Datasets, at: datetime | None = None, **more: object) -> list[object]:
    query = ItemQuery(dataset_name="digits", at=at, **more)  # type: ignore[arg-type]
    return [item.input for item in (await datasets.items(HERE, query)).items]


async def test_a_dataset_of_the_same_name_is_changed_where_something_is_given(datasets: Datasets):
    first = await datasets.put(HERE, DatasetDraft(name="a/b", description="d", metadata={"k": 1}))
    again = await datasets.put(HERE, DatasetDraft(name="a/b", metadata=[2]))
    assert (again.id, again.description, again.metadata) == (first.id, "d", [2])
    page = await datasets.page(HERE, 1, 0)
    assert ([each.name for each in page.items], page.total, page.more) == (["a/b"], 2, True)


async def test_items_come_newest_first_and_keep_what_is_not_given(datasets: Datasets):
    await put(datasets, "one", input={"q": 1}, expected_output="a", metadata={"m": 1}, source_trace_id="t")
    await put(datasets, "two", input="second")
    changed = await put(datasets, "one", input={"q": 2})
    assert (changed.expected_output, changed.metadata, changed.source_trace_id) == ("a", {"m": 1}, "t")
    assert await inputs(datasets) == ["second", {"q": 2}]
    assert await inputs(datasets, source_trace_id="t") == [{"q": 2}]
    assert await inputs(datasets, source_observation_id="o") == []


async def test_false_zero_and_empty_are_values_like_others(datasets: Datasets):
    await put(datasets, "one", input="x", expected_output=1)
    changed = await put(datasets, "one", input="", expected_output=0, metadata=False)
    assert (changed.input, changed.expected_output, changed.metadata) == ("", 0, False)
    assert (await datasets.item(HERE, ItemId("one"))).expected_output == 0


async def test_archived_items_leave_lists_but_can_be_read(datasets: Datasets):
    await put(datasets, "one", input=1)
    await put(datasets, "one", status="ARCHIVED")
    assert await inputs(datasets) == []
    archived = await datasets.item(HERE, ItemId("one"))
    assert (archived.status, archived.input) == ("ARCHIVED", 1)
    await put(datasets, "one", input=2)
    assert (await datasets.item(HERE, ItemId("one"))).status == "ARCHIVED"
    await put(datasets, "one", status="ACTIVE")
    assert await inputs(datasets) == [2]


async def test_the_dataset_is_read_as_it_was(datasets: Datasets):
    def at(seconds: float) -> datetime:
        return NOON + timedelta(seconds=seconds)

    for second, act in enumerate(
        (
            lambda: put(datasets, "one", input="first"),
            lambda: put(datasets, "two", input="other"),
            lambda: put(datasets, "one", input="changed"),
            lambda: datasets.delete_item(HERE, ItemId("two")),
            lambda: put(datasets, "one", status="ARCHIVED"),
        )
    ):
        with clock(lambda second=second: at(second)):
            await act()
    history = [await inputs(datasets, at(second + 0.5)) for second in range(-1, 5)]
    assert history == [[], ["first"], ["other", "first"], ["other", "changed"], ["changed"], []]
    with pytest.raises(InvalidRequest, match="datasetName"):
        await datasets.items(HERE, ItemQuery(at=NOON))


async def test_reading_at_the_version_an_item_names_gives_that_state(datasets: Datasets):
    with clock(lambda: NOON):
        states = [await put(datasets, "one", input=number) for number in range(5)]
    assert [state.valid_from.microsecond % 1000 for state in states] == [0] * 5
    for number, state in enumerate(states):
        assert await inputs(datasets, state.valid_from) == [number]
    assert {state.created_at for state in states} == {NOON}


async def test_a_deleted_id_can_be_used_again(datasets: Datasets):
    with clock(lambda: NOON):
        await put(datasets, "one", input=1, metadata="old")
        await datasets.delete_item(HERE, ItemId("one"))
        with pytest.raises(NotFound):
            await datasets.item(HERE, ItemId("one"))
        assert (await put(datasets, "one", input=2)).metadata is None
    assert await inputs(datasets) == [2]


async def test_an_id_belongs_to_one_dataset(datasets: Datasets):
    await datasets.put(HERE, DatasetDraft(name="letters"))
    await put(datasets, "one")
    with pytest.raises(Conflict, match="belongs to dataset 'digits', not 'letters'"):
        await put(datasets, "one", "letters")
    with pytest.raises(NotFound, match="'numbers'"):
        await put(datasets, dataset="numbers")


async def test_datasets_of_another_project_do_not_exist(datasets: Datasets):
    await put(datasets, "one", input="secret")
    for attempt in (
        datasets.get(ELSEWHERE, "digits"),
        datasets.item(ELSEWHERE, ItemId("one")),
        datasets.delete_item(ELSEWHERE, ItemId("one")),
        datasets.items(ELSEWHERE, ItemQuery(dataset_name="digits")),
        datasets.put_item(ELSEWHERE, ItemDraft(dataset_name="digits")),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await datasets.items(ELSEWHERE, ItemQuery())).items == []
    await datasets.put(ELSEWHERE, DatasetDraft(name="digits"))
    theirs = await datasets.put_item(ELSEWHERE, ItemDraft(dataset_name="digits", id=ItemId("one"), input="theirs"))
    assert theirs.input == "theirs"
    assert await inputs(datasets) == ["secret"]


async def test_items_fit_the_schemas_of_their_dataset(datasets: Datasets):
    await datasets.put(
        HERE, DatasetDraft(name="digits", input_schema=SCHEMA, expected_output_schema={"type": "string"})
    )
    await put(datasets, "one", input={"text": "x"}, expected_output="y")
    with pytest.raises(InvalidRequest, match=r"input \$: 'text' is a required property; expectedOutput \$: 3 is not"):
        await put(datasets, "two", input={}, expected_output=3)
    with pytest.raises(InvalidRequest, match=r"input \$.text: 5 is not of type 'string'"):
        await put(datasets, "one", input={"text": 5})
    assert await inputs(datasets) == [{"text": "x"}]


async def test_a_schema_that_items_do_not_fit_is_refused(datasets: Datasets):
    await put(datasets, "good", input={"text": "x"})
    await put(datasets, "bad", input={"text": 1})
    with pytest.raises(InvalidRequest, match=r"item bad: input \$.text: 1 is not of type"):
        await datasets.put(HERE, DatasetDraft(name="digits", description="new", input_schema=SCHEMA))
    unchanged = await datasets.get(HERE, "digits")
    assert (unchanged.description, unchanged.input_schema) == (None, None)
    await put(datasets, "bad", input={"text": "now good"})
    assert (await datasets.put(HERE, DatasetDraft(name="digits", input_schema=SCHEMA))).input_schema == SCHEMA
