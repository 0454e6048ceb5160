"""Encoders give one feature a patch before any final norm, for every size they accept."""

from typing import Any

import pytest
import torch
from transformers import (
    Aimv2VisionConfig,
    AutoModel,
    BeitConfig,
    CLIPVisionConfig,
    DeiTConfig,
    Dinov2Config,
    Dinov2WithRegistersConfig,
    DINOv3ViTConfig,
    IJepaConfig,
    Siglip2VisionConfig,
    SiglipVisionConfig,
    ViTConfig,
    ViTMAEConfig,
)
from transformers.models.siglip2.image_processing_pil_siglip2 import convert_image_to_patches

from sightline.vlm.config import ConfigError
from sightline.vlm.encoders import ConvViTConfig, EvaConfig, ForeignEncoderConfig, PatchGrid

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 7,
}
FOREIGN = {
    "clip": (CLIPVisionConfig(intermediate_size=64, **SMALL), 1),
    "siglip": (SiglipVisionConfig(intermediate_size=64, **SMALL), 0),
    "dinov2": (Dinov2Config(mlp_ratio=2, **SMALL), 1),
    "dinov2 with registers": (Dinov2WithRegistersConfig(mlp_ratio=2, num_register_tokens=4, **SMALL), 5),
    "dinov3": (DINOv3ViTConfig(intermediate_size=64, num_register_tokens=2, **SMALL), 3),
    "vit": (ViTConfig(intermediate_size=64, **SMALL), 1),
    "deit, without an adapter of its own": (DeiTConfig(intermediate_size=64, **SMALL), 2),
    "ijepa, without an adapter of its own": (IJepaConfig(intermediate_size=64, **SMALL), 0),
}
OF_ONE_SIZE = {
    "aimv2, without an adapter of its own": (Aimv2VisionConfig(intermediate_size=64, **SMALL), 0),
    "beit, without an adapter of its own": (BeitConfig(intermediate_size=64, **SMALL), 1),
}
ALL = FOREIGN | OF_ONE_SIZE


@pytest.mark.parametrize(("theirs", "leading"), ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("drop", [1, 2])
@torch.no_grad()
def test_a_foreign_encoder_gives_the_hidden_state_before_the_layers_it_drops(
    theirs: Any, leading: int, drop: int
) -> None:
    whole = AutoModel.from_config(theirs).eval()
    encoder = ForeignEncoderConfig(architecture=theirs.to_dict(), drop_layers=drop).build().eval()
    encoder.load_state_dict({f"model.{key}": value for key, value in whole.state_dict().items()}, strict=False)
    pixels_BCHW = torch.randn(2, 3, 28, 28)
    features_BPD = encoder(pixels_BCHW)
    hidden = whole(pixels_BCHW, output_hidden_states=True).hidden_states
    torch.testing.assert_close(features_BPD, hidden[-1 - drop], atol=1e-6, rtol=0)
    assert encoder.grid(28, 28) == PatchGrid(rows=4, cols=4, leading=leading)


@pytest.mark.parametrize(("theirs", "leading"), FOREIGN.values(), ids=FOREIGN.keys())
@torch.no_grad()
def test_features_fit_the_grid_at_any_size(theirs: Any, leading: int) -> None:
    encoder = ForeignEncoderConfig(architecture=theirs.to_dict()).build().eval()
    features_BPD = encoder(torch.randn(1, 3, 42, 35))
    grid = encoder.grid(42, 35)
    assert features_BPD.shape == (1, grid.leading + grid.rows * grid.cols, encoder.width)
    assert (grid.rows, grid.cols, grid.leading) == (6, 5, leading)


@torch.no_grad()
def test_siglip2_reads_an_image_of_any_grid_as_its_own_processor_cuts_it() -> None:
    theirs = Siglip2VisionConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64, patch_size=7, num_patches=16
    )
    whole = AutoModel.from_config(theirs).eval()
    encoder = ForeignEncoderConfig(architecture=theirs.to_dict()).build().eval()
    encoder.load_state_dict({f"model.{key}": value for key, value in whole.state_dict().items()}, strict=False)
    pixels_BCHW = torch.randn(2, 3, 28, 35)
    patches = pixels_BCHW.numpy()
    inputs = {
        "pixel_values": torch.stack([torch.from_numpy(convert_image_to_patches(each, 7)) for each in patches]),
        "pixel_attention_mask": torch.ones(2, 20, dtype=torch.long),
        "spatial_shapes": torch.tensor([[4, 5], [4, 5]]),
    }
    hidden = whole(**inputs, output_hidden_states=True).hidden_states[-2]
    torch.testing.assert_close(encoder(pixels_BCHW), hidden, atol=1e-6, rtol=0)
    assert encoder.grid(28, 35) == PatchGrid(rows=4, cols=5, leading=0)


def test_a_vision_model_without_a_feature_a_patch_is_refused_with_both_numbers() -> None:
    masked = ViTMAEConfig(intermediate_size=64, **SMALL)
    with pytest.raises(ConfigError, match=r"vision model type 'vit_mae' \(it gives 5 features for 4×4 patches\)"):
        ForeignEncoderConfig(architecture=masked.to_dict()).build()


def test_a_foreign_encoder_keeps_nothing_of_what_it_drops() -> None:
    theirs, _ = FOREIGN["siglip"]
    names = ForeignEncoderConfig(architecture=theirs.to_dict()).build().state_dict()
    assert not [name for name in names if "layers.2" in name or "post_layernorm" in name or "head" in name]


def test_dropping_every_layer_is_refused() -> None:
    theirs, _ = FOREIGN["clip"]
    with pytest.raises(ConfigError, match="drop_layers is 3, but this encoder has 3 layers"):
        ForeignEncoderConfig(architecture=theirs.to_dict(), drop_layers=3).build()


def test_an_unknown_vision_model_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="no adapter for the vision model type 'dinov4': did you mean dinov"):
        ForeignEncoderConfig(architecture={"model_type": "dinov4"}).build()


@pytest.mark.parametrize(("height", "width", "rows", "cols"), [(28, 28, 4, 4), (35, 63, 5, 9), (30, 41, 4, 5)])
@torch.no_grad()
def test_eva_stretches_its_positions_to_any_size(height: int, width: int, rows: int, cols: int) -> None:
    encoder = EvaConfig(image_size=28, patch_size=7, width=16, layers=1, heads=2, mlp_width=32).build().eval()
    assert encoder(torch.randn(2, 3, height, width)).shape == (2, 1 + rows * cols, 16)
    assert encoder.grid(height, width) == PatchGrid(rows=rows, cols=cols, leading=1)


def test_an_image_smaller_than_a_patch_is_refused() -> None:
    encoder = EvaConfig(image_size=28, patch_size=7, width=16, layers=1, heads=2, mlp_width=32).build()
    with pytest.raises(ValueError, match="6×40 pixels is smaller than one 7×7 patch"):
        encoder(torch.randn(1, 3, 6, 40))


def test_the_small_convolutional_encoder_gives_64_cells_and_cls() -> None:
    encoder = ConvViTConfig(layers=1).build()
    assert encoder(torch.randn(2, 3, 64, 64)).shape == (2, 65, 128)
    assert encoder.grid(64, 64) == PatchGrid(rows=8, cols=8, leading=1)


def test_the_small_convolutional_encoder_refuses_another_size() -> None:
    with pytest.raises(ValueError, match="sees 64×64 pixels, the image has 32×64"):
        ConvViTConfig(layers=1).build()(torch.randn(1, 3, 32, 64))
