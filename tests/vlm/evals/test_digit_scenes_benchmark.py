"""The benchmark's figures: what an all-knowing and an ignorant model would get, and how pointing is judged."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sightline.vlm import evals
from sightline.vlm.data.digit_scenes import Thing, sample_scenes
from sightline.vlm.evals import digit_scenes
from sightline.vlm.loaded import Features, Looked, WordMap

SCENES = 30


def pointing_at(thing: Thing | None, text: str) -> WordMap:
    grid = np.zeros((8, 8), dtype=np.float32)
    x, y = thing.centre if thing else (0, 0)
    grid[int(y) // 8, int(x) // 8] = 1
    return WordMap(text, grid)


class Knowing:
    """Answers from the scenes themselves; `wrong` makes it answer and point at nothing."""

    name = "knowing"

    def __init__(self, wrong: bool = False) -> None:
        scenes = sample_scenes(SCENES, digit_scenes.SEED, "held-out")
        self.scenes = {scene.pixels.tobytes(): scene for scene in scenes}
        self.captions = list(dict.fromkeys(scene.caption for scene in scenes))
        self.wrong = wrong

    def ask(self, images, questions, looked=None):
        return [
            self._answer(self.scenes[image.tobytes()], question)
            for image, question in zip(images, questions, strict=True)
        ]

    def _answer(self, scene, text):
        known = {question.text: question for question in scene.questions}
        if self.wrong or text not in known:
            return SimpleNamespace(text="nine hundred", looked=Looked("gradient", (pointing_at(None, "nine"),)))
        question = known[text]
        return SimpleNamespace(
            text=question.answer, looked=Looked("gradient", (pointing_at(question.about, question.answer),))
        )

    def caption(self, images, looked=None):
        return [self._caption(self.scenes[image.tobytes()]) for image in images]

    def _caption(self, scene):
        things = {} if self.wrong else {thing.ink: thing for thing in scene.things}
        words, ink = [], ""
        for word in scene.caption.split():
            words.append(pointing_at(things.get(ink), word))
            ink = word
        text = "nothing" if self.wrong else scene.caption.upper()
        return SimpleNamespace(text=text, looked=Looked("gradient", tuple(words)))

    def embed(self, images=None, texts=None, mode="image"):
        said = texts if images is None else [self.scenes[image.tobytes()].caption for image in images]
        marks = torch.eye(len(self.captions))[[self.captions.index(each) for each in said]]
        return Features(marks, marks.roll(1, 1)[:, None] if images is not None and self.wrong else (
            marks[:, None] if images is not None else marks
        ))  # fmt: skip


def figures_of(model) -> dict:
    return digit_scenes.evaluate(model, evals.silent, n=SCENES)


def test_a_model_that_knows_everything_gets_everything():
    figures = figures_of(Knowing())
    assert figures["vqa"]["accuracy"] == 1
    assert set(figures["vqa"]["by_type"].values()) == {1.0}
    assert (figures["caption"]["exact"], figures["caption"]["exact_up_to_two"]) == (1, 1)
    assert figures["retrieval"]["image_to_text_r1"] == 1
    assert (figures["looked"]["question_pointing"], figures["looked"]["caption_pointing"]) == (1, 1)
    assert figures["looked"]["chance"] == pytest.approx(0.13, abs=0.02)
    assert figures["shuffled_images"]["vqa"] < 0.5


def test_a_model_that_knows_nothing_gets_nothing():
    figures = figures_of(Knowing(wrong=True))
    assert figures["vqa"]["accuracy"] == figures["caption"]["exact"] == figures["retrieval"]["image_to_text_r1"] == 0
    assert figures["looked"]["question_pointing"] < 0.1  # it always points at the first corner
    assert figures["looked"]["caption_pointing"] < 0.1


def test_it_says_how_much_was_measured_and_on_what():
    figures = figures_of(Knowing())
    assert figures["n"]["scenes"] == SCENES
    assert sum(figures["n"]["by_type"].values()) == figures["n"]["questions"]
    assert (figures["split"], figures["model"], figures["seed"]) == ("held-out", "knowing", digit_scenes.SEED)


def test_progress_is_heard_for_every_part():
    heard = []
    digit_scenes.evaluate(Knowing(), lambda what, done, total: heard.append((what, done == total)), n=SCENES)
    assert {what for what, ended in heard if ended} == {"questions", "captions", "shuffled images", "retrieval"}


def test_pointing_is_judged_by_the_centre_of_the_highest_cell():
    thing = Thing(3, "red", (12, 20, 34, 42))
    grid = np.full((8, 8), 0.001, dtype=np.float32)
    grid[2, 1] = 1  # centre 12, 20: the corner that still belongs to the box
    assert digit_scenes.Pointed(WordMap("three", grid), thing).hit
    grid[2, 0] = 2  # centre 4, 20
    assert not digit_scenes.Pointed(WordMap("three", grid), thing).hit
    assert not digit_scenes.Pointed(WordMap("three", grid), None).hit


def test_an_unknown_benchmark_is_named_with_those_there_are():
    with pytest.raises(evals.BenchmarkError, match=r"'digit-scene'.*digit-scenes"):
        evals.run("digit-scene", Knowing())
