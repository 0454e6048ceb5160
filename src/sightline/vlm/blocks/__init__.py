"""Attention, feed-forward and layers: pure tensor code, shared by encoders and bridges."""

from sightline.vlm.blocks.attention import CrossAttention, KeysValues, SelfAttention
from sightline.vlm.blocks.layers import PreNormLayer, initialise
from sightline.vlm.blocks.mlp import ACTIVATIONS, Mlp

__all__ = ["ACTIVATIONS", "CrossAttention", "KeysValues", "Mlp", "PreNormLayer", "SelfAttention", "initialise"]
