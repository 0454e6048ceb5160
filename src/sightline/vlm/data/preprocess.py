"""Preprocessing: resize, centre crop, rescale and normalise pictures as an encoder was trained, with Pillow and numpy.

The pixels are those of transformers' Pillow image processors (Blip, CLIP, SigLIP, ViT, Bit as used by DINOv2), whose
files say what to do: `Preprocess.from_processor(json)` (`encoders.pixels`).

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
from sightline.vlm.encoders import ImageFacts


@dataclass(frozen=True, kw_only=True)
class Preprocess(ImageFacts):
    """Makes the pixels that a checkpoint's image facts describe."""

    def __call__(self, images: Sequence[Image.Image]) -> Tensor:
        """Normalised pixels `[B, 3, H, W]` of RGB images."""
        return self.normal(np.stack([self._resized(image) for image in images]))

    def normal(self, pixels_BHWC: NDArray[np.uint8]) -> Tensor:
        """Normalised pixels `[B, 3, H, W]` of 8-bit values `[B, H, W, 3]`."""
        scaled_BHWC = pixels_BHWC.astype(np.float32) * np.float32(self.scale)
        mean_C, std_C = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normal_BHWC = (scaled_BHWC - mean_C) / std_C
        return torch.from_numpy(np.ascontiguousarray(normal_BHWC.transpose(0, 3, 1, 2)))

    def ready(self, pixels: Tensor) -> Tensor:
        """Pixels somebody prepared already, as `[B, 3, H, W]`; raises `ImageError` for another shape."""
        pixels_BCHW = pixels[None] if pixels.dim() == 3 else pixels
        if pixels_BCHW.dim() != 4 or pixels_BCHW.shape[1] != 3:
            expected = f"[B, 3, {self.size}, {self.size}]"
            raise ImageError(f"a tensor of shape {list(pixels.shape)} is not ready pixels: expected {expected}")
        return pixels_BCHW

    def seen(self, image: Image.Image) -> Image.Image:
        """The part of an image that the encoder sees, in the image's own pixels; the whole where none is cut away."""
        if self.squashed_edge is not None:
            share = (1 - self.size / self.squashed_edge) / 2
            across, down = (round(length * share) for length in image.size)
            return image.crop((across, down, image.width - across, image.height - down))
        if self.shortest_edge is None:
            return image
        side = min(image.size) * self.size / self.shortest_edge
        left, top = ((length - side) / 2 for length in image.size)
        return image.crop((round(left), round(top), round(left + side), round(top + side)))

    def shown(self, pixels_CHW: Tensor) -> Image.Image:
        """Ready pixels as a picture again: normalisation undone, values rounded to 8 bits."""
        mean_C, std_C = torch.tensor(self.mean), torch.tensor(self.std)
        scaled_HWC = pixels_CHW.detach().float().cpu().permute(1, 2, 0) * std_C + mean_C
        return Image.fromarray((scaled_HWC / self.scale).round().clamp(0, 255).byte().numpy())

    @property
    def filter(self) -> Image.Resampling:
        """The filter as Pillow has it."""
        return Image.Resampling[self.resample.upper()]

    def _resized(self, image: Image.Image) -> NDArray[np.uint8]:
        if self.shortest_edge is None:
            edge = self.squashed_edge or self.size
            square = np.asarray(image if image.size == (edge, edge) else image.resize((edge, edge), self.filter))
            return square if edge == self.size else _middle(square, self.size)
        short, long = min(image.size), max(image.size)
        lengths = (self.shortest_edge, int(self.shortest_edge * long / short))
        to = lengths if image.width <= image.height else lengths[::-1]
        if max(to) <= LONGEST_PX:
            return _middle(np.asarray(image if image.size == to else image.resize(to, self.filter)), self.size)
        return self._middle_resized(image, to)

    def _middle_resized(self, image: Image.Image, to: tuple[int, int]) -> NDArray[np.uint8]:
        """As resizing to `to` and cropping, without ever making the pixels that are cut off."""
        left, top = ((length - self.size) // 2 for length in to)
        across, down = image.width / to[0], image.height / to[1]
        wide, high = min(self.size, to[0]), min(self.size, to[1])
        box = (max(0, left) * across, max(0, top) * down, (max(0, left) + wide) * across, (max(0, top) + high) * down)
        return _middle(np.asarray(image.resize((wide, high), self.filter, box=box)), self.size)


LONGEST_PX = 16_384
"""Longest side that is resized whole: a picture of 1 × 40,000,000 pixels must not become 224 × 8,960,000,000."""


def _middle(pixels_HWC: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A square of `size` from the middle; what lies outside the picture is black."""
    height, width = pixels_HWC.shape[:2]
    if height < size or width < size:
        high, wide = max(height, size), max(width, size)
        grown = np.zeros((high, wide, 3), np.uint8)
        top, left = -(-(high - height) // 2), -(-(wide - width) // 2)
        grown[top : top + height, left : left + width] = pixels_HWC
        pixels_HWC, height, width = grown, high, wide
    top, left = (height - size) // 2, (width - size) // 2
    return pixels_HWC[top : top + size, left : left + size]
