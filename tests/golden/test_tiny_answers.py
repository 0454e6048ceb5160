"""The shipped model's words on fixed held-out scenes: a change of any layer that changes an answer shows here."""

from collections.abc import Callable
from typing import Any

from sightline import vlm
from sightline.vlm.data.digit_scenes import sample_scenes


def test_the_tiny_model_says_what_it_said(golden: Callable[[str, Any], Any]) -> None:
    model = vlm.load("sightline-tiny")
    scenes = sample_scenes(6, seed=2026, split="held-out")
    said = []
    for scene in scenes:
        questions = [question.text for question in scene.questions[:3]]
        answers = model.ask(scene.image, questions)
        said.append(
            {
                "caption": model.caption(scene.image, num_beams=3)[0].text,
                "answers": dict(zip(questions, (answer.text for answer in answers), strict=True)),
            }
        )
    assert said == golden("tiny_answers", said)
