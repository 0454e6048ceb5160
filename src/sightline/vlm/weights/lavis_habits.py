"""How LAVIS runs the language models it read: which tokens begin, end and pad a text, and how many there are."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokenizers.processors import TemplateProcessing
from torch import Tensor

from sightline.vlm.language import LanguageConfig
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.tokenizer import Tokenizer

VICUNA_END = "</s>"
"""What LAVIS' Vicuna begins a text with, too: its tokenizer's beginning, end and unknown token are all this one."""
EMBEDDINGS = ("model.embed_tokens.weight", "model.decoder.embed_tokens.weight", "shared.weight")
"""Where language models keep their word embeddings."""


def habits(checkpoint: Checkpoint, prefix: str | None) -> Checkpoint:
    """A checkpoint of LAVIS' files with LAVIS' special tokens.

    OPT ends at a line's end, as it was trained to; Vicuna begins with its end token. Hugging Face's conversions hold
    this in their configs, the language model's own folder does not.
    """
    tokenizer = checkpoint.tokenizer
    if tokenizer is None or prefix is None:
        return checkpoint
    if prefix == "opt":
        line = tokenizer.encode("\n", special=False)
        if len(line) == 1 and tokenizer.backend.decode(line) == "\n":
            _ends_at(checkpoint, line[0])
    if prefix == "llm" and (end := tokenizer.id(VICUNA_END)) is not None:
        tokenizer.backend.post_processor = TemplateProcessing(
            single=f"{VICUNA_END} $A", pair=f"{VICUNA_END} $A $B", special_tokens=[(VICUNA_END, end)]
        )
    language: Any = checkpoint.model.language
    if tokenizer.pad_id >= language.vocab_size:  # a tokenizer with a token that the embeddings lack: never read
        checkpoint.tokenizer = Tokenizer(tokenizer.backend, language.pad_id)
    return checkpoint


def _ends_at(checkpoint: Checkpoint, token: int) -> None:
    language: Any = checkpoint.model.language
    config = checkpoint.config.language
    if isinstance(config, LanguageConfig):
        changed = replace(config, eos_ids=(token,))
        checkpoint.config = replace(checkpoint.config, language=changed)
        language.config, language.eos_ids = changed, (token,)


def grow(language: Any, state: Mapping[str, Tensor], prefix: str | None) -> None:
    """Gives a language model as many tokens as a whole file has: LAVIS adds one, [PAD], to Vicuna's."""
    stored = next((state[name] for each in EMBEDDINGS if (name := f"{prefix}_model.{each}") in state), None)
    if stored is None or len(stored) <= language.vocab_size:
        return
    language.model.resize_token_embeddings(len(stored), mean_resizing=False)
    language.vocab_size = len(stored)
    architecture = {**language.config.architecture, "vocab_size": len(stored)}
    language.config = replace(language.config, architecture=architecture)
