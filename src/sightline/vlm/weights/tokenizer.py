"""Tokenization: text to token ids and back, for language models and for the Q-Former's text side alike.

Shapes: B texts, L tokens of the longest.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from tokenizers import Encoding
from tokenizers import Tokenizer as Backend

from sightline.vlm.bridges import Text
from sightline.vlm.weights.errors import CheckpointError


@dataclass(frozen=True)
class Tokenizer:
    """A `tokenizers` tokenizer with the model's own special tokens around a text, and padding to tensors."""

    backend: Backend
    pad_id: int

    def __post_init__(self) -> None:
        self.backend.no_padding()  # a file may ask for both, unseen: here `batch` pads, and cuts only when told to
        self.backend.no_truncation()

    @classmethod
    def from_file(cls, path: Path, pad_token: str | None = None) -> "Tokenizer":
        """Reads a `tokenizer.json`; the pad token is the named one, else the one the file itself pads with."""
        backend = Backend.from_file(str(path))
        padding = backend.padding
        token = pad_token or (padding["pad_token"] if padding else None)
        pad_id = 0 if not token else backend.token_to_id(token)
        if pad_id is None:
            raise CheckpointError(f"{path} has no token {token!r} to pad with: name one of its own tokens")
        return cls(backend, pad_id)

    def save(self, path: Path) -> None:
        """Writes a `tokenizer.json` that `from_file` reads back, pad token included."""
        copy = Backend.from_str(self.backend.to_str())
        copy.enable_padding(pad_id=self.pad_id, pad_token=copy.id_to_token(self.pad_id) or "")
        copy.save(str(path))

    @cached_property
    def specials(self) -> tuple[str, ...]:
        """Texts that are read as one special token each (BOS, EOS, place holders)."""
        return tuple(token.content for token in self.backend.get_added_tokens_decoder().values() if token.special)

    def names_special(self, text: str) -> str | None:
        """The first special token that is written out in a text, none where there is none."""
        return next((token for token in self.specials if token and token in text), None)

    def encode(
        self, text: str, *, special: bool = True, max_length: int | None = None, literal: bool = False
    ) -> list[int]:
        """Token ids; `special` adds what the model expects around a text (BOS, CLS, EOS …).

        `literal`: special tokens written out in the text are read as any other characters, as in text of users.
        Truncation: a text longer than `max_length` loses words at its end, never its special tokens.
        """
        encoding = self.read(text, literal=literal)
        around = self.backend.num_special_tokens_to_add(False) if special else 0
        if max_length is not None:
            encoding.truncate(max(0, max_length - around))
        ids: list[int] = self.backend.post_process(encoding, add_special_tokens=special).ids
        return ids

    def read(self, text: str, *, literal: bool) -> Encoding:
        """A text's own tokens, none around it; `literal` as in `encode`."""
        self.backend.encode_special_tokens = literal
        encoding = self.backend.encode(text, add_special_tokens=False)
        if literal and not self._controls.isdisjoint(encoding.ids):
            return self._plain.encode(text, add_special_tokens=False)
        return encoding

    @cached_property
    def _controls(self) -> frozenset[int]:
        """Ids of the special tokens, but for an unknown token that the model knows by its name."""
        unknown = getattr(self.backend.model, "unk_token", None)
        added = self.backend.get_added_tokens_decoder().items()
        return frozenset(at for at, token in added if token.special and token.content != unknown)

    @cached_property
    def _plain(self) -> Backend:
        """The same vocabulary with its special tokens under names that nobody can write.

        Unigram (T5) and word-level vocabularies hold special tokens as words, which `encode_special_tokens` leaves.
        """
        facts = json.loads(self.backend.to_str())
        hidden = {str(self.backend.id_to_token(at)): secrets.token_hex(16) for at in self._controls}
        facts["model"] |= _renamed(facts["model"], hidden)
        for token in facts["added_tokens"]:
            token["content"] = hidden.get(token["content"], token["content"])
        plain = Backend.from_str(json.dumps({**facts, "post_processor": None}))
        plain.encode_special_tokens = True
        return plain

    def unknown(self, text: str) -> list[str]:
        """Words of a text that a closed vocabulary lacks."""
        token = getattr(self.backend.model, "unk_token", None)
        outside = None if token is None else self.id(token)
        if outside is None:
            return []
        text = text.encode(errors="replace").decode()  # whoever reads it refuses what is no Unicode
        read = self.read(text, literal=True)
        spans = [span for found, span in zip(read.ids, read.offsets, strict=True) if found == outside]
        return [text[start:end] for start, end in spans]

    def decode(self, ids: Iterable[int]) -> str:
        """Text without special tokens."""
        return str(self.backend.decode(list(ids), skip_special_tokens=True))

    def id(self, token: str) -> int | None:
        """The id of one token, none when the vocabulary lacks it."""
        return self.backend.token_to_id(token)

    def first_id(self, tokens: Iterable[str]) -> int | None:
        """The id of the first of these tokens that the vocabulary has, none when it has none of them."""
        return next((found for found in map(self.id, tokens) if found is not None), None)

    def batch(
        self,
        texts: Sequence[str],
        *,
        pad: Literal["left", "right"] = "right",
        special: bool = True,
        max_length: int | None = None,
        literal: bool = False,
    ) -> Text:
        """Token ids and attention mask `[B, L]`; left padding for a causal model's prompts, right everywhere else."""
        rows = [self.encode(text, special=special, max_length=max_length, literal=literal) for text in texts]
        return Text.padded(rows, self.pad_id, left=pad == "left")


def _renamed(model: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Vocabulary and merges of a tokenizer's model with other names for some tokens, under the same ids."""
    vocab = model["vocab"]
    if isinstance(vocab, list):
        return {"vocab": [[names.get(piece, piece), score] for piece, score in vocab]}
    renamed: dict[str, Any] = {"vocab": {names.get(word, word): at for word, at in vocab.items()}}
    if "merges" in model:
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
        renamed["merges"] = [pair for pair in pairs if names.keys().isdisjoint({*pair, "".join(pair)})]
    return renamed
