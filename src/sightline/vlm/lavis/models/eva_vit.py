"""EVA's ViT under its name in LAVIS."""

from sightline.vlm.encoders import Eva as VisionTransformer

__all__ = ["VisionTransformer"]
