"""The shipped model on held-out handwriting: what its card says, measured again."""

import json
from typing import Any

import pytest

from sightline.vlm import evals, load
from sightline.vlm.evals.progress import silent
from sightline.vlm.recipes.tiny.card import rows
from sightline.vlm.weights.catalog import CATALOG

FOLDER = CATALOG["sightline-tiny"].folder
CHANCE = 0.30
"""At most so many answers are right for one who reads the questions and sees another image."""


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return evals.run("digit-scenes", load("sightline-tiny"), silent)


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return json.loads((FOLDER / "evaluation.json").read_text())


def test_it_answers_every_kind_of_question(measured):
    assert measured["vqa"]["accuracy"] >= 0.97
    assert min(measured["vqa"]["by_type"].values()) >= 0.88


def test_it_captions_scenes(measured):
    assert measured["caption"]["exact_up_to_two"] >= 0.90
    assert measured["caption"]["exact"] >= 0.70


def test_it_finds_the_caption_of_an_image(measured):
    assert measured["n"]["retrieval_candidates"] == 100
    assert measured["retrieval"]["image_to_text_r1"] >= 0.95


def test_it_looks_at_the_image_and_does_not_guess_from_the_question(measured):
    assert measured["shuffled_images"]["vqa"] <= CHANCE


def test_its_maps_peak_on_the_digit_that_the_word_names(measured):
    assert measured["looked"]["question_pointing"] >= 0.97
    assert measured["looked"]["caption_pointing"] >= 0.78
    assert measured["looked"]["chance"] < 0.15


def test_its_card_says_what_is_measured(measured, said):
    for (name, share), (_, again) in zip(rows(said), rows(measured), strict=True):
        assert share == pytest.approx(again, abs=0.01), name  # another processor may tip a few of the closest calls
    card = (FOLDER / "README.md").read_text()
    for name, share in rows(said):
        assert f"| {name} | {share:.1%} |" in card
