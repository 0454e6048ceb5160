"""Every image processor of transformers: our pixels are its own, or its file is refused naming a field."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

from sightline.vlm.config import ConfigError
from sightline.vlm.data.preprocess import Preprocess

PROCESSORS = sorted(
    {name for backends in IMAGE_PROCESSOR_MAPPING_NAMES.values() for name in backends.values() if "Pil" in (name or "")}
)
FLEXIBLE = "Siglip2ImageProcessorPil"
"""Gives flattened patches of any grid; `test_encoders` compares them."""


def pictures() -> list[Image.Image]:
    draws = np.random.default_rng(0)
    shapes = ((300, 400, 3), (500, 300, 3), (90, 91, 3))
    return [Image.fromarray(draws.integers(0, 255, shape, dtype=np.uint8)) for shape in shapes]


@pytest.mark.parametrize("name", [name for name in PROCESSORS if name != FLEXIBLE])
def test_pixels_are_those_of_the_image_processor_or_its_file_is_refused(name: str) -> None:
    try:
        theirs: Any = getattr(transformers, name)()
        ours = Preprocess.from_processor(theirs.to_dict())
    except (ImportError, OSError, TypeError, ConfigError):  # it cannot be made here, or its file is refused
        return
    for picture in pictures():
        wanted = theirs(picture, return_tensors="pt")["pixel_values"]
        torch.testing.assert_close(ours([picture]), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("do_pad", True),
        ("crop_pct", 0.9),
        ("do_flip_channel_order", True),
        ("include_top", True),
        ("size_divisor", 32),
        ("ensure_multiple_of", 14),
        ("do_something_new", True),
    ],
)
def test_a_step_that_is_not_understood_is_refused_by_its_field(field: str, value: Any) -> None:
    facts = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, field: value}
    with pytest.raises(ConfigError, match=f"{field} is {value!r}: a step that is not understood"):
        Preprocess.from_processor(facts)


def test_an_image_processor_of_another_kind_is_refused_by_its_name() -> None:
    facts = {"size": {"shortest_edge": 224}, "image_processor_type": "LevitImageProcessor"}
    with pytest.raises(ConfigError, match="image_processor_type is 'LevitImageProcessor'"):
        Preprocess.from_processor(facts)


def test_a_square_that_is_cropped_is_seen_without_its_edges() -> None:
    ours = Preprocess(size=24, squashed_edge=32)
    assert ours.seen(Image.new("RGB", (320, 160))).size == (240, 120)
