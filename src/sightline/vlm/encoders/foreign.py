"""transformers' vision models behind the protocol: any that cuts an image into patches and keeps one feature a patch.

BLIP-2 reads features one or more layers before the end, before any final norm (section 3.1 of the paper drops the last
layer): the layers after them, the final norm and pooling heads are cut off, so they cost neither memory nor time. Where
a model keeps these parts is found out by a self-check on a small twin (`proof`): its layers are the one list that is as
long as its config says, its norm and heads are the children that are called after them.

Shapes: B images of C channels and H×W pixels, P features of width D.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.config import Config, ConfigError, ModelError, closest
from sightline.vlm.encoders.proof import Facts, MisfitError, found, layers_of
from sightline.vlm.encoders.protocol import PatchGrid
from sightline.vlm.families import keep_wide

UNREAD: dict[str, Mapping[str, Any]] = {
    "siglip2_vision_model": {"vision_use_head": False},
    "siglip_vision_model": {"vision_use_head": False},
}
"""Settings under which parts that nobody reads are not built."""
TESTED = (
    "clip_vision_model",
    "dinov2",
    "dinov2_with_registers",
    "dinov3_vit",
    "siglip2_vision_model",
    "siglip_vision_model",
    "vit",
)
"""Kinds to name where another one does not fit; the guide has all that do."""

FLEXIBLE = "siglip2_vision_model"
"""The kind that reads flattened patches with the shape of their grid."""


@dataclass(frozen=True, kw_only=True)
class ForeignEncoderConfig(Config):
    """A vision model as transformers describes it, and how many of its last layers are left out."""

    architecture: dict[str, Any] = field(hash=False)
    """transformers' own config as it stands in a checkpoint; `model_type` names the architecture."""
    drop_layers: int = 1
    """Layers cut off at the end: the paper found the second last layer's features best."""

    @property
    def width(self) -> int | None:
        """Width of one feature, D; none: the architecture leaves it to its default."""
        return self.architecture.get("hidden_size")

    def build(self) -> "ForeignEncoder":
        from transformers import AutoModel  # late: importing transformers takes a second

        facts = self.prove()
        automatic: Any = AutoModel
        model = keep_wide(automatic.from_config(self.known(), dtype=torch.get_default_dtype()))
        return ForeignEncoder(self, model, facts)

    def known(self) -> Any:
        """transformers' config object; raises `ConfigError` for a kind it does not know."""
        from huggingface_hub.errors import StrictDataclassError  # late, as transformers, which takes a second
        from transformers import AutoConfig

        kind = str(self.architecture.get("model_type"))
        values = {key: value for key, value in self.architecture.items() if key != "model_type"}
        try:
            return AutoConfig.for_model(kind, **{**values, **UNREAD.get(kind, {})})
        except (KeyError, ValueError, TypeError, StrictDataclassError) as problem:
            raise ConfigError(f"no adapter for the vision model type {kind!r}: {closest(kind, TESTED)}") from problem

    def prove(self) -> Facts:
        """What a self-check found out about its kind; raises `FamilyRefusedError` for one without a feature a patch."""
        return found(ForeignEncoder, self, TESTED)


class Passed(nn.Module):
    """In place of what is cut off: gives back what it is called with first."""

    def forward(self, features: Any, *_: Any, **__: Any) -> Any:
        """The features themselves."""
        return features


class ForeignEncoder(nn.Module):
    """Adapter over a transformers vision model, which it shortens.

    Raises `ConfigError` for a model that does not look at images in patches, or that would keep no layer.
    """

    def __init__(self, config: ForeignEncoderConfig, model: Any, facts: Facts | None = None) -> None:
        super().__init__()
        self.config = config
        self.facts = config.prove() if facts is None else facts
        self.model = model
        theirs = model.config
        self.kind: str = theirs.model_type
        self.drop = config.drop_layers
        self.width: int = theirs.hidden_size
        self.patch_size = _one(getattr(theirs, "patch_size", None))
        self.image_size = getattr(theirs, "image_size", None)
        self.interpolates = _accepts(model, "interpolate_pos_encoding")
        self._shorten(config.drop_layers)

    def grid(self, height: int, width: int) -> PatchGrid:
        """Whole patches only: a rest at the right and at the bottom is not seen.

        Raises `ModelError` for a picture of another size where the model sees its own only.
        """
        size = self.patch_size
        if height < size or width < size:
            raise ModelError(f"an image of {height}×{width} pixels is smaller than one {size}×{size} patch: enlarge it")
        if not self.facts.resizes and self._sides() not in (None, (height, width)):
            own = "×".join(map(str, self._sides() or ()))
            raise ModelError(f"a {self.kind} sees {own} pixels, the image has {height}×{width}: resize it")
        return PatchGrid(rows=height // size, cols=width // size, leading=self.facts.leading)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Features `[B, P, D]` of the last layer kept, row by row after the leading tokens, before any final norm.

        Raises `ModelError` when the model gives another number of features than its grid has places.
        """
        grid = self.grid(*pixels_BCHW.shape[-2:])
        features: Tensor = self.model(**self.inputs(pixels_BCHW)).last_hidden_state
        expected = grid.leading + grid.rows * grid.cols
        if features.dim() != 3 or features.shape[1] != expected:
            raise ModelError(
                f"a {self.kind} gives features of shape {list(features.shape)} for a grid of {grid.rows}×{grid.cols} "
                f"after {grid.leading} leading tokens, [B, {expected}, {self.width}] was expected: "
                "write an encoder of your own for it (encoders/protocol.py)"
            )
        return features

    def train(self, mode: bool = True) -> Self:
        """A frozen encoder stays in evaluation mode: some draw random numbers in training (DINOv3 its positions)."""
        return super().train(mode and any(each.requires_grad for each in self.parameters()))

    def inputs(self, pixels_BCHW: Tensor) -> dict[str, Any]:
        """What the model is called with."""
        grid = self.grid(*pixels_BCHW.shape[-2:])
        pixels_BCHW = pixels_BCHW.to(next(self.model.parameters()).dtype)
        if self.kind == FLEXIBLE:
            return _flattened(pixels_BCHW, grid, self.patch_size)
        resized = self.interpolates and self._sides() != tuple(pixels_BCHW.shape[-2:])
        return {"pixel_values": pixels_BCHW, **({"interpolate_pos_encoding": True} if resized else {})}

    def _sides(self) -> tuple[int, int] | None:
        """Height and width that the model was made for, if it says so."""
        size = self.image_size
        if isinstance(size, list | tuple) and len(size) == 2:
            return int(size[0]), int(size[1])
        return (size, size) if isinstance(size, int) else None

    def _shorten(self, drop: int) -> None:
        path, layers = layers_of(self.model)
        if not 0 <= drop < len(layers):
            raise ConfigError(f"drop_layers is {drop}, but this encoder has {len(layers)} layers: keep one at least")
        self.model.set_submodule(path, nn.ModuleList(list(layers)[: len(layers) - drop]))
        for name in self.facts.cut:
            self.model.set_submodule(name, Passed())


def _one(size: Any) -> int:
    """The side of a square patch."""
    sides = set(size) if isinstance(size, list | tuple) else {size}
    if len(sides) != 1 or not isinstance(side := sides.pop(), int):
        raise MisfitError("its config names no square patch")
    return side


def _accepts(model: Any, name: str) -> bool:
    return name in inspect.signature(model.forward).parameters


def _flattened(pixels_BCHW: Tensor, grid: PatchGrid, size: int) -> dict[str, Any]:
    """Patches row by row, each as its pixels with the channels innermost, and the grid they lie on."""
    seen_BCHW = pixels_BCHW[..., : grid.rows * size, : grid.cols * size]
    columns = F.unfold(seen_BCHW, size, stride=size)  # [B, C × size × size, P], channels outermost
    batch, many = len(columns), columns.shape[2]
    patches = columns.view(batch, -1, size * size, many).permute(0, 3, 2, 1).reshape(batch, many, -1)
    return {
        "pixel_values": patches,
        "pixel_attention_mask": patches.new_ones((batch, many), dtype=torch.long),
        "spatial_shapes": torch.tensor([[grid.rows, grid.cols]], device=patches.device).expand(batch, 2),
    }
