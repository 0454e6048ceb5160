"""Bridges: from patch features to tokens for the language model."""

from sightline.vlm.bridges.captions import CaptionState, CaptionWriter
from sightline.vlm.bridges.protocol import Attention, Bridge, Text
from sightline.vlm.bridges.qformer import QFormer, QFormerConfig

__all__ = ["Attention", "Bridge", "CaptionState", "CaptionWriter", "QFormer", "QFormerConfig", "Text"]
