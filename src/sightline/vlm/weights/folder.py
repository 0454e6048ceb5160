"""Sightline's own checkpoint folder.

    sightline.json         the config tree, image facts, prompts, decoding defaults, card
    model.safetensors      weights under our own names: all of them, or those that differ from the base
    tokenizer.json         of the language model, if there is one
    text_tokenizer.json    of the bridge's text side, if there is one

A delta checkpoint, where only a part was trained, names its `base` (a known name, a hub id or a folder): that is read
first, then the weights of this folder replace what they name. So a fine-tuned bridge is some 400 MB, not 15 GB.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from sightline.vlm.config import ConfigError
from sightline.vlm.encoders import ImageFacts
from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.placement import PARTS, Devices, Dtypes, Layout, dtypes_of
from sightline.vlm.weights.checkpoint import Checkpoint, Prompts
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.fill import Fill, empty
from sightline.vlm.weights.huggingface import on_device
from sightline.vlm.weights.shards import WHOLE, file_tensors, shapes, tensors
from sightline.vlm.weights.tokenizer import Tokenizer

CARD = "sightline.json"
"""File that makes a folder a checkpoint of ours."""
FORMAT = 1
"""Version of that file; another one is refused."""
TOKENIZER = "tokenizer.json"
"""File of the language model's tokenizer."""
TEXT_TOKENIZER = "text_tokenizer.json"
"""File of the Q-Former's tokenizer."""

Read = Callable[[str, Dtypes | None, Devices], Checkpoint]
"""How a base is read: `weights.read`."""


def save_folder(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    trained: Iterable[str] | None = None,
    base: str | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Writes a checkpoint folder; each file is replaced by an atomic rename when it is whole.

    Args:
        checkpoint: What to store.
        folder: Made if absent; files of an earlier save are replaced.
        trained: Prefixes of the parameters to store, when the rest comes from `base`; none: everything.
        base: Where the rest comes from; needed with `trained`.
        dtype: Floating dtype in the file (float16 halves it); none: as it is in memory.
    """
    if (trained is None) != (base is None):
        raise ValueError("`trained` and `base` go together: what is not stored here must come from somewhere")
    check_whole(checkpoint)
    make_folder(folder)
    weights = _weights(checkpoint.model, tuple(trained) if trained is not None else ("",), dtype)
    whole = folder / WHOLE
    save_file(weights, whole.with_suffix(".partial"), metadata={"format": "pt"})
    read_back(weights, [whole.with_suffix(".partial")])
    whole.with_suffix(".partial").replace(whole)
    for tokenizer, name in ((checkpoint.tokenizer, TOKENIZER), (checkpoint.text_tokenizer, TEXT_TOKENIZER)):
        if tokenizer is not None:
            tokenizer.save(folder / name)
    facts = {
        "format": FORMAT,
        "name": checkpoint.name,
        "family": checkpoint.family,
        "base": base,
        "precision": precision_of_parts(checkpoint.model),
        "image": asdict(checkpoint.image),
        "prompts": asdict(checkpoint.prompts),
        "decoding": checkpoint.decoding,
        "card": checkpoint.card,
        "config": checkpoint.config.to_dict(),
    }
    card = folder / CARD
    card.with_suffix(".partial").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    card.with_suffix(".partial").replace(card)


def precision_of_parts(model: Blip2) -> dict[str, str]:
    """torch's name for the dtype of each part."""
    parts = PARTS if model.language is not None else PARTS[:2]
    return {part: str(model.spot(part).dtype).removeprefix("torch.") for part in parts}


def check_whole(checkpoint: Checkpoint) -> None:
    """Raises `CheckpointError` for a model whose weights are not those of its config: nobody could read them again."""
    with Layout.of(None, "meta").encoder():
        outline = checkpoint.config.build(Layout.of(None, "meta")).state_dict().keys()
    ours = checkpoint.model.state_dict().keys()
    odd = [name for name in ours if name not in outline]
    if any("lora_" in name or "base_layer" in name for name in odd):
        raise CheckpointError(
            "the model has LoRA adapters that are not merged, with which no folder of it can be read: merge them first "
            "(PEFT: merge_and_unload)"
        )
    if odd or (odd := [name for name in outline if name not in ours]):
        some = ", ".join(odd[:3])
        raise CheckpointError(
            f"the weights are not those of the model's config ({len(odd)} differ: {some}): not written"
        )


def read_back(written: Mapping[str, Tensor], paths: Iterable[Path]) -> None:
    """Raises `CheckpointError` unless the files hold just these tensors, bit by bit."""
    left = set(written)
    for path in paths:
        for key, tensor in file_tensors(path):
            left.discard(key)
            wanted = written.get(key)
            if wanted is None or wanted.dtype != tensor.dtype or not _identical(wanted, tensor):
                raise CheckpointError(f"{path} does not hold {key} as it was written: is the disk full or broken?")
    if left:
        raise CheckpointError(f"{len(left)} tensors were not written ({sorted(left)[0]}): is the disk full or broken?")


def _identical(wanted: Tensor, found: Tensor) -> bool:
    """Bit by bit, so that NaN is itself."""
    flat, other = wanted.detach().cpu().contiguous().flatten(), found.contiguous().flatten()
    return wanted.shape == found.shape and torch.equal(flat.view(torch.uint8), other.view(torch.uint8))


def make_folder(folder: Path) -> None:
    """The folder of a checkpoint, made if absent; raises `CheckpointError` where a file has its name."""
    if folder.exists() and not folder.is_dir():
        raise CheckpointError(f"{folder} is a file: a checkpoint is a folder, choose another name for it")
    folder.mkdir(parents=True, exist_ok=True)


def read_folder(folder: Path, name: str, dtype: Dtypes | None, device: Devices, read: Read) -> Checkpoint:
    """A folder written by `save_folder`; `dtype` none means float32 (or the base's own)."""
    facts = _facts(folder)
    if dtype is None and facts.get("precision"):
        dtype = on_device(dtypes_of(facts["precision"]), Layout.of(None, device))
    config = Blip2Config.from_dict(facts["config"])
    base: str | None = facts.get("base")
    if base is None:
        model = empty(config, Layout.of(dtype, device))
        fill = Fill(model)
    else:
        model = _same(read(base, dtype, device), config, folder, base)
        fill = Fill(model, optional=model.state_dict().keys())
    fill.check(shapes(folder), str(folder))
    for key, tensor in tensors(folder):
        fill.put(key, tensor)
    fill.finish(str(folder))
    return Checkpoint(
        name=name,
        family=facts["family"],
        config=config,
        model=model.eval().requires_grad_(False),
        image=ImageFacts(**_tuples(facts["image"])),
        prompts=Prompts(**facts["prompts"]),
        tokenizer=Tokenizer.from_file(folder / TOKENIZER) if (folder / TOKENIZER).exists() else None,
        text_tokenizer=Tokenizer.from_file(folder / TEXT_TOKENIZER) if (folder / TEXT_TOKENIZER).exists() else None,
        decoding=facts["decoding"],
        card=facts["card"],
    )


def _weights(model: Blip2, prefixes: tuple[str, ...], dtype: torch.dtype | None) -> dict[str, Tensor]:
    """What to store: tied weights once, under the first of their names."""
    seen: set[int] = set()
    chosen = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) in seen or not name.startswith(prefixes):
            continue
        seen.add(id(tensor))
        stored = tensor.detach().to("cpu", dtype if dtype and tensor.is_floating_point() else tensor.dtype)
        chosen[name] = stored.contiguous()
    return chosen


def _same(base: Checkpoint, config: Blip2Config, folder: Path, name: str) -> Blip2:
    ours, theirs = (json.loads(json.dumps(each.to_dict())) for each in (config, base.config))  # as files hold them
    for part in ("encoder", "bridge", "language", "norm_eps"):
        if ours[part] != theirs[part]:
            raise CheckpointError(f"{folder} was trained on {name!r}, but the {part} of {name!r} is now another one")
    return base.model


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        facts = json.loads(path.read_text())
    except ValueError as problem:
        raise CheckpointError(f"{path} is not JSON: {problem}") from problem
    needed = {"format", "family", "image", "prompts", "decoding", "card", "config"}
    if not isinstance(facts, dict) or (absent := sorted(needed - facts.keys())):
        raise CheckpointError(f"{path} lacks {', '.join(absent) if isinstance(facts, dict) else 'everything'}")
    if facts["format"] != FORMAT:
        raise CheckpointError(f"{path} has format {facts['format']}, this Sightline reads {FORMAT}: update Sightline")
    _known(facts["image"], ImageFacts, path)
    _known(facts["prompts"], Prompts, path)
    return facts


def _known(values: dict[str, Any], kind: Any, path: Path) -> None:
    names = {item.name for item in fields(kind)}
    if unknown := sorted(values.keys() - names):
        raise ConfigError(f"{path}: {kind.__name__} has no field {unknown[0]!r}, it has {', '.join(sorted(names))}")


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
