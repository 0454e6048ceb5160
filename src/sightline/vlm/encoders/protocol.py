"""What the model asks of a vision encoder.

Shapes: B images, C channels, H×W pixels, P patch features (leading tokens such as CLS included), D their width.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class PatchGrid:
    """How the P features of one image lie on it, row by row, after the `leading` ones that have no place."""

    rows: int
    cols: int
    leading: int = 0
    """CLS and register tokens in front of the patches."""


class VisionEncoder(Protocol):
    """A frozen model of images: pixels in, one feature a patch out."""

    width: int
    """Width of one patch feature, D."""

    def grid(self, height: int, width: int) -> PatchGrid:
        """The grid for an image of height × width pixels."""
        ...

    def __call__(self, pixels_BCHW: Tensor) -> Tensor:
        """Patch features `[B, P, D]`, before the model's own LayerNorm."""
        ...
