"""LAVIS' image processors: a picture in, normalised pixels out.

Those for training draw from `rng`, which may be set to draw the same again.

Shapes: C = 3 channels, H × W pixels.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sightline.vlm.data.augment import Augment
from sightline.vlm.data.preprocess import LONGEST_PX, Preprocess
from sightline.vlm.data.randaugment import RandAugment
from sightline.vlm.encoders.pixels import CLIP_MEAN, CLIP_STD, Resample
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.processors.base import BaseProcessor

Channels = tuple[float, ...] | None
"""A number for red, green and blue; none: CLIP's."""


def preprocess(size: int, mean: Channels, std: Channels, resample: Resample = "bicubic") -> Preprocess:
    """A square of this size, normalised."""
    return Preprocess(size=size, mean=tuple(mean or CLIP_MEAN), std=tuple(std or CLIP_STD), resample=resample)


class ImageProcessor(BaseProcessor):
    """What all image processors offer beside the call."""

    preprocess: Preprocess

    @property
    def transform(self) -> Callable[[Image.Image], Tensor]:
        """From a picture to pixels, as a function."""
        return self.__call__

    def normalize(self, pixels: Tensor) -> Tensor:
        """Pixels `[..., C, H, W]` in 0…1, normalised."""
        mean, std = torch.tensor(self.preprocess.mean), torch.tensor(self.preprocess.std)
        return (pixels - mean[:, None, None]) / std[:, None, None]


@registry.register_processor("blip_image_eval")
class BlipImageEval(ImageProcessor):
    """Resized to a square and normalised; with `shortest_edge` the aspect ratio is kept and the centre cropped."""

    def __init__(
        self,
        image_size: int = 384,
        mean: Channels = None,
        std: Channels = None,
        resample: Resample = "bicubic",
        shortest_edge: int | None = None,
    ) -> None:
        self.preprocess = replace(preprocess(image_size, mean, std, resample), shortest_edge=shortest_edge)

    def __call__(self, item: Image.Image) -> Tensor:
        """Pixels `[C, H, W]`."""
        return self.preprocess([item.convert("RGB")])[0]


class ImageTrain(ImageProcessor):
    """A random part of the picture, and what else a kind of it does to that, squashed to a square and normalised."""

    mirror = True
    then: RandAugment | None = None

    def __init__(
        self,
        image_size: int = 364,
        mean: Channels = None,
        std: Channels = None,
        min_scale: float = 0.5,
        max_scale: float = 1.0,
    ) -> None:
        self.preprocess = preprocess(image_size, mean, std)
        self.augment = Augment(
            preprocess=self.preprocess,
            area=(min_scale, max_scale),
            mirror=self.mirror,
            then=self.then,
        )
        self.rng = np.random.default_rng()

    def __call__(self, item: Image.Image) -> Tensor:
        """Pixels `[C, H, W]`, other ones every time."""
        return self.augment([item.convert("RGB")], self.rng)[0]


@registry.register_processor("blip2_image_train")
class Blip2ImageTrain(ImageTrain):
    """Random resized crop, flipped horizontally half of the time."""


@registry.register_processor("blip_image_train")
class BlipImageTrain(ImageTrain):
    """The same, then two operations of RandAugment."""

    then = RandAugment()

    def __init__(
        self,
        image_size: int = 384,
        mean: Channels = None,
        std: Channels = None,
        min_scale: float = 0.5,
        max_scale: float = 1.0,
    ) -> None:
        super().__init__(image_size, mean, std, min_scale, max_scale)


@registry.register_processor("clip_image_train")
class ClipImageTrain(ImageTrain):
    """Random resized crop of nine tenths of the picture at least, never flipped."""

    mirror = False

    def __init__(
        self,
        image_size: int = 224,
        mean: Channels = None,
        std: Channels = None,
        min_scale: float = 0.9,
        max_scale: float = 1.0,
    ) -> None:
        super().__init__(image_size, mean, std, min_scale, max_scale)


@registry.register_processor("clip_image_eval")
class ClipImageEval(ImageProcessor):
    """Resize of the shorter side, then centre crop."""

    def __init__(self, image_size: int = 224, mean: Channels = None, std: Channels = None) -> None:
        self.preprocess = preprocess(image_size, mean, std)

    def __call__(self, item: Image.Image) -> Tensor:
        """Pixels `[C, H, W]`; the middle is rounded as torchvision does, halves to the even pixel."""
        image, side, kind = item.convert("RGB"), self.preprocess.size, self.preprocess.filter
        short = min(image.size)
        wide, high = (side if length == short else int(side * length / short) for length in image.size)
        left, top = round((wide - side) / 2), round((high - side) / 2)
        if max(wide, high) <= LONGEST_PX:
            square = image.resize((wide, high), kind).crop((left, top, left + side, top + side))
        else:  # only what is seen is made
            across, down = image.width / wide, image.height / high
            box = (left * across, top * down, (left + side) * across, (top + side) * down)
            square = image.resize((side, side), kind, box=box)
        return self.preprocess.normal(np.asarray(square)[None])[0]
