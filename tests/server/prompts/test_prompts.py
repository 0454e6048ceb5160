"""Prompts through their actions: versions, labels, tags, what they include, what may be deleted."""

import pytest

from server.conftest import ELSEWHERE, HERE, Storage
from sightline.server.prompts.actions import Prompts
from sightline.server.prompts.records import Draft, Prompt, PromptQuery, Selector
from sightline.server.prompts.store import PromptStore
from sightline.server.questions import Condition
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound


@pytest.fixture
def prompts(storage: Storage) -> Prompts:
    return Prompts(storage.database, storage.hub)


def draft(name: str = "greeting", content: object = "Hello {{name}}", **more: object) -> Draft:
    kind = "text" if isinstance(content, str) else "chat"
    return Draft(**{"name": name, "kind": kind, "content": content, "created_by": "API"} | more)  # type: ignore[arg-type]


async def make(prompts: Prompts, name: str = "greeting", content: object = "Hello {{name}}", **more: object) -> Prompt:
    return await prompts.create(HERE, draft(name, content, **more))


async def text_of(prompts: Prompts, name: str, **which: object) -> object:
    return (await prompts.get(HERE, Selector(name=name, **which))).prompt.content  # type: ignore[arg-type]


async def listed(prompts: Prompts, *conditions: Condition) -> dict[str, tuple[int, ...]]:
    page = await prompts.page(HERE, PromptQuery(conditions=conditions))
    return {each.name: each.versions for each in page.items}


async def test_versions_count_up_and_latest_follows_the_newest(prompts: Prompts):
    first, second = await make(prompts, content="one"), await make(prompts, content="two")
    assert (first.version, second.version) == (1, 2)
    assert second.labels == ("latest",)
    assert (await prompts.get(HERE, Selector(name="greeting", version=1))).prompt.labels == ()
    assert await text_of(prompts, "greeting", label="latest") == "two"


async def test_without_a_choice_the_version_labelled_production_is_meant(prompts: Prompts):
    await make(prompts, content="live", labels=["production"])
    await make(prompts, content="next")
    assert await text_of(prompts, "greeting") == "live"
    with pytest.raises(NotFound, match="'other' with label 'production'"):
        await text_of(prompts, "other")


async def test_a_label_returns_the_version_it_was_moved_to(prompts: Prompts):
    await make(prompts, content="one", labels=["production", "mild"])
    await make(prompts, content="two", labels=["production"])
    assert await text_of(prompts, "greeting") == "two"
    moved = await prompts.label(HERE, "greeting", 1, ["production", "strict"])
    assert moved.labels == ("mild", "production", "strict")
    assert await text_of(prompts, "greeting") == "one"
    assert (await prompts.get(HERE, Selector(name="greeting", version=2))).prompt.labels == ("latest",)


async def test_latest_is_not_moved_by_hand(prompts: Prompts):
    await make(prompts)
    with pytest.raises(InvalidRequest, match="newest version"):
        await prompts.label(HERE, "greeting", 1, ["latest"])
    with pytest.raises(NotFound, match="version 7"):
        await prompts.label(HERE, "greeting", 7, ["production"])


async def test_tags_are_those_of_all_versions_and_stay_until_others_are_given(prompts: Prompts):
    await make(prompts, tags=["b", "a", "b"])
    assert (await make(prompts)).tags == ("b", "a")
    await make(prompts, tags=["c"])
    assert (await prompts.get(HERE, Selector(name="greeting", version=1))).prompt.tags == ("c",)
    assert (await make(prompts, tags=[])).tags == ()


async def test_what_a_version_was_made_of_comes_back(prompts: Prompts):
    messages = [
        {"type": "chatmessage", "role": "system", "content": "Be {{mood}}"},
        {"type": "placeholder", "name": "h"},
    ]
    made = await make(prompts, content=messages, config={"temperature": 0.7}, commit_message="first words")
    assert (made.kind, made.content, made.config, made.commit_message) == (
        "chat",
        messages,
        {"temperature": 0.7},
        "first words",
    )


async def test_a_prompt_keeps_its_kind(prompts: Prompts):
    await make(prompts)
    with pytest.raises(InvalidRequest, match="is a text prompt, the new version a chat prompt"):
        await make(prompts, content=[{"role": "user", "content": "Hi"}])


async def test_a_variable_and_a_placeholder_need_different_names(prompts: Prompts):
    with pytest.raises(InvalidRequest, match="names history"):
        await make(
            prompts, content=[{"role": "user", "content": "{{ history }}"}, {"type": "placeholder", "name": "history"}]
        )


async def test_a_number_that_another_writer_took_first_is_a_conflict(prompts: Prompts, storage: Storage):
    await make(prompts)
    for name in ("greeting", "fresh"):
        with pytest.raises(Conflict, match="version 1"):
            await twice_the_first(storage, name)
    assert await listed(prompts) == {"greeting": (1,)}


async def twice_the_first(storage: Storage, name: str) -> None:
    async with storage.database.work() as work:
        for _ in range(2):
            await PromptStore(work.connection, HERE).add(draft(name), 1, [])


async def test_prompts_of_another_project_do_not_exist(prompts: Prompts):
    await make(prompts, labels=["production"], tags=["secret"])
    for attempt in (
        prompts.get(ELSEWHERE, Selector(name="greeting")),
        prompts.label(ELSEWHERE, "greeting", 1, ["stolen"]),
        prompts.delete(ELSEWHERE, Selector(name="greeting")),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await prompts.page(ELSEWHERE, PromptQuery())).items == []
    theirs = await prompts.create(ELSEWHERE, draft(content="theirs", tags=["open"]))
    assert (theirs.version, theirs.tags) == (1, ("open",))
    with pytest.raises(InvalidRequest, match="does not exist"):
        await prompts.create(ELSEWHERE, draft("thief", "@@@langfusePrompt:name=greeting|label=mild@@@"))
    assert await text_of(prompts, "greeting") == "Hello {{name}}"


async def test_deleting_a_version_moves_latest_to_the_newest_that_is_left(prompts: Prompts):
    for content in ("one", "two", "three"):
        await make(prompts, content=content, labels=["production"])
    await prompts.delete(HERE, Selector(name="greeting", label="production"))
    assert await text_of(prompts, "greeting", label="latest") == "two"
    with pytest.raises(NotFound):
        await text_of(prompts, "greeting")
    await prompts.delete(HERE, Selector(name="greeting", version=1))
    assert await listed(prompts) == {"greeting": (2,)}
    await prompts.delete(HERE, Selector(name="greeting"))
    assert await listed(prompts) == {}
    with pytest.raises(NotFound):
        await prompts.delete(HERE, Selector(name="greeting"))
    assert (await make(prompts, content=[{"role": "user", "content": "now a chat"}])).version == 1


async def test_what_another_prompt_includes_is_not_deleted(prompts: Prompts):
    await make(prompts, "part", "old", labels=["mild"])
    await make(prompts, "part", "new")
    await make(prompts, "by label", "@@@langfusePrompt:name=part|label=mild@@@")
    await make(prompts, "by latest", "@@@langfusePrompt:name=part|label=latest@@@")
    with pytest.raises(InvalidRequest, match="'by label' version 1 includes 'part' with label 'mild'"):
        await prompts.delete(HERE, Selector(name="part", version=1))
    await prompts.delete(HERE, Selector(name="part", version=2))
    assert await text_of(prompts, "by latest", version=1) == "old"
    with pytest.raises(InvalidRequest, match="'by latest' version 1"):
        await prompts.delete(HERE, Selector(name="part"))
    for name in ("by label", "by latest", "part"):
        await prompts.delete(HERE, Selector(name=name))
    assert await listed(prompts) == {}


async def test_lists_show_matching_versions_only(prompts: Prompts):
    await make(prompts, "a/one", "x", labels=["production"], tags=["t"], config={"model": "small"})
    await make(prompts, "a/one", "y", config={"model": "large", "n": 2})
    await make(prompts, "b_two", [{"role": "user", "content": "z"}])

    def condition(column: str, operator: str, value: object = "", key: str = "") -> Condition:
        type_ = "stringObject" if key else "arrayOptions" if isinstance(value, list) else "string"
        return Condition(type=type_, column=column, operator=operator, value=value, key=key)

    assert await listed(prompts) == {"a/one": (1, 2), "b_two": (1,)}
    assert await listed(prompts, condition("labels", "any of", ["production", "none"])) == {"a/one": (1,)}
    assert await listed(prompts, condition("labels", "none of", ["latest"])) == {"a/one": (1,)}
    assert await listed(prompts, condition("labels", "all of", ["latest", "production"])) == {}
    assert await listed(prompts, condition("tags", "all of", ["t"])) == {"a/one": (1, 2)}
    assert await listed(prompts, condition("version", ">=", 2)) == {"a/one": (2,)}
    assert await listed(prompts, condition("type", "any of", ["chat"])) == {"b_two": (1,)}
    assert await listed(prompts, condition("name", "starts with", "A/")) == {"a/one": (1, 2)}
    assert await listed(prompts, condition("name", "contains", "b\\_")) == {"b_two": (1,)}
    assert await listed(prompts, condition("name", "does not contain", "%o_e%")) == {"b_two": (1,)}
    assert await listed(prompts, condition("config", "=", "large", "model")) == {"a/one": (2,)}
    assert await listed(prompts, condition("config", "=", "2", "n")) == {"a/one": (2,)}
    assert await listed(prompts, condition("config", "is not set", "", "model")) == {"b_two": (1,)}
    assert await listed(prompts, condition("config", "does not contain", "sm", "model")) == {
        "a/one": (2,),
        "b_two": (1,),
    }

    page = await prompts.page(HERE, PromptQuery(limit=1))
    [summary] = page.items
    assert (page.total, page.more) == (2, True)
    assert (summary.labels, summary.tags, summary.config) == (
        ("production", "latest"),
        ("t",),
        {"model": "large", "n": 2},
    )
    assert [each.name for each in (await prompts.page(HERE, PromptQuery(limit=1, offset=1))).items] == ["b_two"]
