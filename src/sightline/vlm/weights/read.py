"""The one way from a name to a model."""

import re
from dataclasses import replace
from pathlib import Path

from sightline.vlm.config import closest
from sightline.vlm.model import Devices, Dtypes
from sightline.vlm.weights.catalog import CATALOG, find
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.compose import read_model_file
from sightline.vlm.weights.errors import CheckpointError, UnknownModelError
from sightline.vlm.weights.folder import CARD, read_folder
from sightline.vlm.weights.hub import download
from sightline.vlm.weights.huggingface import read_huggingface

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def read(name_or_folder: str | Path, dtype: Dtypes | None = None, device: Devices = "cpu") -> Checkpoint:
    """A model by its name, hub id or folder, ready to use: evaluation mode, no gradients on weights.

    Args:
        name_or_folder: A name of `weights.catalog`, a folder in Sightline's or Hugging Face's layout, a hub id, or a
            YAML file that declares a model (`weights.compose`), which says its precision itself.
        dtype: Of encoder and language model, or by part, `{"language": torch.bfloat16}`; none: the checkpoint's own (a
            CPU widens float16 to float32). The bridge stays in float32 unless it is named.
        device: Where the model goes, or by part, `{"encoder": "cuda:0", "language": "cuda:1"}`.

    Raises:
        UnknownModelError: No such name, folder or hub id.
        CheckpointError: Something is there, but it cannot be read as a model.
    """
    name = str(name_or_folder)
    known = find(name)
    if known is not None and known.files:
        raise UnknownModelError(
            f"{name!r} was published as {' and '.join(known.files)} of LAVIS only: download them, then call "
            "weights.read_lavis(trained, Beside(encoder=…)), see docs/guide/from-lavis.md"
        )
    if known is not None:
        folder = known.folder or download(known.hub_id or name)
    elif Path(name).suffix in (".yaml", ".yml"):
        return read_model_file(Path(name).expanduser(), device)
    elif Path(name).expanduser().is_dir():
        folder = Path(name).expanduser()
    elif HUB_ID.fullmatch(name):
        folder = download(name)
    else:
        raise UnknownModelError(f"unknown model {name!r}: {closest(name, CATALOG)} (a hub id or a folder will do too)")
    checkpoint = _read(folder, name, dtype, device)
    if known is not None and known.caption_prompt:
        checkpoint.prompts = replace(checkpoint.prompts, caption=known.caption_prompt)
    return checkpoint


def _read(folder: Path, name: str, dtype: Dtypes | None, device: Devices) -> Checkpoint:
    if (folder / CARD).exists():
        return read_folder(folder, name, dtype, device, read)
    if (folder / "config.json").exists():
        return read_huggingface(folder, name, dtype, device)
    raise CheckpointError(
        f"{folder} has neither {CARD} (Sightline's layout) nor config.json (Hugging Face's): is it a checkpoint folder?"
    )
