"""One reader of processor files: every form that transformers wrote, and what gives no square of pixels."""

import json
from pathlib import Path
from typing import Any

import pytest

from sightline.vlm.config import ConfigError
from sightline.vlm.encoders import ImageFacts

PLAIN: dict[str, Any] = {"size": 28, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}


def test_the_older_forms_of_a_processor_file_are_read() -> None:
    facts = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    early = ImageFacts.from_processor({**facts, "do_center_crop": True, "size": 224, "crop_size": 220, "resample": 2})
    assert (early.shortest_edge, early.size, early.resample) == (224, 220, "bilinear")
    assert ImageFacts.from_processor({**facts, "size": 384}).size == 384
    assert ImageFacts.from_processor({"image_processor": {**facts, "size": {"height": 32, "width": 32}}}).size == 32
    assert ImageFacts.from_processor({**facts, "patch_size": 16, "max_num_patches": 256}).size == 256
    assert ImageFacts.from_processor(facts, size=64).size == 64


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"size": {"height": 32, "width": 48}}, "must be a square"),
        ({"size": {"shortest_edge": 32}}, "without a crop"),
        ({"do_resize": False, "size": 32}, "does not resize"),
        ({}, "says no size"),
    ],
)
def test_what_gives_no_square_is_refused(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ImageFacts.from_processor({"image_mean": [0.5] * 3, "image_std": [0.5] * 3, **facts})


@pytest.mark.parametrize("number", [6, -1, "bicubic"])
def test_a_filter_that_pillow_has_no_number_for_is_refused(number: Any) -> None:
    with pytest.raises(ConfigError, match="Pillow's filters have the numbers 0 to 5"):
        ImageFacts.from_processor({**PLAIN, "resample": number})


def test_a_filter_is_known_by_its_name_too() -> None:
    with pytest.raises(ConfigError, match="unknown filter 'bicubc': did you mean bicubic"):
        ImageFacts(size=28, resample="bicubc")  # type: ignore[arg-type]


def test_a_value_of_null_counts_as_left_out() -> None:
    nulls = {"resample": None, "rescale_factor": None, "crop_size": None, "do_center_crop": None, "do_resize": None}
    assert ImageFacts.from_processor({**PLAIN, **nulls}) == ImageFacts.from_processor(PLAIN)


def test_steps_that_are_switched_off_leave_the_values_as_they_are() -> None:
    facts = ImageFacts.from_processor({"size": 28, "do_normalize": False, "do_rescale": False})
    assert (facts.mean, facts.std, facts.scale) == ((0.0,) * 3, (1.0,) * 3, 1.0)


def test_a_folder_without_a_processor_file_has_no_facts(tmp_path: Path) -> None:
    assert ImageFacts.from_folder(tmp_path) is None


def test_a_processor_config_without_an_image_processor_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / "processor_config.json").write_text(json.dumps({"processor_class": "Blip2Processor"}))
    assert ImageFacts.from_folder(tmp_path) is None


def test_the_older_file_goes_before_the_newer(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PLAIN))
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": {**PLAIN, "size": 56}}))
    found = ImageFacts.from_folder(tmp_path)
    assert found is not None
    assert found.size == 28


@pytest.mark.parametrize("left_out", [{}, {"image_mean": None, "image_std": None}])
def test_what_a_file_leaves_out_is_the_default_of_its_image_processor(tmp_path: Path, left_out: Any) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 28, **left_out}))
    usual = {"image_mean": [0.1] * 3, "image_std": [0.2] * 3}
    assert ImageFacts.from_folder(tmp_path, usual=usual) == ImageFacts(size=28, mean=(0.1,) * 3, std=(0.2,) * 3)
    with pytest.raises(ConfigError, match=r"preprocessor_config\.json: .* lacks image_mean and image_std"):
        ImageFacts.from_folder(tmp_path)


@pytest.mark.parametrize(("text", "words"), [("{", "is not JSON"), ("[]", "holds a list, an object was expected")])
def test_a_damaged_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(ConfigError, match=rf"preprocessor_config\.json {words}"):
        ImageFacts.from_folder(tmp_path)
