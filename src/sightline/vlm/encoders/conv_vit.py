"""A small vision transformer with a convolutional stem: the encoder of `sightline-tiny`.

Strided convolutions see strokes and colours before attention does, which a small model trained on little data needs
(early convolutions: arXiv 2106.14881).

Shapes: B images of C channels and H×W pixels, P = 1 + rows × cols features of width D.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.vlm.blocks import PreNormLayer, initialise
from sightline.vlm.config import Config, ModelError
from sightline.vlm.encoders.protocol import PatchGrid


@dataclass(frozen=True, kw_only=True)
class ConvViTConfig(Config):
    """A stem of stride-2 convolutions, then pre-norm transformer layers over its cells and one CLS."""

    image_size: int = 64
    """Pixels on a side: other sizes are an error, position embeddings are learned and not interpolated."""
    channels: int = 3
    stem: tuple[int, ...] = (32, 64, 128)
    """Output channels of each stride-2 convolution; the last is the width of the transformer, D."""
    layers: int = 5
    heads: int = 4
    mlp_width: int = 512
    eps: float = 1e-6

    @property
    def width(self) -> int:
        """Width of one feature, D."""
        return self.stem[-1]

    @property
    def side(self) -> int:
        """Cells on a side."""
        return -(-self.image_size // (1 << len(self.stem)))

    def build(self) -> "ConvViT":
        return ConvViT(self)


class ConvViT(nn.Module):
    """Pixels in, one feature a cell out, CLS first."""

    def __init__(self, config: ConvViTConfig) -> None:
        super().__init__()
        self.config = config
        self.width = config.width
        inputs = (config.channels, *config.stem[:-1])
        self.stem = nn.Sequential()
        for index, (before, after) in enumerate(zip(inputs, config.stem, strict=True)):
            self.stem.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            if index + 1 < len(config.stem):
                self.stem.append(nn.GroupNorm(8, after))
                self.stem.append(nn.GELU())
        self.cls = nn.Parameter(torch.empty(1, config.width))
        self.positions = nn.Parameter(torch.empty(1 + config.side**2, config.width))
        self.layers = nn.ModuleList(
            PreNormLayer(config.width, config.heads, config.mlp_width, eps=config.eps) for _ in range(config.layers)
        )
        initialise(self)
        nn.init.normal_(self.cls, std=0.02)
        nn.init.normal_(self.positions, std=0.02)

    def grid(self, height: int, width: int) -> PatchGrid:
        """The one grid it has; raises `ModelError` for an image of another size."""
        size = self.config.image_size
        if (height, width) != (size, size):
            raise ModelError(f"this encoder sees {size}×{size} pixels, the image has {height}×{width}: resize it")
        return PatchGrid(rows=self.config.side, cols=self.config.side, leading=1)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Features `[B, P, D]`, row by row after CLS, before the model's own LayerNorm."""
        self.grid(*pixels_BCHW.shape[-2:])
        cells_BPD = self.stem(pixels_BCHW.to(self.cls.dtype)).flatten(2).transpose(1, 2)
        x_BPD = torch.cat([self.cls.expand(len(cells_BPD), -1, -1), cells_BPD], 1) + self.positions
        for layer in self.layers:
            x_BPD = layer(x_BPD)
        return x_BPD
