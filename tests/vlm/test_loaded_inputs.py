"""What is given to a loaded model, and what a result keeps of it: tensors of both kinds, the picture under a map."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import checkpoint, opt

from sightline.vlm.data.images import ImageError
from sightline.vlm.decoding import LookedError
from sightline.vlm.loaded import Loaded, Looked


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
