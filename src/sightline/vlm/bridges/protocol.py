"""What the model asks of a bridge between an encoder and a language model.

Shapes: B rows, P patches of width D, Q query outputs of width Z, L text tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Text:
    """A batch of texts: token ids padded to one length, and the attention mask that says which are padding."""

    tokens_BL: Tensor
    mask_BL: Tensor
    """1 for a token, 0 for padding."""

    @classmethod
    def padded(cls, rows: Sequence[Sequence[int]], pad_id: int, *, left: bool = False) -> Self:
        """Rows of ids, padded to the longest: on the right, or on the left (prompts of a causal language model)."""
        longest = max((len(row) for row in rows), default=0)
        tokens_BL = torch.full((len(rows), longest), pad_id, dtype=torch.long)
        mask_BL = torch.zeros_like(tokens_BL)
        for tokens_L, mask_L, row in zip(tokens_BL, mask_BL, rows, strict=True):
            place = slice(longest - len(row), longest) if left else slice(0, len(row))
            tokens_L[place] = torch.tensor(row, dtype=torch.long)
            mask_L[place] = 1
        return cls(tokens_BL, mask_BL)

    def rows(self, rows_R: Tensor) -> "Text":
        """The texts of these rows, in this order, repeats allowed."""
        rows_R = rows_R.to(self.tokens_BL.device)
        return Text(self.tokens_BL[rows_R], self.mask_BL[rows_R])

    def to(self, device: torch.device) -> "Text":
        """The same on a device."""
        return Text(self.tokens_BL.to(device), self.mask_BL.to(device))


@dataclass
class Attention:
    """Filled by a bridge while it runs: cross-attention weights, what each query attended to, a layer an entry.

    Each tensor is `[B, heads, Q, P]`, after the softmax, part of the autograd graph, so that a gradient
    with respect to it can be taken (where the model looked: decoding/looked.py).
    """

    layers: list[Tensor] = field(default_factory=list)


class Bridge(Protocol):
    """Turns patch features into a fixed number of tokens for the language model."""

    patch_width: int
    """Width of a patch feature it reads, D."""
    width: int
    """Width of one output, Z."""
    queries: int
    """How many outputs it gives for an image, Q."""

    def __call__(self, patches_BPD: Tensor, text: Text | None = None, attention: Attention | None = None) -> Tensor:
        """Query outputs `[B, Q, Z]`; `text` enters instruction-aware bridges (InstructBLIP) beside the queries."""
        ...
