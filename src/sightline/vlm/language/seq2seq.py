"""Any encoder-decoder language model of transformers (T5, FlanT5, BART, …) behind the protocol.

The prefix is what its encoder reads; answers are written by its decoder, which begins with its own start token. How the
model is called (`Way`) was found out by a self-check, as for causal models.

Shapes: B rows, L prefix positions, T target tokens, E embedding width, V vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.config import ConfigError, ModelError
from sightline.vlm.families import Way
from sightline.vlm.language.caches import copied, selected
from sightline.vlm.language.foreign import ForeignLanguage, LanguageConfig
from sightline.vlm.language.groups import Grouped, Part, grouped, joined, stripped
from sightline.vlm.language.proof import found


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig(LanguageConfig):
    """An encoder-decoder language model."""

    def build(self) -> "Seq2SeqLanguage":
        from transformers import AutoModelForSeq2SeqLM  # late: importing transformers takes a second

        return Seq2SeqLanguage(self, self.foreign(AutoModelForSeq2SeqLM), self.prove())

    def prove(self) -> Way:
        return found(Seq2SeqLanguage, self)


@dataclass(frozen=True)
class Seq2SeqState:
    """What the encoder gave (or the prefix, where it encodes again), the decoder's cache and its tokens. Immutable."""

    read: Any
    """The encoder's output, `last_hidden_state` `[B, L, E]`, or the prefix itself `[B, L, E]`."""
    mask_BL: Tensor
    cache: Any
    """KV caches of the decoder's self-attention and cross-attention; none where all its tokens are read again."""
    tokens_BT: Tensor

    def select(self, rows_R: Tensor) -> "Seq2SeqState":
        """The caches of these rows, in this order, repeats allowed (beam reordering)."""
        rows = len(self.mask_BL)
        read, cache = (selected(each, rows_R, rows) for each in (self.read, self.cache))
        here = rows_R.to(self.mask_BL.device)
        return Seq2SeqState(read, self.mask_BL[here], cache, self.tokens_BT[rows_R.to(self.tokens_BT.device)])


State = Seq2SeqState | Grouped


class Seq2SeqLanguage(ForeignLanguage):
    """Adapter over an `AutoModelForSeq2SeqLM`."""

    is_encoder_decoder = True
    automatic = "AutoModelForSeq2SeqLM"

    def __init__(self, config: LanguageConfig, model: Any, way: Way | None = None) -> None:
        super().__init__(config, model, way)
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
        groups = self._groups(mask_BL)
        gave = []
        for rows in groups:
            each, mask = self._rows(prefix_BLE, mask_BL, rows, len(groups) > 1)
            gave.append(self._whole(each, mask, shown_BT[rows]))
        return joined(gave, groups)

    def prefill(self, prefix_BLE: Tensor, mask_BL: Tensor, after: Any = None) -> tuple[Tensor, State]:
        """Encodes the prefix; logits `[B, V]` of the answer's first token, and the state.

        Raises `ModelError` when asked to continue a state: the encoder reads in both directions.
        """
        if after is not None:
            raise ModelError("an encoder-decoder reads its whole prefix at once: join image and text, then prefill")
        groups = self._groups(mask_BL)
        parts = []
        for rows in groups:
            each, mask = self._rows(prefix_BLE, mask_BL, rows, len(groups) > 1)
            none_BT = torch.empty(len(each), 0, dtype=torch.long, device=each.device)
            read = self._encoder(each, mask) if self.way.encodes else each
            parts.append(Part(tuple(rows), Seq2SeqState(read, mask, None, none_BT)))
        whole = len(groups) == 1
        state: State = parts[0].state if whole else Grouped(tuple(parts), not self.way.batched)
        return self.step(self._starts(len(prefix_BLE), prefix_BLE.device)[:, 0], state)

    def step(self, tokens_B: Tensor, state: State) -> tuple[Tensor, State]:
        """One decoding step: logits `[B, V]` of the next token, and the state after it (`state` itself stays)."""
        logits_B1V, after = self._each(tokens_B[:, None], state, self._decode)
        return logits_B1V[:, -1], after

    def follow(self, targets_BT: Tensor, logits_BV: Tensor, state: State) -> Tensor:
        """Teacher-forced logits `[B, T, V]` of targets that continue a prefilled prefix."""
        if targets_BT.shape[1] == 1:
            return logits_BV[:, None]
        words_BT = targets_BT[:, :-1].where(targets_BT[:, :-1] >= 0, self.pad_id)
        rest_BTV, _ = self._each(words_BT, state, self._several)
        return torch.cat([logits_BV[:, None], rest_BTV], 1)

    def _groups(self, mask_BL: Tensor) -> list[list[int]]:
        """Rows that run together."""
        if self.way.batched and (self.way.padded or bool(mask_BL.all())):
            return [list(range(len(mask_BL)))]
        return list(grouped(mask_BL.sum(1).tolist(), not self.way.batched))

    def _rows(self, prefix_BLE: Tensor, mask_BL: Tensor, rows: list[int], apart: bool) -> tuple[Tensor, Tensor]:
        """Prefix and mask of one group, without its padding where it runs apart from others."""
        if not apart and self.way.padded and self.way.batched:
            return prefix_BLE, mask_BL
        each = stripped(prefix_BLE, mask_BL, rows)
        return each, torch.ones(each.shape[:2], dtype=mask_BL.dtype, device=mask_BL.device)

    def _each(self, words_BT: Tensor, state: State, decode: "Decode") -> tuple[Tensor, State]:
        """The decoder reads more tokens, group by group."""
        if not isinstance(state, Grouped):
            return decode(words_BT, state)
        gave, parts = [], []
        for part in state.parts:
            logits, after = decode(words_BT[list(part.rows)], part.state)
            gave.append(logits)
            parts.append(Part(part.rows, after))
        return joined(gave, [part.rows for part in parts]), Grouped(tuple(parts), state.alone)

    def _several(self, tokens_BT: Tensor, state: Seq2SeqState) -> tuple[Tensor, Seq2SeqState]:
        """Several tokens at once, or one by one where a cache takes no more."""
        if self.way.continues == "whole" or not self.way.cache:
            return self._decode(tokens_BT, state)
        gave = []
        for at in range(tokens_BT.shape[1]):
            logits_B1V, state = self._decode(tokens_BT[:, at : at + 1], state)
            gave.append(logits_B1V)
        return torch.cat(gave, 1), state

    def _decode(self, tokens_BT: Tensor, state: Seq2SeqState) -> tuple[Tensor, Seq2SeqState]:
        """The decoder reads more tokens: logits `[B, T, V]`, and the state after them."""
        way, told_BT = self.way, torch.cat([state.tokens_BT, tokens_BT], 1)
        after = replace(state, tokens_BT=told_BT)
        if not way.encodes:
            return self._whole(state.read, state.mask_BL, told_BT)[:, -tokens_BT.shape[1] :], after
        shown_BT, given = told_BT, {"use_cache": False}
        if way.cache:
            cache = _fresh(way) if state.cache is None else copied(state.cache, way.copies)
            shown_BT, given = tokens_BT, {"use_cache": True, way.cache: cache}
        out = self.model(encoder_outputs=state.read, attention_mask=state.mask_BL, decoder_input_ids=shown_BT, **given)
        after = replace(after, cache=getattr(out, way.cache, None) if way.cache else None)
        return out.logits[:, -tokens_BT.shape[1] :], after

    def _encoder(self, prefix_BLE: Tensor, mask_BL: Tensor) -> Any:
        out = self.model.get_encoder()(inputs_embeds=prefix_BLE.clone(), attention_mask=mask_BL)
        return type(out)(last_hidden_state=out.last_hidden_state)

    def _whole(self, prefix_BLE: Tensor, mask_BL: Tensor, shown_BT: Tensor) -> Tensor:
        """Logits `[B, T, V]` of all decoder tokens, with nothing kept."""
        given = {"inputs_embeds": prefix_BLE.clone(), "attention_mask": mask_BL, "decoder_input_ids": shown_BT}
        return self.model(**given, use_cache=False).logits  # type: ignore[no-any-return]

    def _starts(self, rows: int, device: torch.device) -> Tensor:
        return torch.full((rows, 1), self.start_id, dtype=torch.long, device=device)


Decode = Callable[[Tensor, Seq2SeqState], tuple[Tensor, Seq2SeqState]]


def _fresh(way: Way) -> Any:
    """What the decoder's first token is read into; none: the model makes its own."""
    from transformers import DynamicCache, EncoderDecoderCache  # late: importing transformers takes a second

    # not DynamicCache(config=…): a config with layer types would make sliding windows of the source's cache
    return EncoderDecoderCache(DynamicCache(), DynamicCache()) if way.made else None
