"""The training loop: forward, backward, gradient clipping, optimiser step; counted in steps, not epochs.

Random draws follow from seed and step (data order, dropout, negatives), so a resumed run is the same run.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from sightline.vlm.config import Config
from sightline.vlm.training.optimiser import AdamWConfig, WarmCosine
from sightline.vlm.training.snapshots import Snapshot

Watch = Callable[[int], dict[str, float]]
"""Validation metrics after so many steps; the model is in evaluation mode, without gradients."""


@dataclass(frozen=True, kw_only=True)
class Run(Config):
    """How one stage is trained."""

    name: str
    schedule: WarmCosine
    optimiser: AdamWConfig = field(default_factory=AdamWConfig)
    batch: int = 64
    seed: int = 0
    watch_every: int = 500
    """Steps between two evaluations of the validation metrics, which are logged; the last step is always evaluated."""
    save_every: int = 500
    """Steps between two snapshots to resume from."""


class Stage(Protocol):
    """What is trained, and by what loss."""

    @property
    def trained(self) -> nn.Module:
        """Holds every parameter that moves (those that ask for a gradient) and nothing that needs no snapshot."""
        ...

    def losses(self, step: int) -> dict[str, Tensor]:
        """The losses of one batch by name; their sum is minimised. Draws its batch from `step` alone."""
        ...


def fit(stage: Stage, run: Run, folder: Path | None = None, watch: Watch | None = None) -> list[dict[str, float]]:
    """Trains a stage and returns its log, also kept as JSON lines in `folder`, from whose snapshot a run is resumed.

    Args:
        stage: What is trained, and its losses.
        run: Schedule, optimiser, seed, and how often to validate and to save.
        folder: For the log `NAME.jsonl` and the snapshot `NAME.state.safetensors`; none: nothing is kept.
        watch: Validation metrics to log.
    """
    console = Console(stderr=True)
    optimiser = run.optimiser.build_for(stage.trained)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    snapshot = Snapshot(folder / f"{run.name}.state.safetensors", stage.trained, optimiser) if folder else None
    first = snapshot.restore() if snapshot else 0
    log: list[dict[str, float]] = []
    started_s, cpu_started_s = time.monotonic(), time.process_time()
    steps = run.schedule.steps
    with _bar(console) as bar:
        task = bar.add_task(run.name, total=steps, completed=first, losses="")
        for step in range(first, steps):
            losses = _step(stage, run, optimiser, step)
            bar.update(task, advance=1, losses=_said(losses))
            done = step + 1
            if done % run.watch_every == 0 or done == steps:
                wall_s, cpu_s = time.monotonic() - started_s, time.process_time() - cpu_started_s
                row = {"step": done, "wall_s": wall_s, "cpu_s": cpu_s, **losses, **_watched(stage, watch, done)}
                log.append(row)
                console.log(run.name, _said(row))
                if folder:
                    with (folder / f"{run.name}.jsonl").open("a") as lines:
                        lines.write(json.dumps(row) + "\n")
            if snapshot and (done % run.save_every == 0 or done == steps):
                snapshot.save(done)
    return log


def _step(stage: Stage, run: Run, optimiser: torch.optim.Optimizer, step: int) -> dict[str, float]:
    torch.manual_seed(run.seed * 1_000_003 + step)  # dropout and negatives: as step and seed say, resumed or not
    stage.trained.train()
    losses = stage.losses(step)
    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    parameters = [each for group in optimiser.param_groups for each in group["params"]]
    nn.utils.clip_grad_norm_(parameters, run.optimiser.clip_norm)
    for group in optimiser.param_groups:
        group["lr"] = run.schedule.rate(step)
    optimiser.step()
    optimiser.zero_grad()
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _watched(stage: Stage, watch: Watch | None, done: int) -> dict[str, float]:
    if watch is None:
        return {}
    stage.trained.eval()
    with torch.no_grad():
        return watch(done)


def _said(figures: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in figures.items())


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.fields[losses]}"), console=console, disable=not console.is_terminal)
