"""Sharded safetensors, streamed: one shard memory-mapped and one tensor in memory at a time."""

import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sightline.vlm.weights.errors import CheckpointError

WHOLE = "model.safetensors"
"""File of a checkpoint that is not sharded."""
INDEX = "model.safetensors.index.json"
"""Index of a sharded one: which tensor is in which file (`weight_map`)."""
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
"""The same as published before safetensors were, read where there are no safetensors."""
WINDOW = 32 * 2**20
"""Bytes read before a file is mapped anew: bounds the resident memory of mmap."""


def shards(folder: Path) -> list[Path]:
    """The safetensors shards of a folder, in order; raises `CheckpointError` when any of them is absent."""
    found = next((folder / name for name in (WHOLE, INDEX, PICKLED, PICKLED_INDEX) if (folder / name).exists()), None)
    if found is None:
        raise CheckpointError(f"{folder} has neither {WHOLE} nor {INDEX}: {_instead(folder)}")
    if found.suffix != ".json":
        return [found]
    index = found
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as problem:
        raise CheckpointError(f"{index} is not an index of shards: {problem!r}") from problem
    if absent := [name for name in names if not (folder / name).exists()]:
        raise CheckpointError(
            f"{folder} lacks {', '.join(absent)}, which {index.name} lists: was the download cut short?"
        )
    return [folder / name for name in names]


def tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a folder with its name."""
    for path in shards(folder):
        yield from pickled(path).items() if path.suffix == ".bin" else file_tensors(path)


def pickled(path: Path) -> dict[str, Tensor]:
    """Every tensor of a pickled file, mapped; tensors only are read of it, so that nothing it holds is run.

    Raises `CheckpointError` for a file that holds anything else.
    """
    try:
        values = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (RuntimeError, pickle.UnpicklingError, OSError, EOFError, ValueError) as problem:
        first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise CheckpointError(f"{path} is damaged or holds more than tensors, which is not read: {first}") from problem
    if not isinstance(values, dict) or not all(isinstance(each, Tensor) for each in values.values()):
        raise CheckpointError(f"{path} does not hold tensors by name")
    return values


def file_tensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of one file with its name; raises `CheckpointError` for a file that is damaged.

    The file is mapped anew every `WINDOW` bytes: pages that were read stay resident, and count as memory, until then.
    """
    try:
        left = _keys(path)
        while left:
            seen = 0
            with safe_open(path, framework="pt") as file:
                while left and seen < WINDOW:
                    key = left.pop()
                    tensor: Tensor = file.get_tensor(key)
                    seen += tensor.nbytes
                    yield key, tensor
                    del tensor
    except SafetensorError as problem:
        raise CheckpointError(f"{path} is damaged or not safetensors: {problem}") from problem


def _keys(path: Path) -> list[str]:
    """Names of a file's tensors, the first one last."""
    with safe_open(path, framework="pt") as file:
        return list(reversed(file.keys()))


def shapes(folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every tensor's name and shape, from the files' headers alone."""
    for path in shards(folder):
        if path.suffix == ".bin":
            yield from ((key, tuple(tensor.shape)) for key, tensor in pickled(path).items())
            continue
        try:
            with safe_open(path, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118 - not a mapping
                    yield key, tuple(file.get_slice(key).get_shape())
        except SafetensorError as problem:
            raise CheckpointError(f"{path} is damaged or not safetensors: {problem}") from problem


def _instead(folder: Path) -> str:
    if not folder.is_dir():
        return "there is no such folder"
    return "is it a checkpoint folder?"
