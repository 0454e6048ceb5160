"""transformers' vision models behind the protocol: any that cuts an image into patches and keeps one feature a patch.

BLIP-2 reads features one or more layers before the end, before any final norm (section 3.1 of the paper drops the last
layer): the layers after them, the final norm and pooling heads are cut off, so they cost neither memory nor time. Where
a model keeps these parts is found out from the model itself: its layers are the one list that is as long as its config
says, its norm and heads are its children of the usual names.

Shapes: B images of C channels and H×W pixels, P features of width D.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.config import Config, ConfigError, ModelError, closest
from sightline.vlm.encoders.protocol import PatchGrid

NORMS = ("layernorm", "post_layernorm", "norm", "rms_norm", "layer_norm")
"""Names of a final norm."""
HEADS = ("pooler", "head")
"""Names of what comes after it."""
LEADING = ("cls_token", "class_embedding", "distillation_token")
"""Names of tokens in front of the patches; registers are counted in the config."""

TESTED: dict[str, Mapping[str, Any]] = {
    "clip_vision_model": {},
    "dinov2": {},
    "dinov2_with_registers": {},
    "dinov3_vit": {},
    "siglip2_vision_model": {"vision_use_head": False},
    "siglip_vision_model": {"vision_use_head": False},
    "vit": {},
}
"""Kinds that are tested, with settings under which parts nobody reads are not built. Others are tried all the same."""

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
        from transformers import AutoConfig, AutoModel  # late: importing transformers takes a second

        kind = str(self.architecture.get("model_type"))
        values = {key: value for key, value in self.architecture.items() if key != "model_type"}
        automatic: Any = AutoModel
        try:
            config = AutoConfig.for_model(kind, **{**values, **TESTED.get(kind, {})})
            model = automatic.from_config(config, dtype=torch.get_default_dtype())
        except (KeyError, ValueError) as problem:
            raise ConfigError(f"no adapter for the vision model type {kind!r}: {closest(kind, TESTED)}") from problem
        return ForeignEncoder(self, model)


class ForeignEncoder(nn.Module):
    """Adapter over a transformers vision model, which it shortens.

    Raises `ConfigError` for a model that does not look at images in patches, or that would keep no layer.
    """

    def __init__(self, config: ForeignEncoderConfig, model: Any) -> None:
        super().__init__()
        self.config = config
        self.model = model
        theirs = model.config
        self.kind: str = theirs.model_type
        self.width: int = theirs.hidden_size
        self.patch_size = _one(getattr(theirs, "patch_size", None), self.kind)
        self.image_size = getattr(theirs, "image_size", None)
        parameters = dict(model.named_parameters())
        named = sum(name.startswith("embeddings.") and name.endswith(LEADING) for name in parameters)
        self.leading = named + (getattr(theirs, "num_register_tokens", 0) or 0)
        self.interpolates = _accepts(model, "interpolate_pos_encoding")
        self._shorten(config.drop_layers)

    def grid(self, height: int, width: int) -> PatchGrid:
        """Whole patches only: a rest at the right and at the bottom is not seen."""
        size = self.patch_size
        if height < size or width < size:
            raise ModelError(f"an image of {height}×{width} pixels is smaller than one {size}×{size} patch: enlarge it")
        return PatchGrid(rows=height // size, cols=width // size, leading=self.leading)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Features `[B, P, D]` of the last layer kept, row by row after the leading tokens, before any final norm.

        Raises `ModelError` when the model gives another number of features than its grid has places.
        """
        grid = self.grid(*pixels_BCHW.shape[-2:])
        pixels_BCHW = pixels_BCHW.to(next(self.model.parameters()).dtype)
        features: Tensor = self.model(**self._inputs(pixels_BCHW, grid)).last_hidden_state
        expected = grid.leading + grid.rows * grid.cols
        if features.dim() != 3 or features.shape[1] != expected:
            raise ModelError(
                f"a {self.kind} gives features of shape {list(features.shape)} for a grid of {grid.rows}×{grid.cols} "
                f"after {grid.leading} leading tokens, [B, {expected}, {self.width}] was expected: "
                "write an encoder of your own for it (encoders/protocol.py)"
            )
        return features

    def _inputs(self, pixels_BCHW: Tensor, grid: PatchGrid) -> dict[str, Any]:
        if self.kind == FLEXIBLE:
            return _flattened(pixels_BCHW, grid, self.patch_size)
        resized = self.interpolates and list(pixels_BCHW.shape[-2:]) != [self.image_size, self.image_size]
        return {"pixel_values": pixels_BCHW, **({"interpolate_pos_encoding": True} if resized else {})}

    def _shorten(self, drop: int) -> None:
        wanted = self.model.config.num_hidden_layers
        lists = [(path, each) for path, each in self.model.named_modules() if isinstance(each, nn.ModuleList)]
        found = [(path, layers) for path, layers in lists if len(layers) == wanted]
        if len(found) != 1:
            raise ConfigError(f"no adapter for the vision model type {self.kind!r}: {closest(self.kind, TESTED)}")
        path, layers = found[0]
        if not 0 <= drop < wanted:
            raise ConfigError(f"drop_layers is {drop}, but this encoder has {wanted} layers: keep one at least")
        self.model.set_submodule(path, nn.ModuleList(list(layers)[: wanted - drop]))
        for name, part in list(self.model.named_children()):
            if name in (*NORMS, *HEADS) and part is not None:
                self.model.set_submodule(name, nn.Identity())


def _one(size: Any, kind: str) -> int:
    """The side of a square patch; raises `ConfigError` where there is none."""
    sides = set(size) if isinstance(size, list | tuple) else {size}
    if len(sides) != 1 or not isinstance(side := sides.pop(), int):
        raise ConfigError(f"no adapter for the vision model type {kind!r}: {closest(kind, TESTED)}")
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
