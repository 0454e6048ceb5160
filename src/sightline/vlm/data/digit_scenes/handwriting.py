"""Real handwritten digits, split by image before anything else happens to them."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Split = Literal["train", "held-out"]

HELD_OUT = 400
"""Scans of the held-out split; the other 1,397 are for training."""
SPLIT_SEED = 20_01_12597
"""Fixed for good: moving it would leak training strokes into the test split."""


@dataclass(frozen=True)
class Handwriting:
    """Scans of one split: `strokes[i]` is 8×8, uint8, 0 paper to 255 ink, and shows the digit `labels[i]`."""

    strokes: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]
    """Where each scan stands in scikit-learn's set."""


@cache
def handwriting(split: Split) -> Handwriting:
    """The 1,397 scans of "train" or the 400 of "held-out"; no scan is in both."""
    from sklearn.datasets import load_digits  # late: takes a second, and only scenes need it

    scans = load_digits()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(scans.target))
    chosen = np.sort(order[:HELD_OUT] if split == "held-out" else order[HELD_OUT:])
    strokes = np.clip(scans.images[chosen] * (255 / 16), 0, 255).astype(np.uint8)
    return Handwriting(strokes, scans.target[chosen].astype(np.int64), chosen)
