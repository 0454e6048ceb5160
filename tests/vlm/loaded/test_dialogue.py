"""A dialogue about one image: earlier turns are read before each question."""

from collections.abc import Sequence

import pytest
from loaded_models import picture
from random_models import checkpoint, opt, t5

from sightline.vlm.loaded import InputError, Loaded
from sightline.vlm.loaded.writing import Writer


@pytest.fixture(params=["opt", "t5"])
def model(request: pytest.FixtureRequest) -> Loaded:
    return Loaded(checkpoint(opt() if request.param == "opt" else t5(), seed=3))


def test_a_dialogue_reads_the_turns_before_a_question(model: Loaded) -> None:
    chat = model.chat(picture(1))
    first = chat.ask("how many", min_new_tokens=2)
    second = chat.ask("which digit is red ?")
    told = f"question : how many answer : {first.text}. question : which digit is red ? answer :"
    assert chat.prompt("which digit is red ?").startswith(told)
    assert model.caption(picture(1), told)[0].tokens == second.tokens
    assert [turn.question for turn in chat.turns] == ["how many", "which digit is red ?"]


def test_special_tokens_in_the_turns_before_are_text(model: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[int]] = []
    ids = Writer._ids

    def heard(self: Writer, prompt: str, said: Sequence[str]) -> list[int]:
        read.append(ids(self, prompt, said))
        return read[-1]

    monkeypatch.setattr(Writer, "_ids", heard)
    chat = model.chat(picture(1))
    for question in ("how <eos> many", "which digit", "what <pad> is"):
        chat.ask(question)
    tokenizer = model.writer.tokenizer
    specials = {tokenizer.id(name) for name in ("<eos>", "<pad>")}
    assert [specials & set(each) for each in read] == [set(), set(), set()]


def test_a_dialogue_encodes_its_image_once(model: Loaded) -> None:
    encoded: list[int] = []
    model.model.encoder.register_forward_pre_hook(lambda _, given: encoded.append(len(given[0])))
    chat = model.chat(picture(1))
    for question in ("how many", "what is left", "which digit is red ?"):
        chat.ask(question)
    assert encoded == [1]


def test_a_dialogue_remembers_as_many_turns_as_it_is_told(model: Loaded) -> None:
    chat = model.chat(picture(1), remember=1)
    chat.ask("how many")
    chat.ask("what is left")
    assert "how many" not in chat.prompt("which")
    assert "what is left" in chat.prompt("which")
    chat.forget()
    assert chat.prompt("which") == "question : which answer :"


def test_a_dialogue_says_where_it_looked(model: Loaded) -> None:
    answer = model.chat(picture(1)).ask("how many", looked="attention", min_new_tokens=3)
    assert answer.looked is not None
    assert len(answer.looked.words) > 0


def test_a_dialogue_is_about_one_image(model: Loaded) -> None:
    with pytest.raises(InputError, match="about one image, 2 were given"):
        model.chat([picture(1), picture(2)])
