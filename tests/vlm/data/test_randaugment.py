"""Every operation by its definition, on pictures small enough to compute by hand; and as Pillow has it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from sightline.vlm.config import ConfigError
from sightline.vlm.data.randaugment import GENTLE, OPERATIONS, RandAugment, warped


class Sign:
    """A generator that draws one way only."""

    def __init__(self, sign: int) -> None:
        self.sign = sign

    def random(self) -> float:
        return 0.25 if self.sign < 0 else 0.75


def grey(*rows: list[int]) -> np.ndarray:
    """A picture whose three channels are the same."""
    return np.repeat(np.array(rows, np.uint8)[:, :, None], 3, axis=2)


def done(name: str, pixels: np.ndarray, share: float, sign: int = 1) -> list[list[int]]:
    """The first channel after an operation."""
    changed = OPERATIONS[name](pixels, share, Sign(sign))  # type: ignore[arg-type]
    assert changed.dtype == np.uint8
    assert changed.shape == pixels.shape
    found: list[list[int]] = changed[:, :, 0].tolist()
    return found


NUMBERS = grey([10, 20, 30], [40, 50, 60], [70, 80, 90])


@pytest.mark.parametrize(
    ("name", "share", "sign", "expected"),
    [
        ("Identity", 0.5, 1, [[10, 20, 30], [40, 50, 60], [70, 80, 90]]),
        # 255 / (90 - 10) = 3.1875 a step of one, from 10 upwards, cut to whole numbers
        ("AutoContrast", 0.5, 1, [[0, 31, 63], [95, 127, 159], [191, 223, 255]]),
        # up to 0.2 * 256 = 51 as they are, the others 255 less
        ("Solarize", 0.2, 1, [[10, 20, 30], [40, 50, 195], [185, 175, 165]]),
        # two bits: multiples of 64
        ("Posterize", 0.5, 1, [[0, 0, 0], [0, 0, 0], [64, 64, 64]]),
        # factor 0.2 * 1.8 + 0.1 = 0.46
        ("Brightness", 0.2, 1, [[4, 9, 13], [18, 23, 27], [32, 36, 41]]),
        # mean 50, factor 0.46: 50 + 0.46 * (value - 50)
        ("Contrast", 0.2, 1, [[31, 36, 40], [45, 50, 54], [59, 63, 68]]),
        # the middle is (13 - 5) neighbours and 5 times itself over 13: 50, as it was
        ("Sharpness", 0.0, 1, [[10, 20, 30], [40, 50, 60], [70, 80, 90]]),
        # 10 pixels at full strength: 1 at a tenth, taken from the right or the left
        ("TranslateX", 0.1, 1, [[20, 30, 128], [50, 60, 128], [80, 90, 128]]),
        ("TranslateX", 0.1, -1, [[128, 10, 20], [128, 40, 50], [128, 70, 80]]),
        ("TranslateY", 0.1, 1, [[40, 50, 60], [70, 80, 90], [128, 128, 128]]),
        ("TranslateY", 0.05, 1, [[25, 35, 45], [55, 65, 75], [99, 104, 109]]),
        # 0.3 pixels a row at full strength; row 2 lies 0.6 to the right: 0.4 of a pixel, 0.6 of its left neighbour
        ("ShearX", 1.0, 1, [[10, 20, 30], [66, 47, 57], [105, 74, 84]]),
        ("ShearY", 1.0, 1, [[10, 52, 89], [40, 41, 42], [70, 71, 72]]),
    ],
)
def test_an_operation_is_what_its_definition_says(name: str, share: float, sign: int, expected: list[Any]) -> None:
    assert done(name, NUMBERS, share, sign) == expected


def test_sharpness_moves_the_inner_pixels_away_from_their_blur() -> None:
    spot = grey([0, 0, 0], [0, 130, 0], [0, 0, 0])
    assert done("Sharpness", spot, 0.0)[1][1] == 58  # blurred 5/13 * 130 = 50; 50 + 0.1 * 80
    assert done("Sharpness", spot, 0.5) == spot[:, :, 0].tolist()  # factor 1
    assert done("Sharpness", spot, 1.0)[1][1] == 202  # 50 + 1.9 * 80
    assert done("Sharpness", grey([1, 2]), 1.0) == [[1, 2]]


def test_equalising_spreads_equally_many_pixels_over_equal_steps() -> None:
    few = np.repeat(np.repeat(np.arange(4, dtype=np.uint8), 255)[None], 2, 0)
    pixels = np.stack([few] * 3, axis=2)
    # 2040 pixels less the 510 brightest in steps of 6: 85 steps a value, half a step first
    assert [int(done("Equalize", pixels, 0)[0][at]) for at in (0, 255, 510, 765)] == [0, 85, 170, 255]
    assert done("Equalize", grey([9, 9]), 0) == [[9, 9]]


def test_colour_is_blended_with_grey() -> None:
    red = np.zeros((1, 1, 3), np.uint8)
    red[0, 0, 0] = 200
    blended = OPERATIONS["Color"](red, 0.0, Sign(1))  # type: ignore[arg-type]
    # grey is 0.299 * 200 = 59.8; a tenth of the way from it to red
    assert blended[0, 0].tolist() == [73, 53, 53]


def test_turning_goes_either_way_about_the_middle() -> None:
    side = 41
    bar = np.full((side, side, 3), 128, np.uint8)
    bar[20, 30] = 255
    left, right = (np.array(done("Rotate", bar, 1.0, sign)) for sign in (1, -1))
    middle, reach = side / 2, np.hypot(30 - side / 2, 20 - side / 2)
    angle = np.degrees(np.arctan2(20 - side / 2, 30 - side / 2))
    for turned, by in ((left, -30), (right, 30)):
        row, column = np.unravel_index((turned - 128).clip(0).argmax(), turned.shape)
        way = np.radians(angle + by)
        assert (row, column) == pytest.approx((middle + reach * np.sin(way), middle + reach * np.cos(way)), abs=0.75)


def test_what_was_not_in_the_picture_is_grey() -> None:
    corner = np.array(done("Rotate", np.zeros((21, 21, 3), np.uint8), 1.0))
    assert corner[0, 0] == corner[-1, -1] == 128
    assert corner[10, 10] == 0
    assert warped(NUMBERS, (1, 0, 99), (0, 1, 0)).tolist() == np.full((3, 3, 3), 128).tolist()


PILLOW: dict[str, Callable[[Image.Image], Image.Image]] = {
    "AutoContrast": ImageOps.autocontrast,
    "Equalize": ImageOps.equalize,
    "Brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.36),
    "Color": lambda image: ImageEnhance.Color(image).enhance(1.36),
    "Solarize": lambda image: ImageOps.solarize(image, int(0.7 * 256)),
    "Posterize": lambda image: ImageOps.posterize(image, int(0.7 * 4)),
    "Sharpness": lambda image: ImageEnhance.Sharpness(image).enhance(1.36),
}


@pytest.mark.parametrize("name", PILLOW)
def test_pillows_operations_of_these_names_agree(name: str) -> None:
    pixels = np.random.default_rng(0).integers(20, 230, (40, 50, 3)).astype(np.uint8)
    theirs = np.asarray(PILLOW[name](Image.fromarray(pixels))).astype(int)
    ours = OPERATIONS[name](pixels, 0.7, Sign(1)).astype(int)  # type: ignore[arg-type]
    assert np.abs(ours - theirs).max() <= 2
    assert np.mean(ours == theirs) > 0.5


def test_two_operations_are_drawn_and_each_is_applied_half_of_the_time() -> None:
    rng = np.random.default_rng(1)
    augment = RandAugment(operations=("TranslateX",), level=10)
    pixels = np.zeros((4, 40, 3), np.uint8)
    applied = [int((augment(pixels, rng) == 128).any()) for _ in range(400)]
    assert 0.7 < np.mean(applied) < 0.8  # both left out: 1/4
    again = np.random.default_rng(1)
    assert applied == [int((augment(pixels, again) == 128).any()) for _ in range(400)]


def test_blips_operations_leave_colours_their_names() -> None:
    assert len(OPERATIONS) == 14
    assert set(OPERATIONS) - set(GENTLE) == {"Solarize", "Color", "Contrast", "Posterize"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"operations": ("Rotat",)}, "no operation 'Rotat': did you mean Rotate"),
        ({"level": 11}, "a level from 0 to 10"),
        ({"operations": ()}, "it has 0 operations"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RandAugment(**settings)
