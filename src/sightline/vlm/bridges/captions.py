"""A Q-Former that writes: the first stage's captioning head behind the same protocol as a language model.

Queries see the image but no text (arXiv 2301.12597, section 3.1), so they are prefilled into the KV cache once an
image; then the text is decoded token by token, each seeing all queries and the tokens before it.

Shapes: B rows, P patches of width D, Q queries, L text tokens of width Z, S positions read so far, V words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.vlm.blocks import KeysValues
from sightline.vlm.bridges.qformer import QFormer, QFormerLayer
from sightline.vlm.config import ModelError


@dataclass(frozen=True)
class CaptionState:
    """KV cache of queries and text so far, a pair a layer. Immutable."""

    layers: tuple[KeysValues, ...]
    words: int
    """Text tokens among them."""

    def select(self, rows_R: Tensor) -> "CaptionState":
        """The cache of these rows, in this order, repeats allowed (beam reordering)."""
        return CaptionState(tuple((keys[rows_R], values[rows_R]) for keys, values in self.layers), self.words)


class CaptionWriter:
    """Writes captions with a Q-Former alone: `begin` with images, then `step` token by token, as decoding does."""

    is_encoder_decoder = False

    def __init__(self, bridge: QFormer, *, start_id: int, eos_id: int, pad_id: int) -> None:
        """`start_id` is the token [DEC] that every caption begins with.

        Raises `ModelError` for a Q-Former without the head, as Hugging Face's conversions are.
        """
        if bridge.captioning is None or bridge.text is None:
            raise ModelError("this Q-Former has no captioning head: Hugging Face checkpoints drop it on conversion")
        self.bridge, self.head, self.text = bridge, bridge.captioning, bridge.text
        self.layers: Sequence[QFormerLayer] = list(bridge.layers)  # type: ignore[arg-type]
        self.width, self.vocab_size = bridge.width, bridge.text.words.num_embeddings
        self.bos_id, self.eos_ids, self.pad_id = start_id, (eos_id,), pad_id

    def begin(self, patches_BPD: Tensor, words: tuple[int, ...] = ()) -> tuple[Tensor, CaptionState]:
        """Prefills images, [DEC] and the first words of every caption; next logits `[B, V]`, and the KV cache."""
        x_BQZ = self.bridge.norm(self.bridge.query_tokens.expand(len(patches_BPD), -1, -1))
        patches_BPD = patches_BPD.to(x_BQZ.dtype)
        kept = []
        for layer in self.layers:
            x_BQZ, keys_values = layer.extend(x_BQZ, self.bridge.queries, patches_BPD, None, None)
            kept.append(keys_values)
        tokens_L = torch.tensor([self.bos_id, *words], device=patches_BPD.device)
        return self._read(tokens_L.expand(len(patches_BPD), -1), CaptionState(tuple(kept), 0))

    def step(self, tokens_B: Tensor, state: CaptionState) -> tuple[Tensor, CaptionState]:
        """One decoding step: logits `[B, V]` of the next token, and the cache after it (`state` itself stays)."""
        return self._read(tokens_B[:, None], state)

    def _read(self, tokens_BL: Tensor, state: CaptionState) -> tuple[Tensor, CaptionState]:
        length, most = state.words + tokens_BL.shape[1], self.text.places.num_embeddings
        if length > most:
            raise ModelError(f"a caption of {length} tokens, but the Q-Former has {most} positions: write fewer")
        places_LZ = self.text.places.weight[state.words : length]
        x_BLZ = self.bridge.norm(self.text.words(tokens_BL) + places_LZ)
        new = tokens_BL.shape[1]
        sees_LS = torch.ones(new, self.bridge.queries + length, dtype=torch.bool, device=tokens_BL.device)
        sees_LS = sees_LS.tril(self.bridge.queries + state.words)
        kept = []
        for layer, past in zip(self.layers, state.layers, strict=True):
            x_BLZ, keys_values = layer.extend(x_BLZ, 0, None, sees_LS, past)
            kept.append(keys_values)
        logits_BV = self.head(x_BLZ[:, -1:], self.text.words.weight)[:, 0]
        return logits_BV, CaptionState(tuple(kept), length)
