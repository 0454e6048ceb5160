"""LAVIS' `.pth` files as tensors by name: opened safely, streamed in windows, and what their names say.

A `.pth` holds tensors and no config. The layout keeps what Hugging Face's drops: temperature and captioning head.
"""

import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.encoders import EvaConfig
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.fill import Fill
from sightline.vlm.weights.names import NameMap, lavis
from sightline.vlm.weights.shards import WINDOW, file_tensors

LANGUAGES = ("opt", "t5", "llm")
"""How LAVIS prefixes a language model and its projection: OPT, T5, and Vicuna."""

CLIP = "visual_encoder.conv1.weight"
"""Only files with CLIP's encoder have it."""
CLIP_LAYER = "visual_encoder.transformer.resblocks."
"""Prefix of a block of CLIP's ViT."""
EVA_LAYER = "visual_encoder.blocks."
"""Prefix of a block of EVA's ViT."""

BERT = "Qformer.bert."
"""Prefix of the Q-Former, a BERT in LAVIS."""
LAYER = BERT + "encoder.layer."
"""Prefix of one of its layers."""
WORDS = BERT + "embeddings.word_embeddings.weight"
"""Its word embeddings, tied to the language-modelling head."""
PLACES = BERT + "embeddings.position_ids"
"""A buffer that counts positions."""
TWINS = {
    "Qformer.cls.predictions.decoder.weight": WORDS,
    "Qformer.cls.predictions.decoder.bias": "Qformer.cls.predictions.bias",
}
"""Tied weights: stored twice by LAVIS, held once by us."""


def holds_encoder(path: Path) -> bool:
    """Whether a file has the vision model, too."""
    return any(key.startswith("visual_encoder.") for key in file_state(path))


def reads_text(path: Path) -> bool:
    """Whether the Q-Former in a file has its text side."""
    return WORDS in file_state(path)


def file_state(path: Path) -> dict[str, Tensor]:
    """A file's tensors by name, memory-mapped; raises `CheckpointError` for anything else."""
    if path.suffix == ".safetensors":
        return dict(file_tensors(path))
    try:
        loaded = unpickled(path)
    except Exception as problem:  # an unpickler fed with anything else raises anything: KeyError, IndexError, …
        raise CheckpointError(f"{path} cannot be read as tensors: {type(problem).__name__}: {problem}") from problem
    state = loaded.get("model", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(f"{path} holds no state dict: expected tensors by name, bare or under 'model'")
    return state


def unpickled(path: Path) -> Any:
    """Tensors only (`weights_only`), memory-mapped where possible, so that a page takes memory only once it is read."""
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped(path))


def mapped(path: Path) -> bool:
    """Whether a file can be memory-mapped: not one of PyTorch's before 1.6."""
    with path.open("rb") as file:
        return path.suffix == ".safetensors" or zipfile.is_zipfile(file)


def prefix_of(state: Mapping[str, Any]) -> str | None:
    """How the names of a file's language model begin; none in a first stage."""
    return next((prefix for prefix in LANGUAGES if f"{prefix}_proj.weight" in state), None)


def names_in(state: Mapping[str, Tensor]) -> NameMap:
    """What a file's names are in ours."""
    return lavis(prefix_of(state), clip=CLIP in state)


def names_of(checkpoint: Checkpoint, prefix: str | None) -> NameMap:
    """What LAVIS calls a checkpoint's weights."""
    encoder = checkpoint.config.encoder
    return lavis(prefix, clip=isinstance(encoder, EvaConfig) and encoder.norm_first)


def put(fill: Fill, path: Path) -> None:
    """Puts a file's tensors into a model."""
    put_all(fill, streamed(path))


def put_all(fill: Fill, tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Puts tensors into a model, each once."""
    for key, tensor in tensors:
        if key not in TWINS:
            fill.put(key, tensor)


def torn(state: Mapping[str, Tensor]) -> list[str]:
    """Weights that LAVIS ties, and that are not the same here, in words."""
    return [
        f"{key} (LAVIS ties it to {twin}, which is another here)"
        for key, twin in TWINS.items()
        if key in state and (twin not in state or not torch.equal(state[key], state[twin]))
    ]


def streamed(path: Path) -> Iterator[tuple[str, Tensor]]:
    """A file's tensors, the file mapped anew every `WINDOW` bytes: pages that were read count until it is let go."""
    left = list(reversed(file_state(path)))
    window = WINDOW if mapped(path) else math.inf
    while left:
        state, seen = file_state(path), 0
        while left and seen < window:
            key = left.pop()
            seen += state[key].nbytes
            yield key, state[key]
        del state
