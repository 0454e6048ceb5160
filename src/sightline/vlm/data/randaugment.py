"""RandAugment (arXiv 1909.13719) with the operations, strengths and odds that LAVIS trains with.

A level of 10 is the full strength; an operation takes it as a share, 0 to 1, and draws a sign where it has two ways to
go. What an affine operation uncovers is grey. Colour operations are Pillow's by definition; values are cut to 0…255.

Shapes: H × W pixels of C = 3 channels, 8 bits each.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.vlm.config import ConfigError, closest

Pixels = NDArray[np.uint8]
Operation = Callable[[Pixels, float, np.random.Generator], Pixels]

GREY = 128.0
"""Fill value of what an affine operation uncovers."""
FULL = 10
"""The level at which an operation is at its strongest."""
LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in a grey picture."""
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
"""The blur that sharpness is measured against."""


def identity(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as all operations
    """The picture as it is."""
    return pixels


def auto_contrast(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Each channel stretched from its darkest and brightest value to 0 and 255."""
    low_C, high_C = pixels.min((0, 1)).astype(float), pixels.max((0, 1)).astype(float)
    flat_C = high_C <= low_C
    scale_C = 255 / np.where(flat_C, 1, high_C - low_C)
    return np.where(flat_C, pixels, _cut(np.arange(256)[:, None] * scale_C - low_C * scale_C)[pixels, range(3)])


def equalize(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Each channel's values spread so that equally many pixels lie between any two equal steps."""
    return np.stack([_equalized(pixels[:, :, channel]) for channel in range(3)], axis=2)


def _equalized(channel_HW: Pixels) -> Pixels:
    counts = np.bincount(channel_HW.ravel(), minlength=256)
    step = int(counts[counts > 0][:-1].sum()) // 255
    if step == 0:
        return channel_HW
    below = np.concatenate([[step // 2], counts[:-1]]).cumsum()
    return (below // step).clip(0, 255).astype(np.uint8)[channel_HW]


def solarize(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Values from a threshold upwards inverted."""
    return np.where(pixels < int(share * 256), pixels, 255 - pixels).astype(np.uint8)


def posterize(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Only the first bits of each value kept, up to four."""
    return pixels & np.uint8((255 << (8 - int(share * 4))) & 255)


def brightness(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Blended with black."""
    return _cut(pixels * _factor(share))


def contrast(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Blended with the mean of its grey picture."""
    mean = float((pixels.mean((0, 1)) * LUMA).sum())
    return _cut((pixels - mean) * _factor(share) + mean)


def color(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Blended with its grey picture."""
    grey_HW1 = (pixels @ LUMA)[:, :, None]
    return _cut(grey_HW1 + _factor(share) * (pixels - grey_HW1))


def sharpness(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:  # noqa: ARG001 - as above
    """Blended with a blurred one; the outermost pixels stay."""
    height, width = pixels.shape[:2]
    if height < 3 or width < 3:
        return pixels
    inner = sum(
        SMOOTH[down, right] * pixels[down : height - 2 + down, right : width - 2 + right]
        for down in range(3)
        for right in range(3)
    )
    blurred = np.round(inner)
    sharp = pixels.copy()
    sharp[1:-1, 1:-1] = _cut(blurred + _factor(share) * (pixels[1:-1, 1:-1] - blurred))
    return sharp


def rotate(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Turned about its middle, up to 30 degrees either way."""
    angle = math.radians(_either(share * 30, rng))
    across, down = pixels.shape[1] / 2, pixels.shape[0] / 2
    cos, sin = math.cos(angle), math.sin(angle)
    return warped(
        pixels,
        (cos, -sin, across - cos * across + sin * down),
        (sin, cos, down - sin * across - cos * down),
    )


def shear_x(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Rows pushed along, the lower the further, up to 0.3 pixels a row either way."""
    return warped(pixels, (1, -_either(share * 0.3, rng), 0), (0, 1, 0))


def shear_y(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Columns pushed along, the further right the further, up to 0.3 pixels a column either way."""
    return warped(pixels, (1, 0, 0), (-_either(share * 0.3, rng), 1, 0))


def translate_x(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Pushed sideways, up to 10 pixels either way."""
    return warped(pixels, (1, 0, _either(share * 10, rng)), (0, 1, 0))


def translate_y(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Pushed up or down, up to 10 pixels either way."""
    return warped(pixels, (1, 0, 0), (0, 1, _either(share * 10, rng)))


OPERATIONS: dict[str, Operation] = {
    "Identity": identity,
    "AutoContrast": auto_contrast,
    "Equalize": equalize,
    "Rotate": rotate,
    "Solarize": solarize,
    "Color": color,
    "Contrast": contrast,
    "Brightness": brightness,
    "Sharpness": sharpness,
    "ShearX": shear_x,
    "TranslateX": translate_x,
    "TranslateY": translate_y,
    "Posterize": posterize,
    "ShearY": shear_y,
}
"""By the names that configs use."""

GENTLE = tuple(name for name in OPERATIONS if name not in ("Solarize", "Color", "Contrast", "Posterize"))
"""Those that leave colours what they are, as captions name them: what BLIP trains with."""


@dataclass(frozen=True, kw_only=True)
class RandAugment:
    """Some operations drawn for each picture, each applied or not."""

    operations: tuple[str, ...] = GENTLE
    """Of `OPERATIONS`."""
    times: int = 2
    """How many are drawn; one may come twice."""
    level: int = 5
    """Strength, 0 to 10."""
    chance: float = 0.5
    """Of a drawn operation to be applied."""

    def __post_init__(self) -> None:
        if unknown := [name for name in self.operations if name not in OPERATIONS]:
            raise ConfigError(f"RandAugment has no operation {unknown[0]!r}: {closest(unknown[0], OPERATIONS)}")
        if not self.operations or not 0 <= self.level <= FULL:
            raise ConfigError(
                f"RandAugment needs operations and a level from 0 to {FULL}: it has {len(self.operations)} operations "
                f"and level {self.level}"
            )

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Pixels `[H, W, 3]`; the same generator state gives the same ones."""
        for name in rng.choice(self.operations, self.times):
            if rng.random() < self.chance:
                pixels = OPERATIONS[str(name)](pixels, self.level / FULL, rng)
        return pixels


def warped(pixels: Pixels, across: tuple[float, float, float], down: tuple[float, float, float]) -> Pixels:
    """Pixel (x, y) taken from (across · [x, y, 1], down · [x, y, 1]), bilinearly; grey where that lies outside."""
    height, width = pixels.shape[:2]
    y_H1, x_1W = np.arange(height, dtype=float)[:, None], np.arange(width, dtype=float)[None]
    from_x_HW = across[0] * x_1W + across[1] * y_H1 + across[2]
    from_y_HW = down[0] * x_1W + down[1] * y_H1 + down[2]
    framed = np.full((height + 4, width + 4, 3), GREY, np.float32)
    framed[2:-2, 2:-2] = pixels
    left_HW = np.floor(from_x_HW).clip(-2, width)  # wholly outside: between two grey pixels of the frame
    top_HW = np.floor(from_y_HW).clip(-2, height)
    right_HW1 = (from_x_HW - left_HW).clip(0, 1).astype(np.float32)[:, :, None]
    lower_HW1 = (from_y_HW - top_HW).clip(0, 1).astype(np.float32)[:, :, None]
    at_HW = ((top_HW + 2) * (width + 4) + left_HW + 2).astype(np.intp)
    line, flat = width + 4, framed.reshape(-1, 3)
    upper = flat[at_HW] * (1 - right_HW1) + flat[at_HW + 1] * right_HW1
    under = flat[at_HW + line] * (1 - right_HW1) + flat[at_HW + line + 1] * right_HW1
    warped_HWC: Pixels = np.rint(upper * (1 - lower_HW1) + under * lower_HW1).clip(0, 255).astype(np.uint8)
    return warped_HWC


def _factor(share: float) -> float:
    """How far a blend goes from the plain picture (0.1) past the picture itself (1.0)."""
    return share * 1.8 + 0.1


def _either(size: float, rng: np.random.Generator) -> float:
    return -size if rng.random() < 0.5 else size


def _cut(values: NDArray[np.floating]) -> Pixels:
    return values.clip(0, 255).astype(np.uint8)
