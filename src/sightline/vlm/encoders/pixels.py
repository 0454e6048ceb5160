"""What the processor file beside a vision model says about the pixels it was trained on.

Such a file is a preprocessor_config.json, or the `image_processor` of a processor_config.json, of one of transformers'
image processors (Blip, CLIP, SigLIP, ViT, Bit as used by DINOv2).
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sightline.vlm.config import ConfigError

FILES = ("preprocessor_config.json", "processor_config.json")
FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""Pillow's filters by their numbers, as processors store them."""


def read_processor(folder: Path) -> dict[str, Any] | None:
    """The image processor's facts in a folder as they stand; none where it has no such file.

    Raises `ConfigError` for a file that is not JSON.
    """
    for path in (folder / name for name in FILES):
        if not path.exists():
            continue
        try:
            facts = json.loads(path.read_text())
        except ValueError as problem:
            raise ConfigError(f"{path} is not JSON: {problem}") from problem
        if isinstance(facts, dict) and (path.name == FILES[0] or "image_processor" in facts):
            return facts
    return None


def pixel_facts(facts: Mapping[str, Any], size: int | None = None) -> dict[str, Any]:
    """The fields of `data.preprocess.Preprocess` as a processor file has them.

    Args:
        facts: The file as it stands.
        size: Pixels on a side where the file leaves it open.

    Raises:
        ConfigError: A square is not what it asks for, or a step it names is none of ours.
    """
    facts = facts.get("image_processor", facts)
    if not facts.get("do_resize", True):
        raise ConfigError("this image processor does not resize: a batch needs images of one size")
    crops = bool(facts.get("do_center_crop", False))
    edge, side = _sides(facts, crops, size)
    if crops:
        edge, side = edge or side, _square(facts.get("crop_size"), "crop_size") or side
    elif edge is not None:
        raise ConfigError(f"size is {facts['size']} without a crop: images would differ in size, add crop_size")
    if side is None:
        raise ConfigError(f"this image processor says no size (size is {facts.get('size')!r}): give one")
    normal, scales = facts.get("do_normalize", True), facts.get("do_rescale", True)
    if normal and (absent := [name for name in ("image_mean", "image_std") if name not in facts]):
        raise ConfigError(f"this image processor normalises, but lacks {' and '.join(absent)}")
    return {
        "size": side,
        "mean": tuple(facts["image_mean"]) if normal else (0.0, 0.0, 0.0),
        "std": tuple(facts["image_std"]) if normal else (1.0, 1.0, 1.0),
        "resample": FILTERS[int(facts.get("resample", 3))],
        "shortest_edge": edge if crops else None,
        "scale": float(facts.get("rescale_factor", 1 / 255)) if scales else 1.0,
    }


def _sides(facts: Mapping[str, Any], crops: bool, size: int | None) -> tuple[int | None, int | None]:
    """The shortest edge, if that is how it resizes, and the side of the square, if that is known."""
    told = facts.get("size")
    if "max_num_patches" in facts:  # SigLIP2's flexible grids: the largest square grid it may have
        return None, facts["patch_size"] * math.isqrt(facts["max_num_patches"])
    if isinstance(told, Mapping) and told.get("shortest_edge") and not told.get("longest_edge"):
        return int(told["shortest_edge"]), size
    if isinstance(told, int) and crops:  # as files of early CLIP models have it
        return told, size
    return None, _square(told, "size") or size


def _square(told: Any, what: str) -> int | None:
    """The side of a square given as one number or as height and width."""
    if told is None or told == {}:
        return None
    sides = {int(told)} if isinstance(told, int) else {told.get("height"), told.get("width")}
    if len(sides) != 1 or None in sides:
        raise ConfigError(f"{what} is {told}: the pixels of an encoder must be a square, give equal height and width")
    return sides.pop()
