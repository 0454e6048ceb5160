"""What can be said about a scene: one canonical caption, and questions with exactly one right answer.

Captions name the things in a fixed order, so that there is one correct caption for a scene:

    one         a red three
    two         a red three left of a blue seven      (or: above; the first is the left or the upper one)
    three, four a red three then a blue seven then a green one      (from left to right)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""Names of the ten classes, by label."""
INKS = ("red", "green", "blue", "yellow", "purple", "white")
"""Names of the colours a digit can have; no two digits of a scene share one."""
KINDS = ("count", "colour", "digit", "exist", "position", "larger")
"""Kinds of questions, in the order in which a scene gets them."""

CLEAR_PX = 8.0
"""Two centres nearer than this along an axis are not called left, right, above or below."""

FORMS = {
    "count": ("how many digits are there", "how many digits do you see", "how many digits"),
    "colour": ("what colour is the {}", "which colour is the {}"),
    "digit": ("which digit is {}", "what digit is {}", "what is the {} digit"),
    "exist": ("is there a {}", "do you see a {}"),
    "position": ("which digit is {}", "what digit is {}", "what is the digit {}"),
    "larger": ("which digit is larger", "which is larger", "which of the two is larger"),
}
"""Wordings of each kind of question; one is drawn."""
PLACES = {"on the left": (0, 1), "on the right": (0, -1), "at the top": (1, 1), "at the bottom": (1, -1)}
"""Place → (axis, sign): the thing with the smallest sign × centre along the axis."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are outside."""


@dataclass(frozen=True)
class Thing:
    """One digit of a scene."""

    digit: int
    ink: str
    box: Box

    @property
    def word(self) -> str:
        return DIGITS[self.digit]

    @property
    def centre(self) -> tuple[float, float]:
        """x, y in pixels."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    def holds(self, x_px: float, y_px: float) -> bool:
        """Whether a point lies in the box."""
        left, top, right, bottom = self.box
        return left <= x_px < right and top <= y_px < bottom

    def __str__(self) -> str:
        return f"a {self.ink} {self.word}"


@dataclass(frozen=True)
class Question:
    """A question about a scene and its answer."""

    kind: str
    text: str
    answer: str
    about: Thing | None = None
    """The thing whose digit the answer names, where it names one."""


def in_caption_order(things: list[Thing]) -> tuple[Thing, ...]:
    """Left to right; two things of which one is clearly above the other: top to bottom."""
    axis = 1 if len(things) == 2 and _upright(things) else 0
    return tuple(sorted(things, key=lambda thing: thing.centre[axis]))


def caption_of(things: tuple[Thing, ...]) -> str:
    """The one correct caption of things in caption order."""
    if len(things) == 2:
        return f"{things[0]} {'above' if _upright(things) else 'left of'} {things[1]}"
    return " then ".join(str(thing) for thing in things)


def questions_about(things: tuple[Thing, ...], rng: np.random.Generator) -> tuple[Question, ...]:
    """One question of every kind that has a single right answer here, in the order of `KINDS`."""
    asked = (MAKERS[kind](things, rng) for kind in KINDS)
    return tuple(question for question in asked if question is not None)


def question_of(kind: str, things: tuple[Thing, ...], rng: np.random.Generator) -> Question | None:
    """A question of this kind, or None where the scene gives it no single answer."""
    return MAKERS[kind](things, rng)


def _upright(things: list[Thing] | tuple[Thing, ...]) -> bool:
    (x0, y0), (x1, y1) = things[0].centre, things[1].centre
    return abs(y0 - y1) > abs(x0 - x1)


def _say(kind: str, rng: np.random.Generator, slot: str = "") -> str:
    return FORMS[kind][rng.integers(len(FORMS[kind]))].format(slot)


def _count(things: tuple[Thing, ...], rng: np.random.Generator) -> Question:
    return Question("count", _say("count", rng), DIGITS[len(things)])


def _colour(things: tuple[Thing, ...], rng: np.random.Generator) -> Question | None:
    digits = [thing.digit for thing in things]
    single = [thing for thing in things if digits.count(thing.digit) == 1]
    if not single:
        return None
    thing = single[rng.integers(len(single))]
    return Question("colour", _say("colour", rng, thing.word), thing.ink)


def _digit(things: tuple[Thing, ...], rng: np.random.Generator) -> Question:
    thing = things[rng.integers(len(things))]  # inks never repeat in a scene
    return Question("digit", _say("digit", rng, thing.ink), thing.word, thing)


def _exist(things: tuple[Thing, ...], rng: np.random.Generator) -> Question:
    present = sorted({thing.digit for thing in things})
    absent = [digit for digit in range(10) if digit not in present]
    there = bool(rng.integers(2))
    digits = present if there else absent
    return Question("exist", _say("exist", rng, DIGITS[digits[rng.integers(len(digits))]]), "yes" if there else "no")


def _position(things: tuple[Thing, ...], rng: np.random.Generator) -> Question | None:
    if len(things) < 2:
        return None
    for index in rng.permutation(len(PLACES)):
        place, (axis, sign) = list(PLACES.items())[index]
        first, second, *_ = sorted(things, key=lambda thing: sign * thing.centre[axis])
        if abs(first.centre[axis] - second.centre[axis]) >= CLEAR_PX:
            return Question("position", _say("position", rng, place), first.word, first)
    return None


def _larger(things: tuple[Thing, ...], rng: np.random.Generator) -> Question | None:
    if len(things) != 2 or things[0].digit == things[1].digit:
        return None
    larger = max(things, key=lambda thing: thing.digit)
    return Question("larger", _say("larger", rng), larger.word, larger)


MAKERS: dict[str, Callable[[tuple[Thing, ...], np.random.Generator], Question | None]] = {
    "count": _count,
    "colour": _colour,
    "digit": _digit,
    "exist": _exist,
    "position": _position,
    "larger": _larger,
}
"""What makes a question of each kind, or None where a scene gives it no single answer."""
