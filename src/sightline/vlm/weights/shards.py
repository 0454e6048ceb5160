"""Sharded safetensors, streamed: one shard memory-mapped and one tensor in memory at a time."""

import json
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from sightline.vlm.weights.errors import CheckpointError

WHOLE = "model.safetensors"
"""File of a checkpoint that is not sharded."""
INDEX = "model.safetensors.index.json"
"""Index of a sharded one: which tensor is in which file (`weight_map`)."""
WINDOW = 32 * 2**20
"""Bytes read before a file is mapped anew: bounds the resident memory of mmap."""


def shards(folder: Path) -> list[Path]:
    """The safetensors shards of a folder, in order; raises `CheckpointError` when any of them is absent."""
    index = folder / INDEX
    if not index.exists():
        if (folder / WHOLE).exists():
            return [folder / WHOLE]
        raise CheckpointError(f"{folder} has neither {WHOLE} nor {INDEX}: {_instead(folder)}")
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as problem:
        raise CheckpointError(f"{index} is not a safetensors index: {problem!r}") from problem
    if absent := [name for name in names if not (folder / name).exists()]:
        raise CheckpointError(f"{folder} lacks {', '.join(absent)}, which {INDEX} lists: was the download cut short?")
    return [folder / name for name in names]


def tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a folder with its name."""
    for path in shards(folder):
        yield from file_tensors(path)


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
        try:
            with safe_open(path, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118 - not a mapping
                    yield key, tuple(file.get_slice(key).get_shape())
        except SafetensorError as problem:
            raise CheckpointError(f"{path} is damaged or not safetensors: {problem}") from problem


def _instead(folder: Path) -> str:
    if any(folder.glob("pytorch_model*.bin")):
        return "its pickled weights are not read for safety, convert them to safetensors first"
    if not folder.is_dir():
        return "there is no such folder"
    return "is it a checkpoint folder?"
