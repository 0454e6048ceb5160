"""AdamW with weight decay by parameter group, and a learning-rate schedule: linear warm-up, then cosine decay."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from sightline.vlm.config import Config, ConfigError


@dataclass(frozen=True, kw_only=True)
class WarmCosine(Config):
    """Linear warm-up to `peak`, then cosine decay to `floor` at the last step; counted in steps, without restarts."""

    peak: float
    steps: int
    """Length of the whole run."""
    warmup_steps: int = 0
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.warmup_steps >= self.steps:
            raise ConfigError(f"warm-up of {self.warmup_steps} steps in a run of {self.steps}: shorten the warm-up")

    def rate(self, step: int) -> float:
        """Learning rate of step 0, 1, …"""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
        return self.floor + (self.peak - self.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@dataclass(frozen=True, kw_only=True)
class AdamWConfig(Config):
    """AdamW as BLIP-2 uses it (arXiv 2301.12597, section 3.4)."""

    weight_decay: float = 0.05
    """Decoupled weight decay of matrices; biases, LayerNorms and single numbers are never decayed."""
    beta1: float = 0.9
    beta2: float = 0.98
    clip_norm: float = 1.0
    """Gradient clipping: largest L2 norm over all parameters together."""

    def build_for(self, module: nn.Module) -> torch.optim.AdamW:
        """An optimiser of every parameter of `module` that asks for a gradient; the rest is frozen."""
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        if not trained:
            raise ConfigError("nothing to train: every parameter is frozen")
        groups = [
            {"params": [each for each in trained if each.ndim >= 2], "weight_decay": self.weight_decay},
            {"params": [each for each in trained if each.ndim < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=0.0, betas=(self.beta1, self.beta2), fused=True)
