"""Heat maps over a picture, in a colour scale whose lightness rises evenly from dark to light.

The scale walks from violet over red to yellow in OKLCH (Ottosson 2020), where equal steps look equally far apart; so it
reads the same in grey and to most colour-blind eyes. N colours.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

LIGHTNESS = (0.20, 0.93)
"""OKLCH lightness of the coldest and the hottest colour."""
HUE_DEGREES = (290.0, 465.0)
"""OKLCH hue of both; past 360 it goes on from red to yellow."""
CHROMA = 0.19
"""Largest OKLCH chroma, in the middle of the scale."""
OKLAB_TO_CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
"""OKLab to the cube roots of cone responses (LMS), as Ottosson published it."""
CONES_TO_LINEAR_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
"""LMS to linear sRGB, from the same source."""
SHEET_TILE_PX = 256
"""Side of one picture on a contact sheet."""
LABEL_PX = 22
"""Height of the line of text below it."""


@cache
def colour_scale() -> NDArray[np.uint8]:
    """256 colours `[256, 3]`, coldest first."""
    at_N = np.linspace(0, 1, 256)
    lightness_N = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * at_N
    hue_N = np.radians(HUE_DEGREES[0] + (HUE_DEGREES[1] - HUE_DEGREES[0]) * at_N)
    chroma_N = CHROMA * np.sin(np.pi * (0.25 + 0.55 * at_N))
    lab_N3 = np.stack([lightness_N, chroma_N * np.cos(hue_N), chroma_N * np.sin(hue_N)], 1)
    linear_N3 = np.clip((lab_N3 @ OKLAB_TO_CONES.T) ** 3 @ CONES_TO_LINEAR_RGB.T, 0, 1)
    srgb_N3 = np.where(linear_N3 <= 0.0031308, 12.92 * linear_N3, 1.055 * linear_N3 ** (1 / 2.4) - 0.055)
    scale: NDArray[np.uint8] = np.round(srgb_N3 * 255).astype(np.uint8)
    return scale


def overlay(image: Image.Image, grid: NDArray[np.float32], opacity: float = 0.6) -> Image.Image:
    """The picture, of its own size, under the heat of `grid` `[rows, cols]`; hot places are more opaque."""
    heat = Image.fromarray(grid / max(float(grid.max()), 1e-12)).resize(image.size, Image.Resampling.BICUBIC)
    heat_HW = np.asarray(heat).clip(0, 1)
    colours_HW3 = colour_scale()[np.round(heat_HW * 255).astype(np.uint8)]
    mix_HW1 = (opacity * (0.3 + 0.7 * heat_HW))[:, :, None]
    pixels_HW3 = np.asarray(image.convert("RGB"), dtype=np.float32)
    return Image.fromarray(np.round(pixels_HW3 * (1 - mix_HW1) + colours_HW3 * mix_HW1).astype(np.uint8))


def sheet(tiles: list[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures side by side in rows of at most six, each with its label below."""
    across = min(6, len(tiles))
    down = -(-len(tiles) // across)
    canvas = Image.new("RGB", (across * SHEET_TILE_PX, down * (SHEET_TILE_PX + LABEL_PX)), "white")
    draw = ImageDraw.Draw(canvas)
    for at, (label, tile) in enumerate(tiles):
        left, top = at % across * SHEET_TILE_PX, at // across * (SHEET_TILE_PX + LABEL_PX)
        scale = SHEET_TILE_PX / max(tile.size)
        size = (max(1, round(tile.width * scale)), max(1, round(tile.height * scale)))
        canvas.paste(tile.resize(size, Image.Resampling.BICUBIC), (left, top))
        draw.text((left + 4, top + SHEET_TILE_PX + 4), label, fill="black", font_size=13)
    return canvas
