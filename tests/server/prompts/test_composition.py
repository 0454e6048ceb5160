"""Prompts that include prompts: what is put in place, and what is refused."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.server.accounts.records import ProjectId
from sightline.server.prompts.composition import LONGEST_CHARACTERS, clashing_names, compose, inclusions_of
from sightline.server.prompts.records import Content, Prompt, PromptId, Selector
from sightline.server.runtime.errors import InvalidRequest


def tag(name: str, label: str = "l") -> str:
    return f"@@@langfusePrompt:name={name}|label={label}@@@"


def prompt(name: str, content: Content, version: int = 1) -> Prompt:
    return Prompt(
        id=PromptId(f"{name}-{version}"),
        project_id=ProjectId("here"),
        name=name,
        kind="text" if isinstance(content, str) else "chat",
        version=version,
        content=content,
        config={},
        labels=(),
        tags=(),
        commit_message=None,
        created_by="API",
        created_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
    )


async def composed(root: Content, others: Mapping[str, Content]) -> Content:
    shelf = {name: prompt(name, content) for name, content in others.items()}

    async def find(selector: Selector) -> Prompt | None:
        return shelf.get(selector.name)

    return (await compose(prompt("root", root), find)).prompt.content


async def test_texts_take_the_place_of_their_tags():
    others = {"tone": f"kind, {tag('extra')}", "extra": "brief \\1 $& 'quoted'"}
    assert await composed(f"Be {tag('tone')}. {tag('extra')}!", others) == (
        "Be kind, brief \\1 $& 'quoted'. brief \\1 $& 'quoted'!"
    )
    chat = [{"role": "system", "content": tag("extra")}, {"type": "placeholder", "name": "history"}]
    assert await composed(chat, others) == [{"role": "system", "content": others["extra"]}, chat[1]]


def test_tags_name_a_version_or_a_label_and_the_name_comes_first():
    text = (
        "@@@langfusePrompt:name=a/b c|version=12@@@ @@@langfusePrompt:name=d=e|label=x.y@@@"
        "@@@langfusePrompt:version=1|name=f@@@ @@@langfusePrompt:name=g@@@ @@@langfusePrompt:name=a/b c|version=12@@@"
    )
    assert inclusions_of(text) == [Selector(name="a/b c", version=12), Selector(name="d=e", label="x.y")]


@pytest.mark.parametrize(
    ("others", "complaint"),
    [
        ({}, "'a' with label 'l', which does not exist"),
        ({"a": [{"role": "user", "content": "x"}]}, "only texts can be included"),
        ({"a": tag("b"), "b": tag("a")}, "circle: root 1 → a 1 → b 1 → a 1"),
        ({"a": tag("root"), "root": "an older version"}, "circle: root 1 → a 1 → root 1"),
        ({"a": tag("b"), "b": tag("c"), "c": tag("d"), "d": tag("e"), "e": "too deep"}, "6 deep, 5 are allowed"),
    ],
)
async def test_what_cannot_be_composed_is_refused_with_its_names(others: Mapping[str, Content], complaint: str):
    with pytest.raises(InvalidRequest, match=complaint):
        await composed(tag("a"), others)


async def test_five_deep_is_allowed_and_six_is_found_by_any_path():
    chain = {"a": tag("b"), "b": tag("c"), "c": tag("d"), "d": "end"}
    assert await composed(tag("a"), chain) == "end"
    assert await composed(tag("c") + tag("a"), chain) == "endend"
    with pytest.raises(InvalidRequest, match="6 deep"):
        await composed(tag("b") + tag("z"), {**chain, "z": tag("a")})


async def test_texts_that_double_on_every_level_stop_growing():
    wide = {"a": tag("b") * 200, "b": tag("c") * 200, "c": tag("d") * 200, "d": "x" * 50}
    with pytest.raises(InvalidRequest, match=f"{LONGEST_CHARACTERS:,} characters"):
        await composed(tag("a"), wide)


def test_names_used_twice_are_told():
    assert clashing_names([{"role": "user", "content": "{{a}} {{ b }}"}, {"type": "placeholder", "name": "b"}]) == ["b"]
    assert clashing_names("{{a}}") == []


@given(st.text())
async def test_a_text_without_tags_is_left_as_it_is(text: str):
    if "@@@" not in text:
        assert await composed(text, {}) == text
