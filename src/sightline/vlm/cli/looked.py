"""Where the model looked, written by a command: a picture, or arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.vlm.cli.batch import check_place
from sightline.vlm.config import SightlineVlmError

if TYPE_CHECKING:
    from sightline.vlm.loaded import Looked

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".npz")
"""Endings of what `--looked` writes: picture formats of Pillow, or numpy arrays."""

LookedOut = Annotated[
    Path | None,
    typer.Option("--looked", help="Write where the model looked, word by word: a picture (.png) or arrays (.npz)."),
]


def check_looked(looked: Path | None, out: Path | None) -> None:
    """Raises `SightlineVlmError` where the picture cannot be written, or when there is a table, too: it has no place
    for pictures."""
    if looked is None:
        return
    if looked.suffix.lower() not in SUFFIXES:
        raise SightlineVlmError(f"cannot write {looked}: give a name that ends in .png or .npz")
    check_place(looked)
    if out is not None:
        raise SightlineVlmError("--looked shows one image, --out writes a table of many: call once for each")


def write_looked(found: Sequence["Looked | None"], picture: Any, path: Path) -> None:
    """The maps of every text that has words, one after the other; raises `SightlineVlmError` when none has."""
    looked = [each for each in found if each is not None and each.words]
    if not looked:
        raise SightlineVlmError("no answer has a word to show, so there is no picture of where the model looked")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".npz":
            _write_arrays(looked, path)
        else:
            _joined([each.sheet(picture) for each in looked]).save(path)
    except (OSError, ValueError) as error:
        raise SightlineVlmError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error


def _write_arrays(looked: Sequence["Looked"], path: Path) -> None:
    """`words` and `grids` `[W, rows, cols]` of one text; of several, `words_0`, `grids_0`, `words_1`, …"""
    if len(looked) == 1:
        looked[0].save_arrays(path)
        return
    import numpy as np  # late: only commands need it

    arrays = {f"{name}_{at}": value for at, each in enumerate(looked) for name, value in each.arrays().items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _joined(sheets: Sequence[Any]) -> Any:
    """Pictures below each other."""
    from PIL import Image  # late: only commands need it

    canvas = Image.new("RGB", (max(each.width for each in sheets), sum(each.height for each in sheets)), "white")
    top = 0
    for each in sheets:
        canvas.paste(each, (0, top))
        top += each.height
    return canvas
