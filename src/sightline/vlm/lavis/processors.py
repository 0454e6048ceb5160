"""LAVIS' image and text processors of the BLIP-2 family, by their names.

Shapes: C = 3 channels, H × W pixels.
"""

import re
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from PIL import Image
from torch import Tensor

from sightline.vlm.config import ConfigError, closest
from sightline.vlm.data.augment import Augment
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.weights.checkpoint import CLIP_MEAN, CLIP_STD

Settings = Mapping[str, Any]


class BaseProcessor:
    """Anything in, the same out; the base of all processors."""

    def __call__(self, item: Any) -> Any:
        """The item as the model reads it."""
        return item

    @classmethod
    def from_config(cls, cfg: Settings | None = None) -> Self:
        """From a mapping of settings; those not given have LAVIS' defaults."""
        return cls(**dict(cfg or {}))

    def build(self, **settings: Any) -> Self:
        """Another one of this kind, from settings."""
        return self.from_config(settings)


@registry.register_processor("blip_image_eval")
class BlipImageEval(BaseProcessor):
    """A picture squashed to a square and normalised."""

    def __init__(
        self,
        image_size: int = 384,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        resample: str = "bicubic",
    ) -> None:
        self.preprocess = Preprocess(
            size=image_size, mean=tuple(mean or CLIP_MEAN), std=tuple(std or CLIP_STD), resample=resample
        )

    def __call__(self, item: Image.Image) -> Tensor:
        """Pixels `[C, H, W]`."""
        return self.preprocess([item.convert("RGB")])[0]


@registry.register_processor("blip2_image_train")
class Blip2ImageTrain(BaseProcessor):
    """A random part of the picture, mirrored half of the time, squashed to a square and normalised."""

    def __init__(
        self,
        image_size: int = 364,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        min_scale: float = 0.5,
        max_scale: float = 1.0,
    ) -> None:
        preprocess = Preprocess(size=image_size, mean=tuple(mean or CLIP_MEAN), std=tuple(std or CLIP_STD))
        self.augment = Augment(preprocess=preprocess, area=(min_scale, max_scale))
        self.rng = np.random.default_rng()

    def __call__(self, item: Image.Image) -> Tensor:
        """Pixels `[C, H, W]`, other ones every time; `rng` may be set for the same ones."""
        return self.augment([item.convert("RGB")], self.rng)[0]


REMOVED = re.compile(r"""[.!"()*#:;~]""")


def first_words(text: str, most: int) -> str:
    """Cut to so many words, a word being what stands between single spaces."""
    return " ".join(text.split(" ")[:most])


@registry.register_processor("blip_caption")
class BlipCaption(BaseProcessor):
    """Lower case, without punctuation, cut to so many words, behind a prompt."""

    def __init__(self, prompt: str = "", max_words: int = 50) -> None:
        self.prompt, self.max_words = prompt, max_words

    def __call__(self, item: str) -> str:
        """The text as the model was trained to read it."""
        spaced = re.sub(r"\s{2,}", " ", REMOVED.sub(" ", item.lower()))
        return self.prompt + first_words(spaced.rstrip("\n").strip(" "), self.max_words)


@registry.register_processor("blip_instruction")
class BlipInstruction(BlipCaption):
    """The same cleaning, for instructions."""


@registry.register_processor("blip_question")
class BlipQuestion(BaseProcessor):
    """Lower case, punctuation left out, cut to so many words."""

    def __init__(self, max_words: int = 50) -> None:
        self.max_words = max_words

    def __call__(self, item: str) -> str:
        """The question as the model was trained to read it."""
        return first_words(REMOVED.sub("", item.lower()).rstrip(" "), self.max_words)


def load_processor(name: str, cfg: Settings | None = None) -> BaseProcessor:
    """A processor by name; raises `ConfigError` for a name that is not known."""
    kept = registry.get_processor_class(name)
    if kept is None:
        raise ConfigError(f"unknown processor {name!r}: {closest(name, registry.list_processors())}")
    processor: BaseProcessor = kept.from_config(cfg)
    return processor
