"""Pre-training of the encoder: every patch names its digit, its ink, and its own row and column.

A frozen encoder that was not asked where a patch is forgets it, and no bridge can then tell left from right.

Shapes: N scenes, B of them in a batch, C channels of H×W pixels, P = rows × cols patches of width D.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.data.digit_scenes import CANVAS_PX, DIGITS, INKS, Drawing, Scene, Split, sample_scenes
from sightline.vlm.encoders.protocol import PatchGrid
from sightline.vlm.model import Blip2
from sightline.vlm.training import Run

VARIED = Drawing(count_shares=(0.10, 0.25, 0.30, 0.35), shear=0.2, turn_deg=8.0, squeeze=0.1)
"""Fuller scenes and livelier strokes than the world's: more handwriting to a step."""
NAMES = ("digit", "ink", "row", "column")
"""Classification heads over a patch."""
WEIGHTS = {"digit": 1.0, "ink": 0.5, "row": 0.25, "column": 0.25}
"""Weight of each head in the loss."""
MEAN, STD = 0.25, 0.25
"""Of every channel, on the scale 0 to 1."""


@dataclass(frozen=True)
class NamedPatches:
    """Scenes with what every patch has to say."""

    pixels_NCHW: Tensor
    """uint8."""
    digit_NP: Tensor
    """The last class means: nothing here."""
    ink_NP: Tensor

    @classmethod
    def draw(cls, n: int, seed: int, split: Split, grid: PatchGrid, drawing: Drawing) -> "NamedPatches":
        """`n` scenes of a split; a patch belongs to the digit whose box holds its centre."""
        scenes = sample_scenes(n, seed, split, drawing)
        digit_NP = np.full((n, grid.rows * grid.cols), len(DIGITS))
        ink_NP = np.full_like(digit_NP, len(INKS))
        for index, scene in enumerate(scenes):
            side = scene.pixels.shape[0] / grid.rows
            for thing in scene.things:
                left, top, right, bottom = (np.ceil(edge / side - 0.5).astype(int) for edge in thing.box)
                cells = (np.arange(top, bottom)[:, None] * grid.cols + np.arange(left, right)).ravel()
                digit_NP[index, cells], ink_NP[index, cells] = thing.digit, INKS.index(thing.ink)
        return cls(stacked(scenes), torch.from_numpy(digit_NP), torch.from_numpy(ink_NP))


def stacked(scenes: list[Scene]) -> Tensor:
    """Pixels `[N, C, H, W]`, uint8."""
    return torch.from_numpy(np.stack([scene.pixels for scene in scenes])).permute(0, 3, 1, 2).contiguous()


def normalised(pixels_BCHW: Tensor) -> Tensor:
    """Pixels as the encoder expects them, from uint8."""
    return (pixels_BCHW.float() / 255 - MEAN) / STD


class Naming(nn.Module):
    """Encoder, its LayerNorm, and the heads that name; the heads are dropped afterwards."""

    def __init__(self, model: Blip2, grid: PatchGrid) -> None:
        super().__init__()
        self.encoder, self.norm = model.encoder, model.norm
        self.leading = grid.leading
        sizes = {"digit": len(DIGITS) + 1, "ink": len(INKS) + 1, "row": grid.rows, "column": grid.cols}
        self.heads = nn.ModuleDict({name: nn.Linear(model.encoder.width, sizes[name]) for name in NAMES})
        places_P = torch.arange(grid.rows * grid.cols)
        self.row_P, self.column_P = places_P // grid.cols, places_P % grid.cols

    def forward(self, pixels_BCHW: Tensor) -> dict[str, Tensor]:
        """Logits `[B, P, classes]` by name."""
        patches_BPD = self.norm(self.encoder(pixels_BCHW))[:, self.leading :]
        return {name: head(patches_BPD) for name, head in self.heads.items()}


class EncoderStage:
    """Trains `Naming` on varied scenes of the training handwriting."""

    def __init__(self, model: Blip2, run: Run, scenes: int) -> None:
        self.grid = model.encoder.grid(CANVAS_PX, CANVAS_PX)
        self.naming = Naming(model, self.grid)
        self.run, self.scenes = run, scenes

    @cached_property
    def data(self) -> NamedPatches:
        """Drawn when the first step needs it."""
        return NamedPatches.draw(self.scenes, self.run.seed, "train", self.grid, VARIED)

    @property
    def trained(self) -> nn.Module:
        return self.naming

    def losses(self, step: int) -> dict[str, Tensor]:
        """Cross-entropy of each name."""
        rng = np.random.default_rng((self.run.seed, step))
        rows_B = torch.from_numpy(rng.integers(len(self.data.pixels_NCHW), size=self.run.batch))
        said = self.naming(normalised(self.data.pixels_NCHW[rows_B]))
        return {
            name: WEIGHTS[name] * F.cross_entropy(said[name].flatten(0, 1), true_BP.flatten())
            for name, true_BP in self._truth(rows_B).items()
        }

    def _truth(self, rows_B: Tensor) -> dict[str, Tensor]:
        many = (len(rows_B), -1)
        return {
            "digit": self.data.digit_NP[rows_B],
            "ink": self.data.ink_NP[rows_B],
            "row": self.naming.row_P.expand(many),
            "column": self.naming.column_P.expand(many),
        }


def naming_accuracy(naming: Naming, held_out: NamedPatches) -> dict[str, float]:
    """Shares of held-out patches on digits that name it, and its ink; and of digits named by all their patches."""
    with torch.no_grad():
        said = [naming(normalised(pixels)) for pixels in torch.split(held_out.pixels_NCHW, 64)]
    digit_NPK, ink_NPK = (torch.cat([each[name] for each in said]) for name in ("digit", "ink"))
    on_NP = held_out.digit_NP < len(DIGITS)
    digit_NP, ink_NP = digit_NPK.argmax(-1), ink_NPK.argmax(-1)
    votes_NIK = torch.zeros(len(digit_NPK), len(INKS) + 1, len(DIGITS))  # an ink marks one digit of its scene
    votes_NIK.scatter_add_(1, held_out.ink_NP[..., None].expand(-1, -1, len(DIGITS)), digit_NPK.softmax(-1)[..., :-1])
    right_NP = votes_NIK.argmax(-1).gather(1, held_out.ink_NP) == held_out.digit_NP
    size_NP = torch.zeros(len(digit_NPK), len(INKS) + 1).scatter_add_(1, held_out.ink_NP, on_NP.float())
    weight_NP = on_NP / size_NP.gather(1, held_out.ink_NP).clamp(min=1)  # each digit counts once
    return {
        "patch_digit": float((digit_NP == held_out.digit_NP)[on_NP].float().mean()),
        "patch_ink": float((ink_NP == held_out.ink_NP)[on_NP].float().mean()),
        "digit_named": float((right_NP * weight_NP).sum() / weight_NP.sum()),
    }
