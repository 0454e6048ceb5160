"""From pictures to the pixels an encoder was trained on, with Pillow and numpy.

Shapes: B images, C = 3 channels, H × W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sightline.vlm.data.images import ImageError


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What a checkpoint says about its pixels."""

    size: int
    """Pixels on a side; BLIP-2 squashes to a square without keeping the aspect ratio."""
    mean: tuple[float, ...]
    """Of each channel, after scaling to 0…1."""
    std: tuple[float, ...]
    resample: str = "bicubic"
    """A Pillow filter by name."""

    def __call__(self, images: Sequence[Image.Image]) -> Tensor:
        """Normalised pixels `[B, 3, H, W]` of RGB images."""
        pixels_BHWC = np.stack([self._resized(image) for image in images]).astype(np.float32) * np.float32(1 / 255)
        mean_C, std_C = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normal_BHWC = (pixels_BHWC - mean_C) / std_C
        return torch.from_numpy(np.ascontiguousarray(normal_BHWC.transpose(0, 3, 1, 2)))

    def ready(self, pixels: Tensor) -> Tensor:
        """Pixels somebody prepared already, as `[B, 3, H, W]`; raises `ImageError` for another shape."""
        pixels_BCHW = pixels[None] if pixels.dim() == 3 else pixels
        if pixels_BCHW.dim() != 4 or pixels_BCHW.shape[1] != 3:
            expected = f"[B, 3, {self.size}, {self.size}]"
            raise ImageError(f"a tensor of shape {list(pixels.shape)} is not ready pixels: expected {expected}")
        return pixels_BCHW

    def _resized(self, image: Image.Image) -> NDArray[np.uint8]:
        side = (self.size, self.size)
        same = image.size == side
        return np.asarray(image if same else image.resize(side, Image.Resampling[self.resample.upper()]))
