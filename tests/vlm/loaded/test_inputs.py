"""What is given to a loaded model, and what a result keeps of it: tensors of both kinds, the picture under a map."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import checkpoint, opt

from sightline.vlm.data.images import ImageError
from sightline.vlm.decoding import LookedError
from sightline.vlm.decoding.options import DecodingError
from sightline.vlm.loaded import InputError, Loaded, Looked
from sightline.vlm.loaded.inputs import labels_of, pair, texts_of
from sightline.vlm.weights import CheckpointError


def picture(seed: int, size: tuple[int, int] = (32, 40)) -> Image.Image:
    wide, high = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (high, wide, 3), dtype=np.uint8))


@pytest.fixture
def model() -> Loaded:
    return Loaded(checkpoint(opt(), seed=3))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_a_tensor_of_integers_is_pictures_and_one_of_floats_ready_pixels(model: Loaded, dtype: torch.dtype) -> None:
    pictures = [picture(1), picture(2)]
    as_is_B3HW = torch.stack([torch.from_numpy(np.array(each)).permute(2, 0, 1) for each in pictures]).to(dtype)
    expected = model.embed(pictures).raw
    torch.testing.assert_close(model.embed(as_is_B3HW).raw, expected)
    torch.testing.assert_close(model.embed(as_is_B3HW[0]).raw, expected[:1])
    torch.testing.assert_close(model.embed([as_is_B3HW[0], pictures[1]]).raw, expected)
    torch.testing.assert_close(model.embed(model.preprocess(pictures)).raw, expected)


def test_integers_that_are_no_picture_are_refused(model: Loaded) -> None:
    with pytest.raises(ImageError, match="expected integers in 0…255"):
        model.embed(torch.full((3, 8, 8), 300))
    with pytest.raises(ImageError, match="is not ready pixels"):
        model.embed(torch.zeros(8, 8, 3, dtype=torch.uint8))


def test_maps_keep_the_picture_they_lie_on(model: Loaded) -> None:
    first, second = picture(1), picture(2)
    for answer, image in zip(
        model.caption([first, second], looked=True, min_new_tokens=3), (first, second), strict=True
    ):
        assert answer.looked is not None
        assert answer.looked.method == "gradient"
        assert answer.looked.overlay().tobytes() == answer.looked.overlay(image).tobytes()
        assert answer.looked.sheet().tobytes() == answer.looked.sheet(image).tobytes()
    matches = model.match([first, second], ["a red one", "two"], looked=True).looked
    assert matches is not None
    for row, image in zip(matches, (first, second), strict=True):
        assert all(each.overlay().tobytes() == each.overlay(image).tobytes() for each in row)
    told = model.chat(second).ask("how many", looked="attention", min_new_tokens=3).looked
    assert told is not None
    assert told.overlay().tobytes() == told.overlay(second).tobytes()


def test_nothing_is_kept_where_nobody_asked(model: Loaded) -> None:
    assert all(model.caption(picture(1), looked=asked)[0].looked is None for asked in (None, False))
    with pytest.raises(LookedError, match="came without their image"):
        Looked("gradient", ()).overlay()


def test_maps_of_ready_pixels_lie_on_what_was_made_of_them(model: Loaded) -> None:
    square = picture(1, (32, 32))
    looked = model.caption(model.preprocess([square]), looked=True, min_new_tokens=3)[0].looked
    assert looked is not None
    assert looked.image is not None
    assert looked.image.tobytes() == square.tobytes()


def test_maps_lie_on_the_part_that_is_cut_from_the_middle(model: Loaded) -> None:
    model.preprocess = replace(model.preprocess, shortest_edge=40)
    looked = model.caption(picture(1, (80, 100)), looked=True, min_new_tokens=3)[0].looked
    assert looked is not None
    assert looked.image is not None
    assert looked.image.tobytes() == picture(1, (80, 100)).crop((8, 18, 72, 82)).tobytes()


def test_each_image_may_have_its_own_prompt(model: Loaded) -> None:
    pictures, prompts = [picture(1), picture(2)], ["a red", "two"]
    alone = [model.caption(image, prompt)[0].tokens for image, prompt in zip(pictures, prompts, strict=True)]
    assert [answer.tokens for answer in model.caption(pictures, prompts)] == alone
    assert model.caption(pictures, prompts[:1])[0].tokens == alone[0]
    with pytest.raises(InputError, match="2 images and 3 prompts"):
        model.caption(pictures, ["a", "b", "c"])


def test_what_is_given_says_the_mode(model: Loaded) -> None:
    one, text = picture(1), "a red one"
    torch.testing.assert_close(model.embed(texts=text).raw, model.embed(texts=text, mode="text").raw)
    torch.testing.assert_close(model.embed(one).raw, model.embed(one, mode="image").raw)
    torch.testing.assert_close(model.embed(one, text).raw, model.embed(one, text, mode="multimodal").raw)
    with pytest.raises(InputError, match="needs images="):
        model.embed(texts=text, mode="image")


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"num_beams": "5"}, "num_beams='5' is str: it must be a whole number"),
        ({"max_new_tokens": 2.5}, "max_new_tokens=2.5 is float: it must be a whole number"),
        ({"length_penalty": None}, "length_penalty=None is NoneType: it must be a number"),
    ],
)
def test_options_of_the_wrong_kind_are_refused(model: Loaded, option: dict[str, Any], problem: str) -> None:
    with pytest.raises(DecodingError, match=problem):
        model.caption(picture(1), **option)


def test_a_model_is_not_saved_over_a_file(model: Loaded, tmp_path: Path) -> None:
    taken = tmp_path / "photo.png"
    taken.write_bytes(b"mine")
    with pytest.raises(CheckpointError, match="is a file: a checkpoint is a folder"):
        model.save(taken)
    assert taken.read_bytes() == b"mine"


def test_one_image_or_one_text_is_repeated_for_every_row() -> None:
    assert pair(1, ["a", "b"], "texts") == ([0, 0], ["a", "b"])
    assert pair(2, ["a"], "texts") == ([0, 1], ["a", "a"])
    assert pair(2, ["a", "b"], "texts") == ([0, 1], ["a", "b"])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([], "no labels were given"),
        ("red", "1 label was given"),
        (["red", "blue", "red"], "the label 'red' is given twice"),
    ],
)
def test_labels_that_leave_nothing_to_choose_are_refused(labels: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        labels_of(labels)


def test_a_text_that_is_no_unicode_is_refused_before_a_tokenizer_sees_it() -> None:
    with pytest.raises(InputError, match="is no valid Unicode: write it as UTF-8"):
        texts_of(["fine", "\udcff"], "texts")


def test_ready_pixels_of_two_shapes_are_not_one_call(model: Loaded) -> None:
    with pytest.raises(
        InputError, match=r"ready pixels of different shapes in one call: \[\(3, 16, 16\), \(3, 32, 32\)\]"
    ):
        model.embed([torch.zeros(3, 32, 32), torch.zeros(3, 16, 16)])
