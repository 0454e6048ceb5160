"""Dtypes and devices as users write them, and what becomes of each part."""

from typing import Any

import pytest
import torch

from sightline.vlm.config import ConfigError
from sightline.vlm.placement import Layout, Spot, limited, precision_of


def test_one_dtype_is_for_encoder_and_language_model() -> None:
    layout = Layout.of(torch.bfloat16)
    assert (layout.encoder.dtype, layout.bridge.dtype, layout.language.dtype) == (
        torch.bfloat16,
        torch.float32,
        torch.bfloat16,
    )


def test_without_a_dtype_the_frozen_parts_have_their_usual_one_and_the_bridge_is_float32() -> None:
    layout = Layout.of(None, usual=torch.float16)
    assert [spot.dtype for spot in (layout.encoder, layout.bridge, layout.language)] == [
        torch.float16,
        torch.float32,
        torch.float16,
    ]


@pytest.mark.parametrize("values", [({"encodr": torch.float16}, "cpu"), (None, {"encodr": "cpu"})])
def test_a_part_that_does_not_exist_is_named(values: Any) -> None:
    with pytest.raises(ConfigError, match="no part 'encodr': did you mean encoder"):
        Layout.of(*values)


def test_names_of_dtypes_will_do_for_the_model_and_for_parts() -> None:
    assert precision_of("bfloat16") == torch.bfloat16
    assert precision_of({"language": "float16"}) == {"language": torch.float16}
    assert precision_of(None) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("int8", "dtype: torch has no floating dtype 'int8', try float32 or bfloat16"),
        ({"language": "half-ish"}, "precision of the language: torch has no floating dtype 'half-ish'"),
    ],
)
def test_what_is_no_floating_dtype_is_refused_with_a_way_out(given: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        precision_of(given)


def test_what_is_built_at_a_spot_has_its_dtype_and_device_and_leaves_the_defaults_as_they_were() -> None:
    before = torch.get_default_dtype()
    with Spot(torch.float16, torch.device("meta"))():
        made = torch.nn.Linear(2, 2).weight
    assert (made.dtype, made.device.type) == (torch.float16, "meta")
    assert torch.get_default_dtype() == before
    assert torch.zeros(1).device.type == "cpu"


def test_auto_without_an_accelerator_puts_every_part_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    layout = Layout.of(None, "auto")
    assert {spot.device.type for spot in (layout.encoder, layout.bridge, layout.language)} == {"cpu"}
    assert layout.split is not None
    assert layout.language_on_cpu


def test_limits_are_for_a_language_model_that_is_placed_by_itself() -> None:
    devices: Any = limited({"language": "auto"}, {"cpu": "1GiB"})
    assert devices["language"].max_memory == {"cpu": "1GiB"}
    with pytest.raises(ConfigError, match="max_memory goes with device='auto'"):
        limited("cpu", {"cpu": "1GiB"})
