"""From pictures to the pixels an encoder was trained on, with Pillow and numpy.

Shapes: B images, C = 3 channels, H × W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What a checkpoint says about its pixels."""

    height: int
    width: int
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD
    resample: int = Image.Resampling.BICUBIC
    """A Pillow filter; BLIP-2 squashes to height × width without keeping the aspect ratio."""

    def __call__(self, images: Sequence[Image.Image]) -> Tensor:
        """Normalised pixels `[B, 3, H, W]` of RGB images."""
        pixels_BHWC = np.stack([self._resized(image) for image in images]).astype(np.float32) * np.float32(1 / 255)
        mean_C, std_C = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normal_BHWC = (pixels_BHWC - mean_C) / std_C
        return torch.from_numpy(np.ascontiguousarray(normal_BHWC.transpose(0, 3, 1, 2)))

    def _resized(self, image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        size = (self.width, self.height)
        return np.asarray(image if image.size == size else image.resize(size, Image.Resampling(self.resample)))

    def check(self, pixels: Tensor) -> Tensor:
        """Ready pixels as `[B, 3, H, W]`; an error if they have another shape."""
        pixels_BCHW = pixels[None] if pixels.dim() == 3 else pixels
        if pixels_BCHW.dim() != 4 or pixels_BCHW.shape[1] != 3:
            raise ValueError(
                f"pixels of shape {list(pixels.shape)} are not images: expected [B, 3, {self.height}, {self.width}]"
            )
        return pixels_BCHW
