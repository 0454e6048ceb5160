"""Tokenizers and the models that read their tokens, compared when a checkpoint is read."""

from typing import Any

from sightline.vlm.bridges import QFormer
from sightline.vlm.language import LanguageModel
from sightline.vlm.weights.checkpoint import Checkpoint
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.tokenizer import Tokenizer


def embedded(language: LanguageModel) -> int:
    """Tokens that a language model can read; a part of one's own may not say, then those that it can write."""
    return int(getattr(language, "embedded", language.vocab_size))


def check_vocabulary(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint; raises `CheckpointError` for a tokenizer of another model.

    Tokens that were added to a tokenizer later (`<image>`) may be more than the model embeds: they are refused in use.
    """
    model = checkpoint.model
    if model.language is not None:
        check_tokenizer("language model", checkpoint.tokenizer, embedded(model.language))
    if isinstance(model.bridge, QFormer) and model.bridge.config.vocab_size:
        check_tokenizer("Q-Former", checkpoint.text_tokenizer, model.bridge.config.vocab_size)
    return checkpoint


def check_tokenizer(what: str, tokenizer: Tokenizer | None, most: int) -> None:
    """Raises `CheckpointError` for a tokenizer with more words than a model embeds."""
    backend: Any = None if tokenizer is None else tokenizer.backend
    words = 0 if backend is None else backend.get_vocab_size(with_added_tokens=False)
    if words > most:
        raise CheckpointError(
            f"the tokenizer of the {what} has {words} tokens, the {what} embeds {most}: "
            "put the tokenizer beside the weights that they were trained with"
        )
