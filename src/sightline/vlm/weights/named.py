"""The one way from a name to a model."""

from dataclasses import replace
from pathlib import Path

from sightline.vlm.placement import Devices, Dtypes, Precision, precision_of
from sightline.vlm.weights.adapters import Adapter, read_adapter
from sightline.vlm.weights.catalog import LAVIS, Known, Original, check, find
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.compose import read_model_file
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.folder import CARD, read_folder
from sightline.vlm.weights.hub import download
from sightline.vlm.weights.huggingface import read_huggingface
from sightline.vlm.weights.originals import read_original
from sightline.vlm.weights.vocabulary import check_vocabulary


def read(name_or_folder: str | Path, dtype: Precision | None = None, device: Devices = "cpu") -> Checkpoint:
    """A model by its name, hub id or folder, ready to use: evaluation mode, no gradients on weights.

    Args:
        name_or_folder: A name of `weights.catalog` (`lavis:` before it: from LAVIS' own files), a folder in Sightline's
            or Hugging Face's layout, a hub id, or a YAML file that declares a model (`weights.compose`).
        dtype: Of encoder and language model, or by part, `{"language": torch.bfloat16}`, torch's names will do; none:
            the checkpoint's own (a CPU widens float16 to float32). The bridge stays in float32 unless it is named.
        device: Where the model goes, or by part, `{"encoder": "cuda:0", "language": "cuda:1"}`.

    Raises:
        UnknownModelError: No such name, folder, file or hub id.
        ConfigError: No such dtype.
        CheckpointError: Something is there, but it cannot be read as a model.
    """
    name, dtype = str(name_or_folder), precision_of(dtype)
    check(name)
    known, original = _found(name)
    if original is not None:
        return _asked(read_original(original, name, dtype, device), known)
    if known is not None:
        folder = known.folder or download(known.hub_id or name)
    elif Path(name).suffix in (".yaml", ".yml"):
        return read_model_file(Path(name).expanduser(), device, dtype)
    elif Path(name).expanduser().is_dir():
        folder = Path(name).expanduser()
    else:
        folder = download(name)
    return _asked(check_vocabulary(_read(folder, name, dtype, device)), known)


def _found(name: str) -> tuple[Known | None, Original | None]:
    """What the catalogue knows of a name, and LAVIS' files where the model is to be read from them."""
    asked = name.removeprefix(LAVIS)
    known = find(asked)
    wanted = known is not None and (asked != name or not (known.hub_id or known.shipped))
    return known, known.lavis if known is not None and wanted else None


def _asked(checkpoint: Checkpoint, known: Known | None) -> Checkpoint:
    """With the prompt that its captions begin with."""
    if known is not None and known.caption_prompt:
        checkpoint.prompts = replace(checkpoint.prompts, caption=known.caption_prompt)
    return checkpoint


def _read(folder: Path, name: str, dtype: Dtypes | None, device: Devices) -> Checkpoint:
    if (folder / CARD).exists():
        return read_folder(folder, name, dtype, device, read)
    adapter = read_adapter(folder)
    if adapter is not None:
        return read_huggingface(adapter_base(adapter), name, dtype, device, adapter)
    if (folder / "config.json").exists():
        return read_huggingface(folder, name, dtype, device)
    raise CheckpointError(
        f"{folder} has neither {CARD} (Sightline's layout) nor config.json (Hugging Face's): is it a checkpoint folder?"
    )


def adapter_base(adapter: Adapter) -> Path:
    """The folder of the model that an adapter was trained on: beside it, by its path, or from the hub."""
    for folder in (adapter.folder / adapter.base, Path(adapter.base).expanduser()):
        if folder.is_dir():
            return folder
    return download(adapter.base)
