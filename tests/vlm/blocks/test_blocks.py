"""Attention gives the same on both paths, and hands its weights out when asked."""

import pytest
import torch
from transformers.activations import ACT2FN

from sightline.vlm.blocks import ACTIVATIONS, CrossAttention, Mlp, PreNormLayer, SelfAttention


def test_the_explicit_path_of_self_attention_equals_the_fused_one() -> None:
    attention = SelfAttention(24, 3).eval()
    x_BTD = torch.randn(2, 5, 24)
    mask = torch.rand(2, 1, 5, 5) > 0.4
    mask[..., 0] = True
    weights: list[torch.Tensor] = []
    torch.testing.assert_close(attention(x_BTD, mask), attention(x_BTD, mask, weights), atol=1e-6, rtol=0)
    assert weights[0].shape == (2, 3, 5, 5)
    assert weights[0][~mask.expand(2, 3, 5, 5)].max() == 0
    torch.testing.assert_close(weights[0].sum(-1), torch.ones(2, 3, 5))


def test_the_explicit_path_of_cross_attention_equals_the_fused_one() -> None:
    attention = CrossAttention(24, 10, 4).eval()
    x_BTD, source_BSD = torch.randn(2, 5, 24), torch.randn(2, 7, 10)
    weights: list[torch.Tensor] = []
    torch.testing.assert_close(attention(x_BTD, source_BSD), attention(x_BTD, source_BSD, weights), atol=1e-6, rtol=0)
    assert weights[0].shape == (2, 4, 5, 7)


def test_a_gradient_reaches_the_attention_weights() -> None:
    weights: list[torch.Tensor] = []
    out = SelfAttention(8, 2)(torch.randn(1, 3, 8), None, weights)
    (gradient,) = torch.autograd.grad(out.square().sum(), weights[0])
    assert gradient.abs().max() > 0


def test_a_width_that_does_not_split_into_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="width 10 cannot be split into 4 heads"):
        SelfAttention(10, 4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_transformers(name: str) -> None:
    x = torch.linspace(-4, 4, 41)
    torch.testing.assert_close(ACTIVATIONS[name](x), ACT2FN[name](x), atol=1e-6, rtol=0)


def test_an_unknown_activation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown activation 'gelo': did you mean gelu"):
        Mlp(4, 8, "gelo")


def test_a_layer_adds_to_its_input() -> None:
    layer = PreNormLayer(8, 2, 16).eval()
    for parameter in (layer.attention.out, layer.mlp.down):
        torch.nn.init.zeros_(parameter.weight)
        torch.nn.init.zeros_(parameter.bias)
    x_BTD = torch.randn(2, 3, 8)
    assert torch.equal(layer(x_BTD), x_BTD)
