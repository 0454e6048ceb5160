"""The same weights in transformers and here write the same tokens, greedily and with five beams."""

from pathlib import Path
from typing import Any

import foreign_models as foreign
import pytest
import torch
from foreign_models import LANGUAGES, SHAPES, Shape

from sightline.vlm.decoding import Decoding, generate
from sightline.vlm.weights import read

NEW = 12
SEVERAL_ENDS = (3, 9, 14, 23, 26, 33, 38, 45, 50, 57)


def trimmed(tokens: list[int], eos: int | tuple[int, ...]) -> tuple[int, ...]:
    """Up to and with the token that ends the answer."""
    ends = {eos} if isinstance(eos, int) else set(eos)
    end = next((at for at, token in enumerate(tokens) if token in ends), len(tokens))
    return tuple(tokens[: end + 1])


@torch.no_grad()
def both(shape: Shape, language: str, folder: Path, **decoding: Any) -> tuple[list[Any], list[Any]]:
    """The tokens of each row, ours and theirs, from the same pixels and prompt."""
    theirs = foreign.writing(shape, language)
    ours = read(foreign.saved(theirs, folder)).model
    pixels_BCHW, prompt_BL = foreign.pixels(shape), foreign.prompt(shape)
    prefix, mask = ours.prefix(ours.bridge(ours.see(pixels_BCHW)), prompt_BL)
    written = generate(ours.writer, prefix, mask, Decoding(max_new_tokens=NEW, **decoding))
    asked = foreign.foreign_prompt(shape, prompt_BL)
    out = theirs.generate(
        pixel_values=pixels_BCHW,
        input_ids=asked,
        attention_mask=torch.ones_like(asked),
        max_new_tokens=NEW,
        do_sample=False,
        **decoding,
    )
    read_before = 1 if ours.writer.is_encoder_decoder else asked.shape[1]
    return [answers[0].tokens for answers in written], [trimmed(row[read_before:].tolist(), shape.eos) for row in out]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_greedy_search_writes_the_same_tokens(shape: Shape, language: str, tmp_path: Path) -> None:
    ours, theirs = both(shape, language, tmp_path)
    assert ours == theirs


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_five_beams_write_the_same_tokens(shape: Shape, language: str, tmp_path: Path) -> None:
    ours, theirs = both(shape, language, tmp_path, num_beams=5)
    assert ours == theirs


@pytest.mark.parametrize("language", ["opt", "t5"])
@pytest.mark.parametrize("length_penalty", [-1.0, 0.0])
def test_beams_agree_under_the_length_penalties_of_blip2(language: str, length_penalty: float, tmp_path: Path) -> None:
    ours, theirs = both(Shape(batch=4), language, tmp_path, num_beams=5, length_penalty=length_penalty)
    assert ours == theirs


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("num_beams", [1, 5])
def test_answers_that_end_at_different_times_are_the_same(language: str, num_beams: int, tmp_path: Path) -> None:
    ours, theirs = both(Shape(batch=8, eos=SEVERAL_ENDS), language, tmp_path, num_beams=num_beams)
    assert ours == theirs
    assert min(map(len, ours)) < NEW


def test_the_compared_answers_differ_between_images(tmp_path: Path) -> None:
    ours, _ = both(Shape(batch=6), "opt", tmp_path)
    assert len(set(ours)) > 1
    assert len({token for tokens in ours for token in tokens}) > 4


@pytest.mark.parametrize("language", ["opt", "t5"])
@pytest.mark.parametrize("options", [{"top_p": 0.9}, {"top_p": 0.7, "temperature": 1.5}, {"top_k": 5}], ids=str)
def test_draws_under_one_seed_are_the_same(language: str, options: dict[str, Any], tmp_path: Path) -> None:
    shape = Shape(batch=3, eos=1)
    theirs = foreign.writing(shape, language)
    ours = read(foreign.saved(theirs, tmp_path)).model
    pixels_BCHW, prompt_BL = foreign.pixels(shape), foreign.prompt(shape)
    asked = foreign.foreign_prompt(shape, prompt_BL)
    forever = {"max_new_tokens": NEW, "min_new_tokens": NEW, "do_sample": True}  # else rows that ended draw, too
    with torch.no_grad():
        prefix, mask = ours.prefix(ours.bridge(ours.see(pixels_BCHW)), prompt_BL)
        torch.manual_seed(11)
        written = generate(ours.writer, prefix, mask, Decoding(**forever, **options))
        torch.manual_seed(11)
        out = theirs.generate(
            pixel_values=pixels_BCHW,
            input_ids=asked,
            attention_mask=torch.ones_like(asked),
            **{"top_k": 0, **forever, **options},
        )
    drawn = [answers[0].tokens for answers in written]
    assert drawn == [tuple(row[-NEW:].tolist()) for row in out]
    assert len(set(drawn)) > 1
