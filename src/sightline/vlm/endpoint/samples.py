"""Pictures to try a model on: for digit-scene models, scenes of handwriting held out from training."""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sightline.vlm.data.digit_scenes import sample_scenes

COUNT = 12
"""Sample pictures offered."""
SEED = 2026
"""Of the scenes shown, which no benchmark uses."""


@dataclass(frozen=True)
class Sample:
    """A picture with something to ask about it."""

    id: str
    caption: str
    suggestions: tuple[str, ...]
    png: bytes


@cache
def digit_samples() -> dict[str, Sample]:
    """The same scenes every time, by id."""
    samples = {}
    for number, scene in enumerate(sample_scenes(COUNT, SEED, "held-out")):
        buffer = io.BytesIO()
        scene.image.save(buffer, "PNG")
        name = f"held-out-{number}"
        questions = tuple(f"{question.text.capitalize()}?" for question in scene.questions)
        samples[name] = Sample(name, scene.caption, questions, buffer.getvalue())
    return samples


def samples_of(models: list[str]) -> dict[str, Sample]:
    """Samples for the models that are served, by id."""
    return digit_samples() if any(Path(name).name == "sightline-tiny" for name in models) else {}
