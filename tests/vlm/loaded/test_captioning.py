"""Captions of a first-stage model, written by its Q-Former alone."""

from typing import Any

import pytest
from loaded_models import TEXTS, first_stage, picture
from random_models import word_tokenizer

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.loaded import Loaded
from sightline.vlm.loaded.captioning import BridgeWriter
from sightline.vlm.loaded.inputs import InputError


def test_a_first_stage_model_captions_by_itself() -> None:
    model = Loaded(first_stage())
    answers = model.caption([picture(1), picture(2)], num_beams=3, max_new_tokens=6)
    alone = model.caption(picture(2), num_beams=3, max_new_tokens=6)[0]
    assert answers[1].tokens == alone.tokens
    assert answers[0].usage.input_tokens == 4 + 1
    drawn = model.caption(picture(1), do_sample=True, top_p=0.9, seed=3, num_return_sequences=3, max_new_tokens=5)
    assert len(drawn) == 3


def test_a_first_stage_caption_can_begin_with_a_prompt() -> None:
    model = Loaded(first_stage())
    begun = model.caption(picture(1), "a red", max_new_tokens=4)[0]
    assert begun.usage.input_tokens == 4 + 1 + 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.caption(picture(1), looked="gradient"), "leave out looked="),
        (lambda m: m.ask(picture(1), "how many"), "has no language model"),
        (lambda m: m.similarity(picture(1), TEXTS, k=0), "re-rank at least one"),
    ],
)
def test_a_mistake_with_a_first_stage_model_is_one_clear_sentence(call: Any, words: str) -> None:
    with pytest.raises(SightlineVlmError, match=words):
        call(Loaded(first_stage()))


def test_a_bridge_without_a_token_that_begins_a_caption_says_which_would_do() -> None:
    held = first_stage()
    assert held.text_tokenizer is not None
    plain = Loaded(held).preprocess
    with pytest.raises(InputError, match=r"needs one of .*DEC.* and one of"):
        BridgeWriter.of(held.model, plain, word_tokenizer())
    with pytest.raises(InputError, match="has no tokenizer"):
        BridgeWriter.of(held.model, plain, None)
