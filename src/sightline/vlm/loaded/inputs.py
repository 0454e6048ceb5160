"""What a user gives, validated and broadcast to equal numbers of pictures and texts, a row an answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from sightline.vlm.config import SightlineVlmError
from sightline.vlm.data import images as pictures
from sightline.vlm.data.images import ImageSource
from sightline.vlm.data.preprocess import Preprocess

SHOWN_PX = 1024
"""Longest side of what is kept of a large picture: spans show no more."""


MARKS = re.compile(r"^(?:\s*(?:<image(?:_soft_token)?>|<\|image(?:_pad)?\|>|<ImageHere>|<start_of_image>|\[IMG\]))+\s*")
"""Place holders that stand for a picture in prompts of other models."""


class InputError(SightlineVlmError):
    """Images and texts whose numbers or kinds do not go together."""


@dataclass(frozen=True)
class Picture:
    """One image: the picture to prepare, or ready pixels `[3, H, W]`, maybe with a smaller picture to show."""

    image: Image.Image | None = None
    pixels_CHW: Tensor | None = None

    def prepared(self, preprocess: Preprocess) -> Tensor:
        """Pixels `[3, H, W]`."""
        if self.pixels_CHW is not None:
            return self.pixels_CHW.float()
        if self.image is None:
            raise InputError("a picture needs an image or pixels")
        return preprocess([self.image])[0]

    @classmethod
    def small(cls, image: Image.Image, preprocess: Preprocess) -> "Picture":
        """Prepared at once, so that a large picture need not be held: what is kept to show is a thumbnail."""
        shown = image.copy() if max(image.size) <= SHOWN_PX else image.reduce(-(-max(image.size) // SHOWN_PX))
        return cls(shown, preprocess([image])[0])

    def shown(self, preprocess: Preprocess) -> Image.Image:
        """The part of the picture that the encoder sees, or ready pixels made visible again."""
        if self.image is not None:
            return preprocess.seen(self.image)
        return preprocess.shown(self.prepared(preprocess))


Images = ImageSource | Picture | Sequence[ImageSource | Picture]
"""One image or several; a tensor is `[3, H, W]` or `[B, 3, H, W]`, hence B images: ready
pixels (already normalised) where it is of floats, pictures of 0…255 to be prepared like any other where of integers."""


def read_pictures(images: Images, preprocess: Preprocess) -> list[Picture]:
    """Every image read; the first that cannot be raises `ImageError` naming it."""
    if isinstance(images, Picture):
        return [images]
    if isinstance(images, Tensor) and not images.is_floating_point():
        return [Picture(pictures.read(pixels.permute(1, 2, 0).cpu().numpy())) for pixels in preprocess.ready(images)]
    if isinstance(images, Tensor):
        if not bool(images.isfinite().all()):
            raise InputError("the ready pixels hold values that are not finite (NaN or infinity): nothing can be seen")
        return [Picture(pixels_CHW=pixels) for pixels in preprocess.ready(images)]
    if isinstance(images, Sequence) and not isinstance(images, str | bytes):
        if not images:
            raise InputError("no images were given: give at least one")
        if any(isinstance(image, list | tuple) for image in images):
            raise InputError("images are a list of lists: give one list of images, in the order of their texts")
        return [picture for image in images for picture in read_pictures(image, preprocess)]
    return [Picture(pictures.read(images))]


def to_pixels(some: Sequence[Picture], preprocess: Preprocess) -> Tensor:
    """Pixels `[B, 3, H, W]` of pictures, in their order."""
    rows = [picture.prepared(preprocess) for picture in some]
    shapes = {tuple(row.shape) for row in rows}
    if len(shapes) > 1:
        raise InputError(f"ready pixels of different shapes in one call: {sorted(shapes)}; call once for each")
    return torch.stack(rows)


def texts_of(texts: str | Sequence[str], what: str) -> list[str]:
    """One text or several as a list; raises `InputError` when there is none, or one is no text."""
    listed = [texts] if isinstance(texts, str) else list(texts)
    if not listed:
        raise InputError(f"no {what} were given: give at least one")
    return checked(listed)


def unmarked(texts: Sequence[str]) -> list[str]:
    """The texts without the place holders of a picture that other programs want in front: the picture is read first."""
    return [MARKS.sub("", text) for text in texts]


def labels_of(labels: str | Sequence[str]) -> list[str]:
    """Labels to choose from; raises `InputError` for fewer than two, or one that is there twice."""
    listed = texts_of(labels, "labels")
    if len(listed) < 2:
        raise InputError("1 label was given: there is nothing to choose from, give two at least")
    if twice := next((each for each in listed if listed.count(each) > 1), None):
        raise InputError(f"the label {twice!r} is given twice: its probability would be split")
    return listed


def checked(texts: Sequence[str]) -> list[str]:
    """The texts; raises `InputError` for one that tokenizers cannot read, as Python makes of bytes in no UTF-8."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"{text!r} is no valid Unicode: write it as UTF-8, in a terminal that says so (LC_ALL=C.UTF-8)"
            ) from error
    return list(texts)


def pair(images: int, texts: list[str], what: str) -> tuple[list[int], list[str]]:
    """For every row its image's number and its text: one of either is repeated, else the numbers must be equal."""
    if images == 1:
        return [0] * len(texts), texts
    if len(texts) == 1:
        return list(range(images)), texts * images
    if images != len(texts):
        raise InputError(f"{images} images and {len(texts)} {what}: give one of either, or as many of each")
    return list(range(images)), texts
