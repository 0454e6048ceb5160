"""Benchmarks a user can name: `evals.run("digit-scenes", model)`."""

from collections.abc import Callable
from typing import Any

from sightline.vlm.config import SightlineVlmError, closest
from sightline.vlm.evals import digit_scenes, vqa
from sightline.vlm.evals.progress import Progress, silent
from sightline.vlm.loaded import Loaded

__all__ = ["BENCHMARKS", "BenchmarkError", "Progress", "run", "silent", "vqa"]

BENCHMARKS: dict[str, Callable[[Loaded, Progress], dict[str, Any]]] = {"digit-scenes": digit_scenes.evaluate}
"""By the name a user types."""


class BenchmarkError(SightlineVlmError):
    """A benchmark that is not there; the message lists what is."""


def run(benchmark: str, model: Loaded, progress: Progress = silent) -> dict[str, Any]:
    """The figures of a model on a benchmark, as JSON-ready values; `progress` hears (what, done, total)."""
    if benchmark not in BENCHMARKS:
        raise BenchmarkError(f"unknown benchmark {benchmark!r}: {closest(benchmark, BENCHMARKS)}")
    return BENCHMARKS[benchmark](model, progress)
