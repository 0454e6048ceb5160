"""Tokenizers behind LAVIS' calls, and texts cut where LAVIS cuts them.

Shapes: B texts, L tokens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sightline.vlm.lavis.outputs import TextTokens
from sightline.vlm.weights import Tokenizer

TOP_K = 50
"""Tokens that nucleus sampling draws from in LAVIS besides: transformers 4's own default, which nobody turned off."""
CLEANED = ((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"))
"""Spaces that transformers 4, with which LAVIS runs, leaves out of what it decodes."""
CLEANED_ENDS = ((" 's", "'s"), (" 've", "'ve"), (" 're", "'re"))


def cleaned_up(text: str) -> str:
    """A text spelt as transformers 4 decodes it."""
    for spaced, plain in (*CLEANED, *CLEANED_ENDS):
        text = text.replace(spaced, plain)
    return text


@dataclass(frozen=True)
class Cut(Tokenizer):
    """A tokenizer that reads so many tokens of a text and no more."""

    most: int = 0
    left: bool = False
    """Whether the beginning of a long text is left out, rather than its end."""

    @classmethod
    def of(cls, tokenizer: Tokenizer, most: int, *, left: bool = False) -> "Cut":
        """The same tokenizer, cutting."""
        return cls(tokenizer.backend, tokenizer.pad_id, most, left)

    def encode(
        self, text: str, *, special: bool = True, max_length: int | None = None, literal: bool = False
    ) -> list[int]:
        """Token ids, special tokens among the `most`."""
        most = self.most if max_length is None else min(self.most, max_length)
        if not self.left:
            return super().encode(text, special=special, max_length=most, literal=literal)
        encoding = self.read(text, literal=literal)
        around = self.backend.num_special_tokens_to_add(False) if special else 0
        encoding.truncate(max(0, most - around), direction="left")
        ids: list[int] = self.backend.post_process(encoding, add_special_tokens=special).ids
        return ids


class DoorTokenizer:
    """A tokenizer as LAVIS' models have it: called with texts, it gives `input_ids` and `attention_mask`."""

    def __init__(self, tokenizer: Tokenizer, eos_id: int | None = None, bos_id: int | None = None) -> None:
        self.tokenizer = tokenizer
        self.pad_token_id, self.eos_token_id, self.bos_token_id = tokenizer.pad_id, eos_id, bos_id
        self.padding_side = self.truncation_side = "right"

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        padding: str | bool = "longest",
        max_length: int | None = None,
        **_: Any,
    ) -> TextTokens:
        """Token ids of one text or several, cut to `max_length`; `padding="max_length"` makes every row so long.

        Other options of LAVIS' tokenizers change nothing.
        """
        texts = [text] if isinstance(text, str) else list(text)
        reader = self.tokenizer
        if max_length is not None and self.truncation_side == "left":
            reader = Cut.of(reader, max_length, left=True)
        left = self.padding_side == "left"
        read = reader.batch(texts, max_length=max_length, pad="left" if left else "right")
        ids_BL, mask_BL = read.tokens_BL, read.mask_BL
        short = (max_length or 0) - ids_BL.shape[1]
        if padding == "max_length" and short > 0:
            sides = (short, 0) if left else (0, short)
            ids_BL = torch.nn.functional.pad(ids_BL, sides, value=self.pad_token_id)
            mask_BL = torch.nn.functional.pad(mask_BL, sides)
        return TextTokens(ids_BL, mask_BL)

    def __len__(self) -> int:
        return int(self.tokenizer.backend.get_vocab_size())

    def decode(self, token_ids: Any, **_: Any) -> str:
        """The text of one row of ids, without special tokens."""
        return cleaned_up(self.tokenizer.decode(_listed(token_ids)))

    def batch_decode(self, sequences: Iterable[Any], **more: Any) -> list[str]:
        """The texts of several rows of ids."""
        return [self.decode(each, **more) for each in sequences]

    def convert_tokens_to_ids(self, token: str) -> int | None:
        """The id of one token."""
        return self.tokenizer.id(token)


def _listed(ids: Any) -> list[int]:
    return ids.tolist() if isinstance(ids, torch.Tensor) else list(ids)
