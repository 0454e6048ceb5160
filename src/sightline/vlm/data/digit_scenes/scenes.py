"""Scenes drawn from handwriting: where the digits stand, how they are inked, what may be said about them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from sightline.vlm.data.digit_scenes.grammar import (
    CLEAR_PX,
    INKS,
    Box,
    Question,
    Thing,
    caption_of,
    in_caption_order,
    questions_about,
)
from sightline.vlm.data.digit_scenes.handwriting import Handwriting, Split, handwriting

CANVAS_PX = 64
"""Height and width of a scene."""
SIDE_PX = (20, 26)
"""Smallest and largest side of a digit's box."""
AXIS_RATIO = 1.6
"""Of two digits one axis must separate the centres this many times farther than the other."""
PROPOSALS = (1, 8, 64, 512)
"""Layouts drawn at once for one, two, three and four digits: about as many as hold one good one."""

INK_RGB = {
    "red": (235, 60, 50),
    "green": (60, 205, 85),
    "blue": (75, 125, 250),
    "yellow": (245, 220, 60),
    "purple": (195, 85, 230),
    "white": (240, 240, 240),
}
"""Mean colour of each ink, before it is jittered."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """A picture and everything that is true of it."""

    pixels: Pixels
    """`[64, 64, 3]`, RGB."""
    things: tuple[Thing, ...]
    """In caption order."""
    caption: str
    questions: tuple[Question, ...]
    """One of every kind that has a single right answer here."""

    @property
    def image(self) -> Image.Image:
        return Image.fromarray(self.pixels)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How scenes are drawn; the defaults are the world that evaluations live in."""

    count_shares: tuple[float, float, float, float] = (0.20, 0.45, 0.20, 0.15)
    """Share of scenes with one, two, three and four digits."""
    shear: float = 0.15
    """Largest shift of a row, as a share of its distance from the middle."""
    turn_deg: float = 0.0
    """Largest turn either way."""
    squeeze: float = 0.0
    """Largest change of width or height, as a share."""


WORLD = Drawing()
"""How the scenes of evaluations are drawn: no augmentation beyond the shear of handwriting."""


def sample_scenes(n: int, seed: int, split: Split, drawing: Drawing = WORLD, first: int = 0) -> list[Scene]:
    """Scenes `first` to `first + n` of the series of this seed and split; each depends on its own number only."""
    hands = handwriting(split)
    series = (seed, 0 if split == "train" else 1)
    return [_scene(hands, drawing, np.random.default_rng((*series, first + i))) for i in range(n)]


def sample_layouts(n: int, seed: int, drawing: Drawing = WORLD) -> list[list[Box]]:
    """Where things stand in `n` scenes nobody draws: for text about scenes."""
    rng = np.random.default_rng((seed, 2))
    return [_boxes(_count(drawing, rng), rng) for _ in range(n)]


def _count(drawing: Drawing, rng: np.random.Generator) -> int:
    return 1 + int(np.searchsorted(np.cumsum(drawing.count_shares)[:3], rng.random(), side="right"))


def _scene(hands: Handwriting, drawing: Drawing, rng: np.random.Generator) -> Scene:
    count = _count(drawing, rng)
    boxes = _boxes(count, rng)
    inks = rng.permutation(len(INKS))[:count]
    scans = rng.integers(len(hands.labels), size=count)
    canvas = _ground(rng)
    things = []
    for box, ink, scan in zip(boxes, inks, scans, strict=True):
        thing = Thing(int(hands.labels[scan]), INKS[ink], box)
        _draw(canvas, _penned(hands.strokes[scan], box[2] - box[0], drawing, rng), thing, rng)
        things.append(thing)
    ordered = in_caption_order(things)
    pixels = np.clip(canvas, 0, 255).astype(np.uint8)
    return Scene(pixels, ordered, caption_of(ordered), questions_about(ordered, rng))


def _ground(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A dark noisy canvas `[64, 64, 3]`."""
    tone = rng.uniform(5, 45, size=3).astype(np.float32)
    noise = rng.standard_normal((CANVAS_PX, CANVAS_PX, 3), dtype=np.float32)
    return (tone + noise * np.float32(rng.uniform(4, 10))).astype(np.float32, copy=False)


def _penned(strokes: Pixels, side: int, drawing: Drawing, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """One scan at its size in the scene, sheared, turned and squeezed a little: `[side, side, 1]`, 0 to 1."""
    shear, turn, wide, high = rng.uniform(-1, 1, size=4)
    sine, cosine = np.sin(np.deg2rad(turn * drawing.turn_deg)), np.cos(np.deg2rad(turn * drawing.turn_deg))
    slant = np.array([[1, shear * drawing.shear], [0, 1]]) @ np.array([[cosine, -sine], [sine, cosine]])
    scale = len(strokes) / side
    back = slant * np.array([[1 + wide * drawing.squeeze], [1 + high * drawing.squeeze]]) * scale  # scene → scan
    start = len(strokes) / 2 - back @ np.array([side / 2, side / 2])  # the middle stays in place
    rows = (back[0, 0], back[0, 1], start[0], back[1, 0], back[1, 1], start[1])
    drawn = Image.fromarray(strokes).transform((side, side), Image.Transform.AFFINE, rows, Image.Resampling.BICUBIC)
    return (np.asarray(drawn, dtype=np.float32) / np.float32(255))[..., None]


def _draw(
    canvas: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32], thing: Thing, rng: np.random.Generator
) -> None:
    """Inks strokes into their box."""
    left, top, right, bottom = thing.box
    ink = np.asarray(INK_RGB[thing.ink], dtype=np.float32) + rng.uniform(-15, 15, size=3).astype(np.float32)
    canvas[top:bottom, left:right] += alpha * (ink - canvas[top:bottom, left:right])


def _boxes(count: int, rng: np.random.Generator) -> list[Box]:
    """Boxes that do not overlap and whose order is clear, by rejection sampling."""
    proposals = PROPOSALS[count - 1]
    while True:
        sides_TN = rng.integers(SIDE_PX[0], SIDE_PX[1] + 1, size=(proposals, count))
        corners_TN2 = (rng.random((proposals, count, 2)) * (CANVAS_PX + 1 - sides_TN[..., None])).astype(np.int64)
        good_T = _clear(corners_TN2, sides_TN)
        if good_T.any():
            pick = int(good_T.argmax())
            return [
                (int(x), int(y), int(x + side), int(y + side))
                for (x, y), side in zip(corners_TN2[pick], sides_TN[pick], strict=True)
            ]


def _clear(corners_TN2: npt.NDArray[np.int64], sides_TN: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of T proposals of N boxes have no overlap and one clear order."""
    count = sides_TN.shape[1]
    one, other = np.triu_indices(count, 1)  # every pair once
    centres_TN2 = corners_TN2 + sides_TN[..., None] / 2
    apart_TP2 = np.abs(centres_TN2[:, one] - centres_TN2[:, other])
    reach_TP = (sides_TN[:, one] + sides_TN[:, other]) / 2
    across_TP, down_TP = apart_TP2[..., 0], apart_TP2[..., 1]
    farther_TP, nearer_TP = np.maximum(across_TP, down_TP), np.minimum(across_TP, down_TP)
    ordered_TP = farther_TP >= AXIS_RATIO * nearer_TP if count == 2 else across_TP >= CLEAR_PX
    return np.asarray(((farther_TP >= reach_TP) & ordered_TP).all(1))
