"""What the model asks of a language model, causal or encoder-decoder.

Shapes: B rows, L prefix positions, T target tokens, E embedding width, V vocabulary, R rows after a selection.
A mask is 1 for a position, 0 for padding. Prefixes of a causal model are padded on the left (their last position must
be a real one), prefixes of an encoder-decoder on the right, targets on the right.
"""

from typing import Any, Protocol

from torch import Tensor


class State(Protocol):
    """A KV cache and what goes with it: keys and values of every layer, attention mask, positions.

    A state is a value (immutable, copy-on-write): decoding on from it gives a new one and leaves it as it was, so one
    prefix cache serves many continuations.
    """

    def select(self, rows_R: Tensor) -> "State":
        """The cache of rows `rows_R`: reorders beams, drops finished rows, expands one prefix to many rows."""
        ...


class Writes(Protocol):
    """What autoregressive decoding needs: a model that goes on, token by token, from its KV cache."""

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """End-of-sequence (EOS) tokens, most usual first."""
        ...

    def step(self, tokens_B: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One decoding step: appends a token a row; logits `[B, V]` of the next. `state` is one this model gave."""
        ...


class LanguageModel(Writes, Protocol):
    """A frozen language model that reads embeddings and writes tokens."""

    width: int
    """Width of one token's embedding, E."""
    vocab_size: int
    is_encoder_decoder: bool
    bos_id: int | None
    pad_id: int

    def embed(self, tokens_BL: Tensor) -> Tensor:
        """Input embeddings `[B, L, E]`."""
        ...

    def logits(self, prefix_BLE: Tensor, mask_BL: Tensor, targets_BT: Tensor) -> Tensor:
        """Teacher-forced logits `[B, T, V]`: entry t is the distribution that should give `targets_BT[:, t]`."""
        ...

    def prefill(self, prefix_BLE: Tensor, mask_BL: Tensor, after: Any = None) -> tuple[Tensor, State]:
        """Prefill: runs the prefix once, in parallel; logits `[B, V]` of the first new token, and the KV cache of it.

        `after` is the cache of a shared prefix that this one continues, of as many rows (one image's soft prompt, many
        questions).
        Encoder-decoder models raise `ModelError` for it: their prefix is read in both directions, hence at once.
        """
        ...

    def follow(self, targets_BT: Tensor, logits_BV: Tensor, state: Any) -> Tensor:
        """Teacher-forced logits `[B, T, V]` of targets that continue a prefilled prefix (many answers, one cache).

        Entry 0 is `logits_BV`; targets are padded on the right, anything there is ignored; `state` stays as it was.
        """
        ...
