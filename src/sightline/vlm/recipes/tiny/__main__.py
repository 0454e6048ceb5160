"""`python -m sightline.vlm.recipes.tiny --out DIR`: progress on stderr, the evaluation as JSON on stdout."""

import json
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from sightline.vlm.recipes.tiny import tiny
from sightline.vlm.recipes.tiny.whole import run


def main(
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; an unfinished run in it is resumed.")],
    threads: Annotated[int, typer.Option(help="CPU threads; 2 as the shipped weights were trained.")] = 2,
) -> None:
    """Train sightline-tiny from nothing and evaluate it."""
    torch.set_num_threads(threads)
    console = Console(stderr=True)
    status = console.status("evaluating")

    def evaluating(what: str, done: int, total: int) -> None:
        status.start()  # not before: training shows its own bars
        status.update(f"evaluating: {what} {done}/{total}")

    figures = run(tiny(), out, evaluating)
    status.stop()
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
