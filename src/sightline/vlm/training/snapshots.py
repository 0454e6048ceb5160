"""Training checkpoints of a run under way: weights, optimiser state (Adam's moments) and step in one safetensors file.

They are called snapshots, since a checkpoint is a model that `weights` reads. A snapshot is replaced by an atomic
rename, so a crash leaves the one before.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


@dataclass(frozen=True)
class Snapshot:
    """Where a run's state is kept, and whose state it is. Frozen parameters are left out."""

    path: Path
    module: nn.Module
    optimiser: torch.optim.Optimizer

    def save(self, step: int) -> None:
        """Writes the state after `step` steps; a crash while writing leaves the previous one."""
        tensors: dict[str, Tensor] = {}
        for name, parameter in self._trained():
            tensors[f"weight.{name}"] = parameter.detach()
            for key, value in self.optimiser.state[parameter].items():
                tensors[f"{key}.{name}"] = value
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        save_file({name: each.contiguous() for name, each in tensors.items()}, fresh, {"step": str(step)})
        fresh.replace(self.path)

    def restore(self) -> int:
        """Loads the state if there is one; the number of steps it has seen, else 0."""
        if not self.path.exists():
            return 0
        with safe_open(self.path, framework="pt") as file:
            names = list(file.keys())
            for name, parameter in self._trained():
                with torch.no_grad():
                    parameter.copy_(file.get_tensor(f"weight.{name}"))
                moments = [each for each in names if each.partition(".")[2] == name and not each.startswith("weight.")]
                self.optimiser.state[parameter] = {
                    each.partition(".")[0]: file.get_tensor(each).clone() for each in moments
                }
            return int(file.metadata()["step"])

    def _trained(self) -> list[tuple[str, nn.Parameter]]:
        return [(name, each) for name, each in self.module.named_parameters() if each.requires_grad]
