"""Any causal (decoder-only) language model of transformers (OPT, Llama, Qwen, Mamba, …) behind the protocol.

How the model is called (`Way`) was found out by a self-check: what keeps its state, how a cached prefix is continued,
whether padding and other rows leave a row as it is. Rows that may not run together are run in groups (`groups`).

Shapes: B rows, L new positions, S positions read so far, T target tokens, E embedding width, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.config import ModelError
from sightline.vlm.families import Way
from sightline.vlm.language.caches import copied, selected
from sightline.vlm.language.foreign import ForeignLanguage, LanguageConfig
from sightline.vlm.language.groups import Grouped, Part, grouped, joined, stripped
from sightline.vlm.language.proof import found


@dataclass(frozen=True, kw_only=True)
class CausalConfig(LanguageConfig):
    """A decoder-only language model."""

    def build(self) -> "CausalLanguage":
        from transformers import AutoModelForCausalLM  # late: importing transformers takes a second

        return CausalLanguage(self, self.foreign(AutoModelForCausalLM), self.prove())

    def prove(self) -> Way:
        return found(CausalLanguage, self)


@dataclass(frozen=True)
class CausalState:
    """The cache (KV cache, recurrent states), the attention mask `[B, S]` of its positions, and, where they may have to
    be read again, their embeddings `[B, S, E]`. Immutable."""

    cache: Any
    mask_BS: Tensor
    read_BSE: Tensor | None
    reorders: bool = True

    def select(self, rows_R: Tensor) -> "CausalState":
        """The state of these rows, in this order, repeats allowed."""
        cache = selected(self.cache, rows_R, len(self.mask_BS), self.reorders)
        read = None if self.read_BSE is None else self.read_BSE[rows_R.to(self.read_BSE.device)]
        return CausalState(cache, self.mask_BS[rows_R.to(self.mask_BS.device)], read, self.reorders)


State = CausalState | Grouped
Groups = list[tuple[list[int], CausalState | None]]
"""Rows that run together, and the state they continue."""


class CausalLanguage(ForeignLanguage):
    """Adapter over an `AutoModelForCausalLM`."""

    is_encoder_decoder = False
    automatic = "AutoModelForCausalLM"

    def __init__(self, config: LanguageConfig, model: Any, way: Way | None = None) -> None:
        super().__init__(config, model, way)
        self.remembers = not (self.way.cache and self.way.continues) or self.way.until > 0

    def logits(self, prefix_BLE: Tensor, mask_BL: Tensor, targets_BT: Tensor) -> Tensor:
        """Teacher-forced logits `[B, T, V]`; targets are padded on the right, anything there is ignored."""
        words_BTE = self.embed(targets_BT[:, :-1]).to(prefix_BLE.dtype)
        keep = targets_BT.shape[1]
        mask = torch.cat([mask_BL, mask_BL.new_ones(words_BTE.shape[:2])], 1)
        if self._together(mask):
            return self._run(torch.cat([prefix_BLE, words_BTE], 1), mask, None, keep)[0]
        groups = list(grouped(mask_BL.sum(1).tolist(), not self.way.batched))
        whole = [torch.cat([stripped(prefix_BLE, mask_BL, rows), words_BTE[rows]], 1) for rows in groups]
        return joined([self._run(each, _ones(each), None, keep)[0] for each in whole], groups)

    def prefill(self, prefix_BLE: Tensor, mask_BL: Tensor, after: State | None = None) -> tuple[Tensor, State]:
        """Prefills a prefix, continuing `after` if given; logits `[B, V]` of the next token, and the cache."""
        logits_BkV, state = self._read(prefix_BLE, mask_BL, after, 1)
        return logits_BkV[:, -1], state

    def step(self, tokens_B: Tensor, state: State) -> tuple[Tensor, State]:
        """One decoding step: logits `[B, V]` of the next token, and the cache after it (`state` itself stays)."""
        words_B1E = self.embed(tokens_B[:, None])
        return self.prefill(words_B1E, _ones(words_B1E), state)

    def follow(self, targets_BT: Tensor, logits_BV: Tensor, state: State) -> Tensor:
        """Teacher-forced logits `[B, T, V]` of targets that continue a prefilled prefix."""
        if targets_BT.shape[1] == 1:
            return logits_BV[:, None]
        words_BTE = self.embed(targets_BT[:, :-1])
        rest_BTV, _ = self._read(words_BTE, _ones(words_BTE), state, words_BTE.shape[1])
        return torch.cat([logits_BV[:, None], rest_BTV], 1)

    def _together(self, mask_BS: Tensor) -> bool:
        """Whether rows of these positions run as one batch."""
        if not self.way.batched:
            return len(mask_BS) == 1 and bool(mask_BS.all())
        return self.way.padded or mask_BS.shape[1] < self.way.until or bool(mask_BS.all())

    def _read(self, new_BLE: Tensor, mask_BL: Tensor, after: State | None, keep: int) -> tuple[Tensor, State]:
        """Reads more positions, in groups where rows do not run together; logits `[B, keep, V]` of the last ones."""
        if not isinstance(after, Grouped):
            mask_BS = mask_BL if after is None else torch.cat([after.mask_BS, mask_BL], 1)
            if self._together(mask_BS):
                return self._extend(new_BLE, mask_BL, after, keep)
        return self._in_groups(new_BLE, mask_BL, self._groups(mask_BL, after), keep)

    def _in_groups(self, new_BLE: Tensor, mask_BL: Tensor, groups: "Groups", keep: int) -> tuple[Tensor, Grouped]:
        gave, parts = [], []
        for rows, before in groups:
            each = stripped(new_BLE, mask_BL, rows)
            logits_RkV, state = self._extend(each, _ones(each), before, keep)
            gave.append(logits_RkV)
            parts.append(Part(tuple(rows), state))
        return joined(gave, [part.rows for part in parts]), Grouped(tuple(parts), not self.way.batched)

    def _groups(self, mask_BL: Tensor, after: State | None) -> "Groups":
        """Rows that run together, and the state they continue."""
        lengths, alone = mask_BL.sum(1).tolist(), not self.way.batched
        if after is None:
            return [(rows, None) for rows in grouped(lengths, alone)]
        found: Groups = []
        for part in self._unpadded(after).parts:
            for places in grouped([lengths[row] for row in part.rows], alone):
                whole = len(places) == len(part.rows)
                chosen = part.state if whole else part.state.select(torch.tensor(places, device=mask_BL.device))
                found.append(([part.rows[at] for at in places], chosen))
        return found

    def _unpadded(self, state: State) -> Grouped:
        """A state by groups without padding; one with padding is read again, as caches cannot lose positions."""
        if isinstance(state, Grouped):
            return state
        if bool(state.mask_BS.all()):
            return Grouped((Part(tuple(range(len(state.mask_BS))), state),), not self.way.batched)
        if state.read_BSE is None:
            raise ModelError("padding was read by a language model that was to be given none")
        return self._in_groups(state.read_BSE, state.mask_BS, self._groups(state.mask_BS, None), 1)[1]

    def _extend(
        self, new_BLE: Tensor, mask_BL: Tensor, state: CausalState | None, keep: int
    ) -> tuple[Tensor, CausalState]:
        """Reads more positions: logits `[B, keep, V]` of the last ones, and the state after them."""
        way = self.way
        mask_BS = mask_BL if state is None else torch.cat([state.mask_BS, mask_BL], 1)
        read = new_BLE if state is None or state.read_BSE is None else torch.cat([state.read_BSE, new_BLE], 1)
        several = new_BLE.shape[1] > 1
        if state is None or not way.cache or (several and not way.continues):
            logits, cache = self._run(read if state is not None else new_BLE, mask_BS, _fresh(self), keep)
        elif several and way.continues == "single":
            return self._one_by_one(new_BLE, mask_BL, state, keep)
        else:
            logits, cache = self._run(new_BLE, mask_BS, copied(state.cache, way.copies), keep)
        return logits, CausalState(cache, mask_BS, read if self.remembers else None, way.reorders)

    def _one_by_one(
        self, new_BLE: Tensor, mask_BL: Tensor, state: CausalState, keep: int
    ) -> tuple[Tensor, CausalState]:
        gave = []
        for at in range(new_BLE.shape[1]):
            logits_B1V, state = self._extend(new_BLE[:, at : at + 1], mask_BL[:, at : at + 1], state, 1)
            gave.append(logits_B1V)
        return torch.cat(gave[-keep:], 1), state

    def _run(self, inputs_BLE: Tensor, mask_BS: Tensor, cache: Any, keep: int) -> tuple[Tensor, Any]:
        """Logits `[B, keep, V]` of the last positions, and the cache after them; `cache` may be written into."""
        given: dict[str, Any] = {}
        if self.takes["attention_mask"] and self.way.masked:
            given["attention_mask"] = mask_BS
        if self.takes["position_ids"] and self.way.positions is not None:
            places_BS = (mask_BS.long().cumsum(1) - 1).clamp(min=0) + self.way.positions
            given["position_ids"] = places_BS[:, -inputs_BLE.shape[1] :]
        if self.takes["logits_to_keep"]:
            given["logits_to_keep"] = keep
        if self.takes["use_cache"]:
            given["use_cache"] = cache is not None
        if self.way.cache and cache is not None and cache is not OWN:
            given[self.way.cache] = cache
        out = self.model(inputs_embeds=inputs_BLE.clone(), **given)  # a copy: some families (CTRL) write into it
        return out.logits[:, -keep:], getattr(out, self.way.cache, None) if self.way.cache else None


OWN = object()
"""In place of a cache: the model makes one of its own."""


def _fresh(language: CausalLanguage) -> Any:
    """What a prefix is read into."""
    from transformers import DynamicCache  # late: importing transformers takes a second

    if not language.way.cache:
        return None
    return DynamicCache(config=language.model.config) if language.way.made else OWN


def _ones(inputs_BLE: Tensor) -> Tensor:
    return torch.ones(inputs_BLE.shape[:2], dtype=torch.long, device=inputs_BLE.device)
