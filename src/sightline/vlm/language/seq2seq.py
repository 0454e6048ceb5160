"""Any encoder-decoder language model of transformers (T5, FlanT5, BART, …) behind the protocol.

The prefix is what its encoder reads; answers are written by its decoder, which begins with its own start token.

Shapes: B rows, L prefix positions, T target tokens, E embedding width, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.config import ConfigError, ModelError
from sightline.vlm.language.causal import copied, selected
from sightline.vlm.language.foreign import ForeignLanguage, LanguageConfig


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig(LanguageConfig):
    """An encoder-decoder language model."""

    def build(self) -> "Seq2SeqLanguage":
        from transformers import AutoModelForSeq2SeqLM  # late: importing transformers takes a second

        return Seq2SeqLanguage(self, self.foreign(AutoModelForSeq2SeqLM))


@dataclass(frozen=True)
class Seq2SeqState:
    """The encoder's output `[B, L, E]` with its mask, and the decoder's KV caches. Immutable."""

    read_BLE: Tensor
    mask_BL: Tensor
    itself: Any
    """KV cache of the decoder's self-attention."""
    source: Any
    """KV cache of its cross-attention: filled by the first step, the same ever after."""

    def select(self, rows_R: Tensor) -> "Seq2SeqState":
        """The caches of these rows, in this order, repeats allowed (beam reordering)."""
        itself, source = selected(self.itself, rows_R), selected(self.source, rows_R)
        return Seq2SeqState(self.read_BLE[rows_R], self.mask_BL[rows_R], itself, source)


class Seq2SeqLanguage(ForeignLanguage):
    """Adapter over an `AutoModelForSeq2SeqLM`."""

    is_encoder_decoder = True

    def __init__(self, config: LanguageConfig, model: Any) -> None:
        super().__init__(config, model)
        starts = (
            getattr(model.config, "decoder_start_token_id", None),
            self.bos_id,
            getattr(model.config, "pad_token_id", None),
        )
        start = next((token for token in starts if token is not None), None)
        if start is None:
            kind = config.architecture.get("model_type")
            raise ConfigError(f"{kind!r} does not say which token its decoder starts with: set decoder_start_token_id")
        self.start_id: int = start

    def logits(self, prefix_BLE: Tensor, mask_BL: Tensor, targets_BT: Tensor) -> Tensor:
        """Teacher-forced logits `[B, T, V]`; targets are padded on the right, anything there is ignored."""
        shown_BT = torch.cat([self._starts(len(targets_BT), targets_BT.device), targets_BT[:, :-1]], 1)
        shown_BT = shown_BT.where(shown_BT >= 0, self.pad_id)
        out = self.model(inputs_embeds=prefix_BLE, attention_mask=mask_BL, decoder_input_ids=shown_BT, use_cache=False)
        return out.logits  # type: ignore[no-any-return]

    def prefill(self, prefix_BLE: Tensor, mask_BL: Tensor, after: Any = None) -> tuple[Tensor, Seq2SeqState]:
        """Encodes the prefix; logits `[B, V]` of the answer's first token, and the state.

        Raises `ModelError` when asked to continue a state: the encoder reads in both directions.
        """
        if after is not None:
            raise ModelError("an encoder-decoder reads its whole prefix at once: join image and text, then prefill")
        from transformers import DynamicCache  # late: importing transformers takes a second

        read = self.model.get_encoder()(inputs_embeds=prefix_BLE, attention_mask=mask_BL)
        # not DynamicCache(config=…): a config with layer types would make sliding windows of the source's cache
        state = Seq2SeqState(read.last_hidden_state, mask_BL, DynamicCache(), DynamicCache())
        return self.step(self._starts(len(prefix_BLE), prefix_BLE.device)[:, 0], state)

    def step(self, tokens_B: Tensor, state: Seq2SeqState) -> tuple[Tensor, Seq2SeqState]:
        """One decoding step: logits `[B, V]` of the next token, and the state after it (`state` itself stays)."""
        logits_B1V, after = self._decode(tokens_B[:, None], state)
        return logits_B1V[:, -1], after

    def follow(self, targets_BT: Tensor, logits_BV: Tensor, state: Seq2SeqState) -> Tensor:
        """Teacher-forced logits `[B, T, V]` of targets that continue a prefilled prefix."""
        if targets_BT.shape[1] == 1:
            return logits_BV[:, None]
        words_BT = targets_BT[:, :-1].where(targets_BT[:, :-1] >= 0, self.pad_id)
        return torch.cat([logits_BV[:, None], self._decode(words_BT, state)[0]], 1)

    def _decode(self, tokens_BT: Tensor, state: Seq2SeqState) -> tuple[Tensor, Seq2SeqState]:
        """The decoder reads more tokens: logits `[B, T, V]`, and the state after them."""
        from transformers import EncoderDecoderCache  # late: importing transformers takes a second
        from transformers.modeling_outputs import BaseModelOutput

        itself, source = copied(state.itself), copied(state.source)
        out = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=state.read_BLE),
            attention_mask=state.mask_BL,
            decoder_input_ids=tokens_BT,
            past_key_values=EncoderDecoderCache(itself, source),
            use_cache=True,
        )
        return out.logits, Seq2SeqState(state.read_BLE, state.mask_BL, itself, source)

    def _starts(self, rows: int, device: torch.device) -> Tensor:
        return torch.full((rows, 1), self.start_id, dtype=torch.long, device=device)
