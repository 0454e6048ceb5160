"""transformers' vision models behind the protocol: CLIP, SigLIP, DINOv2 (with or without registers), DINOv3.

BLIP-2 reads features one or more layers before the end, before any final norm (section 3.1 of the paper drops the last
layer): the layers after them, the final norm and pooling heads are cut off, so they cost neither memory nor time.

Shapes: B images of C channels and H×W pixels, P features of width D.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.config import Config, ConfigError, ModelError, closest
from sightline.vlm.encoders.protocol import PatchGrid


@dataclass(frozen=True)
class Family:
    """Where a kind of transformers vision model keeps its parts."""

    layers: str
    """Path of the list of layers."""
    norm: str | None = None
    """Path of the final norm its features pass through, if they do."""
    cls: int = 1
    """Leading tokens besides registers."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Settings under which unneeded heads are not built."""
    stretch: bool = False
    """Whether positions stretch to other sizes only on request."""


FAMILIES = {
    "clip_vision_model": Family(layers="encoder.layers", stretch=True),
    "siglip_vision_model": Family(
        layers="encoder.layers",
        norm="post_layernorm",
        cls=0,
        settings=(("vision_use_head", False),),
        stretch=True,
    ),
    "dinov2": Family(layers="encoder.layer", norm="layernorm"),
    "dinov2_with_registers": Family(layers="encoder.layer", norm="layernorm"),
    "dinov3_vit": Family(layers="model.layer", norm="norm"),
}


@dataclass(frozen=True, kw_only=True)
class ForeignEncoderConfig(Config):
    """A vision model as transformers describes it, and how many of its last layers are left out."""

    architecture: dict[str, Any] = field(hash=False)
    """transformers' own config as it stands in a checkpoint; `model_type` names the architecture."""
    drop_layers: int = 1
    """Layers cut off at the end: the paper found the second last layer's features best."""

    def build(self) -> "ForeignEncoder":
        from transformers import AutoConfig, AutoModel  # late: importing transformers takes a second

        kind = self.architecture.get("model_type")
        if kind not in FAMILIES:
            raise ConfigError(f"no adapter for the vision model type {kind!r}: {closest(str(kind), FAMILIES)}")
        values = {key: value for key, value in self.architecture.items() if key != "model_type"}
        values |= dict(FAMILIES[kind].settings)
        automatic: Any = AutoModel
        model = automatic.from_config(AutoConfig.for_model(kind, **values), dtype=torch.get_default_dtype())
        return ForeignEncoder(self, model)


class ForeignEncoder(nn.Module):
    """Adapter over a transformers vision model, which it shortens."""

    def __init__(self, config: ForeignEncoderConfig, model: Any) -> None:
        super().__init__()
        self.config = config
        self.model = model
        self.width: int = model.config.hidden_size
        self.patch_size: int = model.config.patch_size
        self.family = FAMILIES[model.config.model_type]
        self.leading = self.family.cls + getattr(model.config, "num_register_tokens", 0)
        self._shorten(config.drop_layers)

    def grid(self, height: int, width: int) -> PatchGrid:
        """Whole patches only: a rest at the right and at the bottom is not seen."""
        size = self.patch_size
        if height < size or width < size:
            raise ModelError(f"an image of {height}×{width} pixels is smaller than one {size}×{size} patch: enlarge it")
        return PatchGrid(rows=height // size, cols=width // size, leading=self.leading)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Features `[B, P, D]` of the last layer kept, row by row after the leading tokens, before any final norm."""
        self.grid(*pixels_BCHW.shape[-2:])
        given = {"interpolate_pos_encoding": True} if self.family.stretch else {}
        pixels_BCHW = pixels_BCHW.to(next(self.model.parameters()).dtype)
        return self.model(pixel_values=pixels_BCHW, **given).last_hidden_state  # type: ignore[no-any-return]

    def _shorten(self, drop: int) -> None:
        layers = self.model.get_submodule(self.family.layers)
        if not 0 <= drop < len(layers):
            raise ConfigError(f"drop_layers is {drop}, but this encoder has {len(layers)} layers: keep one at least")
        self.model.set_submodule(self.family.layers, nn.ModuleList(list(layers)[: len(layers) - drop]))
        if self.family.norm:
            self.model.set_submodule(self.family.norm, nn.Identity())
