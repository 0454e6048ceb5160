"""LAVIS' processors by name."""

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.vlm.config import ConfigError
from sightline.vlm.lavis import load_preprocess, load_processor


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 255, (50, 30, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("blip_caption", 'A Dog.  It (really) barks: "loud"!\n', "a dog it really barks loud"),
        ("blip_caption", "one " * 60, " ".join(["one"] * 50)),
        ("blip_question", "Which digit is RED? (think)  ", "which digit is red? think"),
        ("blip_instruction", "Write: it down.", "write it down"),
    ],
)
def test_texts_are_cleaned(name: str, text: str, read: str) -> None:
    assert load_processor(name)(text) == read


def test_a_caption_can_have_a_prompt() -> None:
    assert load_processor("blip_caption", {"prompt": "a photo of "})("A Dog") == "a photo of a dog"


def test_a_picture_becomes_pixels_of_a_square() -> None:
    pixels_CHW = load_processor("blip_image_eval", {"image_size": 24})(picture())
    assert pixels_CHW.shape == (3, 24, 24)
    assert pixels_CHW.dtype == torch.float32


def test_training_sees_another_part_each_time() -> None:
    processor = load_processor("blip2_image_train", {"image_size": 24})
    assert not torch.equal(processor(picture()), processor(picture()))


def test_processors_are_built_from_lavis_settings() -> None:
    images, texts = load_preprocess(
        {"vis_processor": {"eval": {"name": "blip_image_eval", "image_size": 12}}, "text_processor": {}}
    )
    assert images["eval"](picture()).shape == (3, 12, 12)
    assert texts["train"]("As It Is") == "As It Is"


def test_an_unknown_processor_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean blip_image_eval"):
        load_processor("blip_image_evl")
