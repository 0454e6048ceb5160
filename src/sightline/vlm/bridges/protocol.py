"""What the model asks of a bridge between an encoder and a language model.

Shapes: B rows, P patches of width D, Q query outputs of width Z, L text tokens.
"""

from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Text:
    """Tokens for the bridge's own text side."""

    tokens_BL: Tensor
    mask_BL: Tensor
    """1 for a token, 0 for padding."""


@dataclass
class Attention:
    """Filled by a bridge while it runs: what each query attended to, a layer an entry.

    Each tensor is `[B, heads, Q, P]`, after the soft-max, part of the autograd graph, so that a gradient
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
