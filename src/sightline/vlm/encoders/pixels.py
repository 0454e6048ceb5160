"""The pixels that a vision encoder was trained on: size, interpolation, mean and standard deviation.

`ImageFacts` is the one class of them and `ImageFacts.from_processor` the one reader of processor files: a
preprocessor_config.json, or the `image_processor` of a processor_config.json, of one of transformers' image processors
(Blip, CLIP, SigLIP, ViT, Bit as used by DINOv2). `data.preprocess.Preprocess` turns pictures into these pixels.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

from sightline.vlm.config import ConfigError, closest

FILES = ("preprocessor_config.json", "processor_config.json")
"""Processor files beside a model's weights; the first one there is read."""

Resample = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
"""Interpolation filters by Pillow's names for them."""
FILTERS: tuple[Resample, ...] = get_args(Resample)
"""In the order of Pillow's enum (`Image.Resampling`), by whose numbers processor files name them."""

KINDS = (
    *(
        "Blip",
        "CLIP",
        "Siglip",
        "ViT",
        "Beit",
        "Bit",
        "Chameleon",
        "ChineseCLIP",
        "DINOv3ViT",
        "DeiT",
        "Flava",
        "Gemma3",
    ),
    *("Llava", "MobileNetV1", "MobileNetV2", "OwlViT", "PPChart2Table", "Pvt", "SegGpt", "Segformer", "Siglip2"),
)
"""Families of image processors, by their classes' names, whose pixels ours are: each is compared in the tests."""
SQUASHING = ("DeiT", "Flava", "Beit")
"""Those whose `size`, where it is one number, is a square and no shortest edge."""
STEPS = (
    "do_resize",
    "size",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "max_num_patches",
    "patch_size",
    "do_convert_rgb",
    "image_processor_type",
    "feature_extractor_type",
    "processor_class",
)
"""Fields that are read, and those that say who wrote the file."""
UNSEEN = (
    "_",
    "auto_map",
    "codebook_",
    "data_format",
    "default_to_square",
    "device",
    "disable_grouping",
    "input_data_format",
    "mask_group_",
    "num_channels",
    "return_",
    "input_size_patches",
    "total_mask_patches",
    "model_input_names",
    "transformers_version",
)
"""Beginnings of fields that do not change a picture's pixels."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Channel means of CLIP's training images (OpenAI), red first, on a scale of 0 to 1: BLIP-2's, too."""
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Their standard deviations."""


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """How a picture becomes `[C, H, W]`: resized to a square, rescaled, less the mean, over the standard deviation."""

    size: int
    """Pixels on a side of the square that the encoder sees."""
    mean: tuple[float, ...] = CLIP_MEAN
    """Of each channel, red first, after rescaling."""
    std: tuple[float, ...] = CLIP_STD
    """Of each channel, after rescaling."""
    resample: Resample = "bicubic"
    """Interpolation filter."""
    shortest_edge: int | None = None
    """Resize and centre crop (CLIP, DINOv2): the shorter side is made this long, the aspect ratio kept, and the square
    cut from the middle; none: the image is squashed to the square (BLIP-2, SigLIP, ViT)."""
    squashed_edge: int | None = None
    """Squash and centre crop (DeiT, FLAVA): the image is squashed to a square of this side, and `size` cut out."""
    scale: float = 1 / 255
    """Rescale factor: what 8-bit values are multiplied with."""

    def __post_init__(self) -> None:
        if self.resample not in FILTERS:
            raise ConfigError(f"unknown filter {self.resample!r}: {closest(str(self.resample), FILTERS)}")

    @classmethod
    def from_processor(cls, facts: Mapping[str, Any], size: int | None = None) -> Self:
        """What a preprocessor_config.json says (or the `image_processor` of a processor_config.json).

        Args:
            facts: The file as it stands; a value of null counts as left out.
            size: Pixels on a side where the file leaves it open.

        Raises:
            ConfigError: A square is not what it asks for, or a step it names is none of ours.
        """
        facts = _given(facts.get("image_processor") or facts)
        check_steps(facts)
        if not facts.get("do_resize", True):
            raise ConfigError("this image processor does not resize: a batch needs images of one size")
        crops = bool(facts.get("do_center_crop", False))
        edge, side = _sides(facts, crops, size)
        whole = side if crops and edge is None else None
        if crops:
            side = _crop(facts.get("crop_size")) or side
        elif edge is not None:
            raise ConfigError(f"size is {facts['size']} without a crop: images would differ in size, add crop_size")
        if side is None:
            raise ConfigError(f"this image processor says no size (size is {facts.get('size')!r}): give one")
        normal, scales = facts.get("do_normalize", True), facts.get("do_rescale", True)
        if normal and (absent := [name for name in ("image_mean", "image_std") if name not in facts]):
            raise ConfigError(f"this image processor normalises, but lacks {' and '.join(absent)}")
        return cls(
            size=side,
            mean=tuple(facts["image_mean"]) if normal else (0.0, 0.0, 0.0),
            std=tuple(facts["image_std"]) if normal else (1.0, 1.0, 1.0),
            resample=_filter(facts.get("resample", FILTERS.index("bicubic"))),
            shortest_edge=edge if crops else None,
            squashed_edge=whole if whole != side else None,
            scale=float(facts.get("rescale_factor", 1 / 255)) if scales else 1.0,
        )

    @classmethod
    def from_folder(cls, folder: Path, size: int | None = None, usual: Mapping[str, Any] | None = None) -> Self | None:
        """The facts by the processor file in a folder; none where there is no such file.

        Args:
            folder: A checkpoint folder of transformers.
            size: Pixels on a side where the file leaves it open.
            usual: Values of keys that the file leaves out: the defaults of the image processor's class.

        Raises:
            ConfigError: As `from_processor`, and for a file that is not a JSON object.
        """
        for path in (folder / name for name in FILES):
            if not path.exists():
                continue
            facts = _json(path)
            own = facts if path.name == FILES[0] else facts.get("image_processor")
            if not isinstance(
                own, dict
            ):  # a processor_config.json of a processor whose image processor has a file of its own
                continue
            try:
                return cls.from_processor({**(usual or {}), **_given(own)}, size)
            except ConfigError as problem:
                raise ConfigError(f"{path}: {problem}") from problem
        return None


def _json(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text())
    except ValueError as problem:
        raise ConfigError(f"{path} is not JSON: {problem}") from problem
    if not isinstance(facts, dict):
        raise ConfigError(f"{path} holds a {type(facts).__name__}, an object was expected")
    return facts


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}


def _filter(number: Any) -> Resample:
    """Pillow's filter of that number."""
    if not isinstance(number, int) or not 0 <= number < len(FILTERS):
        raise ConfigError(f"resample is {number!r}: Pillow's filters have the numbers 0 to {len(FILTERS) - 1}")
    return FILTERS[number]


def _sides(facts: Mapping[str, Any], crops: bool, size: int | None) -> tuple[int | None, int | None]:
    """The shortest edge, if that is how it resizes, and the side of the square, if that is known."""
    told = facts.get("size")
    if "max_num_patches" in facts:  # SigLIP2's flexible grids: the largest square grid it may have
        return None, facts["patch_size"] * math.isqrt(facts["max_num_patches"])
    if isinstance(told, Mapping) and told.get("shortest_edge") and not told.get("longest_edge"):
        return int(told["shortest_edge"]), size
    if isinstance(told, int) and crops and kind_of(facts) not in SQUASHING:  # as files of early CLIP models have it
        return told, size
    return None, _square(told, "size") or size


def check_steps(facts: Mapping[str, Any]) -> None:
    """Raises `ConfigError` for a step of an image processor that is none of ours, naming the field."""
    kind = kind_of(facts)
    if kind is not None and kind not in KINDS:
        raise ConfigError(
            f"image_processor_type is {facts.get('image_processor_type') or facts.get('feature_extractor_type')!r}, "
            f"which prepares pictures otherwise than {', '.join(KINDS[:4])} …: give size, mean and std yourself"
        )
    for name, value in facts.items():
        if name not in STEPS and not name.startswith(UNSEEN) and value not in (None, False, {}, [], 0):
            raise ConfigError(f"{name} is {value!r}: a step that is not understood; give size, mean and std yourself")


def kind_of(facts: Mapping[str, Any]) -> str | None:
    """The image processor's class by the name of its family ("CLIP"), whichever backend it was saved with."""
    told = facts.get("image_processor_type") or facts.get("feature_extractor_type")
    return re.sub(r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "", told) if isinstance(told, str) else None


def _crop(told: Any) -> int | None:
    """The side of the square that is cut out."""
    if isinstance(told, Mapping) and told.get("shortest_edge"):
        return int(told["shortest_edge"])
    return _square(told, "crop_size")


def _square(told: Any, what: str) -> int | None:
    """The side of a square given as one number or as height and width."""
    if told is None or told == {}:
        return None
    sides = {int(told)} if isinstance(told, int) else {told.get("height"), told.get("width")}
    if len(sides) != 1 or None in sides:
        raise ConfigError(f"{what} is {told}: the pixels of an encoder must be a square, give equal height and width")
    return sides.pop()
