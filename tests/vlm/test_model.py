"""A model as its parts: widths that must agree, and where and how precise each part is."""

import pytest
import torch
from random_models import checkpoint, opt
from torch import nn

from sightline.vlm.bridges import QFormerConfig
from sightline.vlm.encoders import ConvViTConfig
from sightline.vlm.model import Blip2, Blip2Config, ModelError
from sightline.vlm.placement import Layout

ENCODER = ConvViTConfig(image_size=32, stem=(8, 16, 32), layers=1, heads=4, mlp_width=32)
BRIDGE = QFormerConfig(patch_width=32, width=32, layers=2, heads=4, mlp_width=64, queries=4)


def test_parts_of_different_width_are_refused_before_the_language_model_is_built() -> None:
    class Unbuildable(type(opt())):  # type: ignore[misc]
        def build(self) -> None:
            raise AssertionError("built too early")

    config = Blip2Config(
        encoder=ENCODER, bridge=QFormerConfig(patch_width=48, width=32, heads=4), language=Unbuildable(architecture={})
    )
    with pytest.raises(ModelError, match="features 32 wide, the bridge reads 48: set the bridge's patch_width to 32"):
        config.build()


@pytest.mark.parametrize(
    ("project", "problem"),
    [
        (nn.Linear(40, 32), "the bridge gives 32 wide, the projection reads 40: set in_features to 32"),
        (nn.Linear(32, 40), "the language model reads 32 wide, the projection gives 40: set out_features to 32"),
    ],
)
def test_a_projection_between_other_widths_is_refused(project: nn.Linear, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        Blip2(ENCODER.build(), nn.LayerNorm(32), BRIDGE.build(), project, opt().build())


def test_each_part_can_have_a_dtype_of_its_own() -> None:
    dtypes = {"encoder": torch.float16, "bridge": torch.bfloat16}
    model = Blip2Config(encoder=ENCODER, bridge=BRIDGE, language=opt()).build(Layout.of(dtypes))
    assert {parameter.dtype for parameter in model.encoder.parameters()} == {torch.float16}
    assert {parameter.dtype for parameter in (*model.bridge.parameters(), *model.norm.parameters())} == {torch.bfloat16}
    assert {parameter.dtype for parameter in (*model.language.parameters(), *model.project.parameters())} == {
        torch.float32
    }


def test_each_part_can_have_a_device_of_its_own() -> None:
    model = Blip2Config(encoder=ENCODER, bridge=BRIDGE, language=opt()).build(Layout.of(None, {"language": "meta"}))
    assert model.spot("language").device.type == "meta"
    assert model.spot("encoder").device.type == "cpu"
    assert model.project.weight.device.type == "meta"


def test_mixed_precision_gives_nearly_the_same_logits() -> None:
    held = checkpoint(opt())
    model, pixels_BCHW = held.model, torch.randn(2, 3, 32, 32)
    targets_BT = torch.tensor([[5, 6, 7], [7, 6, 5]])
    whole = model(pixels_BCHW, targets_BT)
    mixed = held.config.build(Layout.of({"encoder": torch.bfloat16, "language": torch.bfloat16})).eval()
    mixed.load_state_dict(model.state_dict())
    half = mixed(pixels_BCHW.bfloat16(), targets_BT)
    assert torch.nn.functional.cosine_similarity(whole.flatten(), half.float().flatten(), dim=0) > 0.99


@pytest.mark.gpu
@torch.no_grad()
def test_parts_on_two_devices_give_the_same_logits() -> None:
    held = checkpoint(opt())
    apart = held.config.build(Layout.of(None, {"encoder": "cpu", "bridge": "cuda", "language": "cuda"})).eval()
    apart.load_state_dict(held.model.state_dict())
    pixels_BCHW, targets_BT = torch.randn(2, 3, 32, 32), torch.tensor([[5, 6, 7], [7, 6, 5]])
    far = apart(pixels_BCHW, targets_BT.cuda()).cpu()
    torch.testing.assert_close(far, held.model(pixels_BCHW, targets_BT), atol=1e-4, rtol=1e-4)
