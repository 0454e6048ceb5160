"""The vision transformers of BLIP-2, without their last block and final norm: EVA-CLIP ViT-g (arXiv 2211.07636) and, by
three settings, OpenAI's CLIP ViT-L (arXiv 2103.00020) as LAVIS stores it.

Absolute position embeddings are interpolated to other image sizes. EVA has biases of queries and values only: a
checkpoint's key bias is zero.

Shapes: B images of C channels and H×W pixels, P = 1 + rows × cols features of width D, CLS first.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.blocks import PreNormLayer, initialise
from sightline.vlm.config import Config, ModelError
from sightline.vlm.encoders.protocol import PatchGrid


@dataclass(frozen=True, kw_only=True)
class EvaConfig(Config):
    """An EVA-style encoder; the defaults are BLIP-2's ViT-g."""

    image_size: int = 224
    """Pixels on a side for which the position embeddings were learned."""
    patch_size: int = 14
    channels: int = 3
    width: int = 1408
    """Width of one feature, D."""
    layers: int = 39
    heads: int = 16
    mlp_width: int = 6144
    activation: str = "gelu"
    eps: float = 1e-6
    """Of the layers' norms; the norm after the encoder belongs to the model and has its own."""
    qkv_bias: bool = True
    patch_bias: bool = True
    """Whether the patch convolution has a bias; CLIP's has none."""
    norm_first: bool = False
    """Whether embeddings pass a LayerNorm before the first layer, as CLIP's do."""
    align_corners: bool = False
    """How position embeddings are interpolated: LAVIS aligns the corners for CLIP's."""

    @property
    def side(self) -> int:
        """Patches on a side of a picture of `image_size`."""
        return self.image_size // self.patch_size

    def build(self) -> "Eva":
        return Eva(self)


class Eva(nn.Module):
    """Pixels in, one feature a patch out, before any final norm."""

    def __init__(self, config: EvaConfig) -> None:
        super().__init__()
        self.config = config
        self.width = config.width
        size = config.patch_size
        self.patches = nn.Conv2d(config.channels, config.width, size, stride=size, bias=config.patch_bias)
        self.cls = nn.Parameter(torch.empty(1, config.width))
        self.positions = nn.Parameter(torch.empty(1 + config.side**2, config.width))
        self.first_norm = nn.LayerNorm(config.width, eps=config.eps) if config.norm_first else None
        self.layers = nn.ModuleList(
            PreNormLayer(
                config.width,
                config.heads,
                config.mlp_width,
                eps=config.eps,
                activation=config.activation,
                bias=config.qkv_bias,
            )
            for _ in range(config.layers)
        )
        initialise(self)
        nn.init.normal_(self.cls, std=0.02)
        nn.init.normal_(self.positions, std=0.02)

    def grid(self, height: int, width: int) -> PatchGrid:
        """Whole patches only: a rest at the right and at the bottom is not seen."""
        size = self.config.patch_size
        if height < size or width < size:
            raise ModelError(f"an image of {height}×{width} pixels is smaller than one {size}×{size} patch: enlarge it")
        return PatchGrid(rows=height // size, cols=width // size, leading=1)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Features `[B, P, D]`, row by row after CLS."""
        grid = self.grid(*pixels_BCHW.shape[-2:])
        patches_BPD = self.patches(pixels_BCHW.to(self.cls.dtype)).flatten(2).transpose(1, 2)
        x_BPD = torch.cat([self.cls.expand(len(patches_BPD), -1, -1), patches_BPD], 1) + self._positions(grid)
        if self.first_norm is not None:
            x_BPD = self.first_norm(x_BPD)
        for layer in self.layers:
            x_BPD = layer(x_BPD)
        return x_BPD

    def _positions(self, grid: PatchGrid) -> Tensor:
        """Position embeddings `[P, D]`, interpolated bicubically when the grid is not the one they were learned on."""
        side = self.config.side
        if (grid.rows, grid.cols) == (side, side):
            return self.positions
        square_1Drc = self.positions[1:].view(1, side, side, self.width).permute(0, 3, 1, 2)
        resized = F.interpolate(
            square_1Drc.float(),
            size=(grid.rows, grid.cols),
            mode="bicubic",
            align_corners=self.config.align_corners,
        )
        cells_PD = resized[0].flatten(1).t().to(self.positions.dtype)
        return torch.cat([self.positions[:1], cells_PD])
