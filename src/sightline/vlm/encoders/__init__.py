"""Vision encoders behind one protocol: pixels in, one feature a patch out."""

from sightline.vlm.encoders.conv_vit import ConvViT, ConvViTConfig
from sightline.vlm.encoders.eva import Eva, EvaConfig
from sightline.vlm.encoders.foreign import ForeignEncoder, ForeignEncoderConfig
from sightline.vlm.encoders.pixels import ImageFacts
from sightline.vlm.encoders.protocol import PatchGrid, VisionEncoder

__all__ = [
    "ConvViT",
    "ConvViTConfig",
    "Eva",
    "EvaConfig",
    "ForeignEncoder",
    "ForeignEncoderConfig",
    "ImageFacts",
    "PatchGrid",
    "VisionEncoder",
]
