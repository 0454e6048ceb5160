"""Training augmentation: random resized crop and random horizontal flip, as LAVIS trains.

Shapes: B images, C = 3 channels, H × W pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.data.randaugment import RandAugment

TRIES = 10
"""Boxes drawn until one lies inside the picture; after that, the largest allowed one in its middle."""


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random resized crop to the encoder's square, flipped horizontally half of the time (torchvision's recipe)."""

    preprocess: Preprocess
    area: tuple[float, float] = (0.5, 1.0)
    """Smallest and largest share of the picture."""
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    """Smallest and largest width over height."""
    mirror: bool = True
    """Random horizontal flip; not where words say left and right."""
    then: RandAugment | None = None
    """What else is done to the picture, before it is normalised."""

    def __call__(self, images: Sequence[Image.Image], rng: np.random.Generator) -> Tensor:
        """Normalised pixels `[B, 3, H, W]` of RGB images; the same generator state gives the same pixels."""
        return self.preprocess.normal(np.stack([np.asarray(self.drawn(image, rng)) for image in images]))

    def drawn(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        """The picture as training sees it this time."""
        side = self.preprocess.size
        part = image.crop(self.box(image.size, rng)).resize((side, side), self.preprocess.filter)
        mirrored = self.mirror and rng.random() < 0.5
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else part
        return part if self.then is None else Image.fromarray(self.then(np.asarray(part), rng))

    def box(self, size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a box inside a picture of width and height `size`."""
        width, height = size
        for _ in range(TRIES):
            area = width * height * rng.uniform(*self.area)
            aspect = math.exp(rng.uniform(math.log(self.aspect[0]), math.log(self.aspect[1])))
            wide, high = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < wide <= width and 0 < high <= height:
                left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
                return left, top, left + wide, top + high
        wide = max(1, min(width, int(height * self.aspect[1])))
        high = max(1, min(height, int(width / self.aspect[0])))
        left, top = (width - wide) // 2, (height - high) // 2
        return left, top, left + wide, top + high
