"""Scenes of handwriting: nothing held out is ever trained on, and what is said of a scene is true."""

from collections import Counter

import numpy as np
import pytest

from sightline.vlm.data.digit_scenes import (
    CANVAS_PX,
    DIGITS,
    INKS,
    KINDS,
    Drawing,
    Scene,
    Thing,
    caption_of,
    handwriting,
    in_caption_order,
    question_of,
    questions_about,
    sample_layouts,
    sample_scenes,
)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return sample_scenes(200, seed=3, split="held-out")


def test_no_scan_is_in_both_splits():
    train, held_out = handwriting("train"), handwriting("held-out")
    assert (len(train.labels), len(held_out.labels)) == (1397, 400)
    assert not set(train.indices) & set(held_out.indices)
    assert set(train.indices) | set(held_out.indices) == set(range(1797))


def test_the_same_seed_draws_the_same_scenes(scenes):
    again = sample_scenes(200, seed=3, split="held-out")
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(scenes, again, strict=True))
    assert [scene.questions for scene in scenes] == [scene.questions for scene in again]


def test_a_scene_depends_on_its_own_number_only(scenes):
    later = sample_scenes(3, seed=3, split="held-out", first=10)
    assert [scene.caption for scene in later] == [scene.caption for scene in scenes[10:13]]


def test_splits_and_seeds_differ():
    pictures = {sample_scenes(1, seed, split)[0].pixels.tobytes() for seed in (1, 2) for split in ("train", "held-out")}
    assert len(pictures) == 4


def test_scenes_hold_one_to_four_digits_in_the_stated_shares():
    counts = Counter(len(scene.things) for scene in sample_scenes(1000, seed=5, split="train"))
    for count, share in zip((1, 2, 3, 4), Drawing().count_shares, strict=True):
        assert counts[count] / 1000 == pytest.approx(share, abs=0.05)


def test_boxes_lie_on_the_canvas_without_overlap(scenes):
    for scene in scenes:
        taken = np.zeros((CANVAS_PX, CANVAS_PX), dtype=int)
        for thing in scene.things:
            left, top, right, bottom = thing.box
            assert 20 <= right - left == bottom - top <= 26
            taken[top:bottom, left:right] += 1
        assert taken.sum() == sum((thing.box[2] - thing.box[0]) ** 2 for thing in scene.things)
        assert taken.max() == 1


def test_ink_is_where_its_box_is(scenes):
    for scene in scenes[:50]:
        boxed = np.zeros((CANVAS_PX, CANVAS_PX), dtype=bool)
        for thing in scene.things:
            left, top, right, bottom = thing.box
            boxed[top:bottom, left:right] = True
        assert scene.pixels[boxed].max() > 150
        assert scene.pixels[~boxed].max() < 110


def test_inks_never_repeat_in_a_scene(scenes):
    assert all(len({thing.ink for thing in scene.things}) == len(scene.things) for scene in scenes)


def test_captions_name_things_in_their_order():
    red, blue, white = (
        Thing(3, "red", (2, 4, 24, 26)),
        Thing(7, "blue", (40, 6, 62, 28)),
        Thing(0, "white", (20, 40, 42, 62)),
    )
    assert caption_of(in_caption_order([red])) == "a red three"
    assert caption_of(in_caption_order([blue, red])) == "a red three left of a blue seven"
    assert caption_of(in_caption_order([white, red])) == "a red three above a white zero"
    assert caption_of(in_caption_order([blue, white, red])) == "a red three then a white zero then a blue seven"


def test_two_digits_stand_clearly_beside_or_above_each_other(scenes):
    for scene in (scene for scene in scenes if len(scene.things) == 2):
        (x0, y0), (x1, y1) = (thing.centre for thing in scene.things)
        near, far = sorted((abs(x0 - x1), abs(y0 - y1)))
        assert far >= 1.6 * near
        assert ("above" in scene.caption) == (abs(y0 - y1) > abs(x0 - x1))


def test_three_and_more_have_clearly_different_columns(scenes):
    for scene in (scene for scene in scenes if len(scene.things) > 2):
        centres = [thing.centre[0] for thing in scene.things]
        assert np.diff(centres).min() >= 8


def true_answer(kind: str, text: str, things: tuple[Thing, ...]) -> str:
    """The answer worked out anew from the question's words."""
    words = text.split()
    named = [thing for thing in things if thing.word in words]
    inked = [thing for thing in things if thing.ink in words]
    places = {"left": (0, min), "right": (0, max), "top": (1, min), "bottom": (1, max)}
    match kind:
        case "count":
            return DIGITS[len(things)]
        case "colour":
            return named[0].ink
        case "digit":
            return inked[0].word
        case "exist":
            return "yes" if named else "no"
        case "position":
            axis, extreme = places[words[-1]]
            return extreme(things, key=lambda thing: thing.centre[axis]).word
    return DIGITS[max(thing.digit for thing in things)]


def test_questions_have_the_one_right_answer(scenes):
    asked = Counter()
    for scene in scenes:
        for question in scene.questions:
            assert question.answer == true_answer(question.kind, question.text, scene.things), question
            asked[question.kind] += 1
    assert set(asked) == set(KINDS)


def test_answers_that_name_a_digit_say_which_thing_they_are_about(scenes):
    for scene in scenes:
        for question in scene.questions:
            names_one = question.kind in ("digit", "position", "larger")
            assert (question.about is not None) == names_one
            assert question.about is None or question.about.word == question.answer


def test_questions_without_a_single_answer_are_not_asked():
    rng = np.random.default_rng(0)
    twins = (Thing(5, "red", (2, 4, 24, 26)), Thing(5, "blue", (40, 6, 62, 28)))
    assert question_of("colour", twins, rng) is None
    assert question_of("larger", twins, rng) is None
    assert question_of("position", twins[:1], rng) is None
    assert {question.kind for question in questions_about(twins, rng)} == {"count", "digit", "exist", "position"}


def test_yes_and_no_are_asked_for_alike():
    scenes = sample_scenes(400, seed=9, split="held-out")
    answers = Counter(q.answer for scene in scenes for q in scene.questions if q.kind == "exist")
    assert answers["yes"] / sum(answers.values()) == pytest.approx(0.5, abs=0.08)


def test_layouts_follow_the_rules_of_scenes():
    layouts = sample_layouts(50, seed=1)
    assert layouts == sample_layouts(50, seed=1)
    for boxes in layouts:
        things = [Thing(1, ink, box) for ink, box in zip(INKS, boxes, strict=False)]
        assert 1 <= len(in_caption_order(things)) <= 4


def test_a_box_holds_its_own_centre_only_inside():
    thing = Thing(1, "red", (10, 20, 30, 40))
    assert thing.holds(*thing.centre)
    assert thing.holds(10, 20)
    assert not thing.holds(30, 25)
