"""LAVIS' processors by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.vlm.config import ConfigError
from sightline.vlm.data.randaugment import RandAugment
from sightline.vlm.lavis import load_preprocess, load_processor, registry


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


def test_the_same_generator_draws_the_same_pixels_again() -> None:
    for name in ("blip_image_train", "blip2_image_train", "clip_image_train"):
        processor = load_processor(name, {"image_size": 24})
        drawn = []
        for _ in range(2):
            processor.rng = np.random.default_rng(5)  # type: ignore[attr-defined]
            drawn.append([processor(picture()) for _ in range(8)])
        assert all(torch.equal(one, other) for one, other in zip(*drawn, strict=True))


def test_blip_trains_with_randaugment_and_blip2_without() -> None:
    assert load_processor("blip_image_train").augment.then == RandAugment()  # type: ignore[attr-defined]
    assert load_processor("blip2_image_train").augment.then is None  # type: ignore[attr-defined]
    clip = load_processor("clip_image_train").augment  # type: ignore[attr-defined]
    assert (clip.mirror, clip.area, clip.preprocess.size) == (False, (0.9, 1.0), 224)


@pytest.mark.parametrize("size", [(30, 50), (51, 30), (24, 24), (7, 90), (1, 40)])
def test_clip_cuts_a_square_from_the_middle_of_the_resized_picture(size: tuple[int, int]) -> None:
    shown = Image.fromarray(np.random.default_rng(2).integers(0, 255, (*size[::-1], 3), dtype=np.uint8))
    short = min(size)
    wide, high = (24 if length == short else int(24 * length / short) for length in size)
    left, top = round((wide - 24) / 2), round((high - 24) / 2)
    square = shown.resize((wide, high), Image.Resampling.BICUBIC).crop((left, top, left + 24, top + 24))
    processor = load_processor("clip_image_eval", {"image_size": 24, "mean": (0.0,) * 3, "std": (1.0,) * 3})
    expected = torch.from_numpy(np.asarray(square).astype(np.float32) / 255).permute(2, 0, 1)
    torch.testing.assert_close(processor(shown), expected, atol=1e-6, rtol=0)


def test_a_picture_as_thin_as_a_thread_is_cut_without_being_made_whole() -> None:
    thread = Image.new("RGB", (1, 60_000), (255, 0, 0))
    pixels = load_processor("clip_image_eval", {"image_size": 24, "mean": (0.0,) * 3, "std": (1.0,) * 3})(thread)
    assert pixels.shape == (3, 24, 24)
    assert pixels[0].min() == 1


def test_the_processors_of_lavis_that_a_vision_language_model_needs_are_all_here() -> None:
    needed = "image_train image_eval caption question instruction".split()
    names = [f"blip_{name}" for name in needed] + ["blip2_image_train", "clip_image_train", "clip_image_eval"]
    assert set(registry.list_processors()) == {*names, "gpt_dialogue", "gpt_video_ft"}


@pytest.mark.parametrize(
    ("settings", "text", "read"),
    [
        ({"task": "eval", "prompt": "describe it"}, "", "describe it"),
        ({"task": "eval", "prompt": "describe it"}, "Why? (really)", "why? really"),
        ({"prompt": "q: ", "task": "qa", "templates": ["{}? Answer:"]}, "Why?", "q: why? answer:"),
        ({"templates": ["Tell what you see."]}, "", "tell what you see."),
        ({"task": "classification"}, "apple", "an apple"),
        ({"task": "classification"}, "Dog", "a dog"),
        ({}, ["A dog.", "A dog."], "a dog"),
    ],
)
def test_instructions_are_cleaned_or_put_into_templates(settings: dict[str, Any], text: Any, read: str) -> None:
    assert load_processor("blip_instruction", settings)(text) == read


def test_a_dialogue_is_caption_turns_and_answer() -> None:
    turns = [{"question": f"q{at}", "answer": f"a{at}"} for at in range(3)]
    told = {"caption": "a man", "summary": "he sits", "dialog": turns, "question": "why ?", "answer": "tired"}
    read = load_processor("gpt_dialogue", {"max_turns": 2})(told)
    assert read == ("a man he sits", ["q1", "a1", "q2", "a2", "why ?"], "tired")
    assert load_processor("gpt_dialogue", {"use_caption": False, "max_turns": 0})(told) == ("", ["why ?"], "tired")


def test_features_of_a_video_come_from_their_folder(tmp_path: Path) -> None:
    (tmp_path / "vggish").mkdir()
    np.save(tmp_path / "vggish" / "clip.npy", np.ones((3, 2), np.float32))
    processor: Any = load_processor("gpt_video_ft", {"visual_ft": "none"})
    assert processor(tmp_path, "clip", "audio").shape == (1, 3, 2)
    assert processor(tmp_path, "clip", "visual") is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: load_processor("alpro_video_eval"), "is for ALPRO, a video model"),
        (lambda: load_processor("blip_caption", {"max_word": 3}), "BlipCaption cannot be made from"),
        (lambda: load_processor("blip_instruction", {"task": "sing"}), "no task 'sing': the tasks are caption, qa"),
        (lambda: load_processor("blip_instruction")(""), "needs templates for the task 'caption'"),
        (lambda: load_processor("gpt_video_ft")(".", "clip", "smell"), "no 'smell' features"),  # type: ignore[call-arg]
    ],
)
def test_a_processor_asked_for_what_it_has_not_says_so(call: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        call()


def test_processors_are_built_from_lavis_settings() -> None:
    images, texts = load_preprocess(
        {"vis_processor": {"eval": {"name": "blip_image_eval", "image_size": 12}}, "text_processor": {}}
    )
    assert images["eval"](picture()).shape == (3, 12, 12)
    assert texts["train"]("As It Is") == "As It Is"


def test_an_unknown_processor_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean blip_image_eval"):
        load_processor("blip_image_evl")
