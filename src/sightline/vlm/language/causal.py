"""Any causal (decoder-only) language model of transformers (OPT, Llama, GPT-2, Qwen, …) behind the protocol.

Position ids are counted over the attention mask, so padding may stand anywhere before the last position of a row.

Shapes: B rows, L new positions, S positions read so far, T target tokens, E embedding width, V vocabulary.
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.language.foreign import ForeignLanguage, LanguageConfig, accepts


@dataclass(frozen=True, kw_only=True)
class CausalConfig(LanguageConfig):
    """A decoder-only language model."""

    def build(self) -> "CausalLanguage":
        from transformers import AutoModelForCausalLM  # late: importing transformers takes a second

        return CausalLanguage(self, self.foreign(AutoModelForCausalLM))


@dataclass(frozen=True)
class CausalState:
    """The KV cache (transformers' `DynamicCache`) and the attention mask `[B, S]` of its positions. Immutable."""

    cache: Any
    mask_BS: Tensor

    def select(self, rows_R: Tensor) -> "CausalState":
        """The state of these rows, in this order, repeats allowed."""
        return CausalState(selected(self.cache, rows_R), self.mask_BS[rows_R])


class CausalLanguage(ForeignLanguage):
    """Adapter over an `AutoModelForCausalLM`."""

    is_encoder_decoder = False

    def __init__(self, config: LanguageConfig, model: Any) -> None:
        super().__init__(config, model)
        self.takes_positions = accepts(model, "position_ids")
        self.takes_last = accepts(model, "logits_to_keep")

    def logits(self, prefix_BLE: Tensor, mask_BL: Tensor, targets_BT: Tensor) -> Tensor:
        """Teacher-forced logits `[B, T, V]`; targets are padded on the right, anything there is ignored."""
        words_BTE = self.embed(targets_BT[:, :-1]).to(prefix_BLE.dtype)
        mask = torch.cat([mask_BL, mask_BL.new_ones(words_BTE.shape[:2])], 1)
        keep = targets_BT.shape[1]
        return self._run(torch.cat([prefix_BLE, words_BTE], 1), mask, None, keep)

    def prefill(
        self, prefix_BLE: Tensor, mask_BL: Tensor, after: CausalState | None = None
    ) -> tuple[Tensor, CausalState]:
        """Prefills a prefix, continuing `after` if given; logits `[B, V]` of the next token, and the KV cache."""
        from transformers import DynamicCache  # late: importing transformers takes a second

        cache = DynamicCache(config=self.model.config) if after is None else copied(after.cache)
        mask_BS = mask_BL if after is None else torch.cat([after.mask_BS, mask_BL], 1)
        return self._run(prefix_BLE, mask_BS, cache, 1)[:, -1], CausalState(cache, mask_BS)

    def step(self, tokens_B: Tensor, state: CausalState) -> tuple[Tensor, CausalState]:
        """One decoding step: logits `[B, V]` of the next token, and the cache after it (`state` itself stays)."""
        return self.prefill(self.embed(tokens_B[:, None]), state.mask_BS.new_ones(len(tokens_B), 1), state)

    def follow(self, targets_BT: Tensor, logits_BV: Tensor, state: CausalState) -> Tensor:
        """Teacher-forced logits `[B, T, V]` of targets that continue a prefilled prefix."""
        if targets_BT.shape[1] == 1:
            return logits_BV[:, None]
        words_BTE = self.embed(targets_BT[:, :-1])
        mask = torch.cat([state.mask_BS, state.mask_BS.new_ones(words_BTE.shape[:2])], 1)
        rest_BTV = self._run(words_BTE, mask, copied(state.cache), words_BTE.shape[1])
        return torch.cat([logits_BV[:, None], rest_BTV], 1)

    def _run(self, inputs_BLE: Tensor, mask_BS: Tensor, cache: Any, keep: int) -> Tensor:
        """Logits `[B, keep, V]` of the last positions; extends `cache` in place."""
        given: dict[str, Any] = {}
        if self.takes_positions:
            places_BS = (mask_BS.long().cumsum(1) - 1).clamp(min=0)
            given["position_ids"] = places_BS[:, -inputs_BLE.shape[1] :]
        if self.takes_last:
            given["logits_to_keep"] = keep
        out = self.model(
            inputs_embeds=inputs_BLE,
            attention_mask=mask_BS,
            past_key_values=cache,
            use_cache=cache is not None,
            **given,
        )
        return out.logits[:, -keep:]  # type: ignore[no-any-return]


def copied(cache: Any) -> Any:
    """A copy-on-write copy of a KV cache: tensors are shared, as appending concatenates and never writes in place."""
    twin = copy.copy(cache)
    twin.layers = [copy.copy(layer) for layer in cache.layers]
    return twin


def selected(cache: Any, rows_R: Tensor) -> Any:
    """The KV cache of these rows (beam reordering); each layer's keys and values may lie on a device of their own."""
    twin = copied(cache)
    for layer in twin.layers:
        if layer.get_seq_length() > 0:
            layer.batch_select_indices(rows_R.to(layer.keys.device))
    return twin
