"""CLIP's ViT under its name in LAVIS: here it is EVA's with other settings."""

from sightline.vlm.encoders import Eva as VisionTransformer

__all__ = ["VisionTransformer"]
