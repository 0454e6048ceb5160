"""LAVIS' published models from LAVIS' own files: what was trained, and the frozen parts that stand elsewhere."""

from pathlib import Path

import torch

from sightline.vlm.placement import Devices, Dtypes
from sightline.vlm.weights.catalog import Original
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.hub import TEXTS, download, fetched
from sightline.vlm.weights.huggingface import read_tokenizer
from sightline.vlm.weights.lavis import Beside, read_lavis
from sightline.vlm.weights.lavis_files import holds_encoder, reads_text
from sightline.vlm.weights.tokenizer import Tokenizer

BERT = "google-bert/bert-base-uncased"
"""Whose words the Q-Former reads."""
START = "[DEC]"
"""The token that LAVIS adds to them: it begins a caption."""


def read_original(original: Original, name: str, dtype: Dtypes | None = None, device: Devices = "cpu") -> Checkpoint:
    """A model of the catalogue as LAVIS has it: files not in the cache are fetched, each when it is known to be needed.

    Raises `UnknownModelError` for a file that cannot be had, `CheckpointError` for files that do not go together.
    """
    encoder, trained = original.urls
    path = fetched(trained, torch_hub=True)
    beside = Beside(
        encoder=None if holds_encoder(path) else fetched(encoder, torch_hub=True),
        language_model=original.language,
        text_tokenizer=bert_tokenizer() if reads_text(path) else None,
    )
    checkpoint = read_lavis(path, beside, dtype=torch.float32 if dtype is None else dtype, device=device)
    checkpoint.name = name
    return checkpoint


def bert_tokenizer() -> Tokenizer:
    """The Q-Former's tokenizer, as LAVIS makes it from BERT's."""
    folder: Path = download(BERT, TEXTS)
    tokenizer = read_tokenizer(folder)
    if tokenizer is None:
        raise CheckpointError(f"{folder} holds no tokenizer: delete it, and {BERT} is fetched anew")
    tokenizer.backend.add_special_tokens([START])
    return tokenizer
