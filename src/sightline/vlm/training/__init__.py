"""Training: ITC, ITM, ITG and language-modelling losses, AdamW parameter groups, warm-up with cosine decay, and a loop
whose snapshots make it resumable."""

from sightline.vlm.training.loop import Run, Stage, Watch, fit
from sightline.vlm.training.objectives import (
    captioning_loss,
    contrastive_loss,
    hard_negatives,
    language_loss,
    matching_loss,
    similarities,
)
from sightline.vlm.training.optimiser import AdamWConfig, WarmCosine

__all__ = [
    "AdamWConfig",
    "Run",
    "Stage",
    "WarmCosine",
    "Watch",
    "captioning_loss",
    "contrastive_loss",
    "fit",
    "hard_negatives",
    "language_loss",
    "matching_loss",
    "similarities",
]
