"""The checks of a language model's twin, in the order in which a failure says most.

Each compares what the adapter gives with the twin itself, called on one row without cache, padding or positions.

Shapes: L positions of a prefix, T target tokens, E embedding width, V vocabulary.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from sightline.vlm.config import SightlineVlmError

LENGTH = 9
"""Positions of a prefix: more than a twin's windows of 4."""
LOWEST, HIGHEST = 12, 70
"""Tokens that the checks read: none of them special."""
CLOSE = 2e-4
"""Largest difference between logits that are the same, as a share of their standard deviation."""


class FailedError(SightlineVlmError):
    """A check that does not pass: which part of the way is to blame, and the sentence that a refusal says."""

    def __init__(self, dimension: str, sentence: str) -> None:
        super().__init__(sentence)
        self.dimension, self.sentence = dimension, sentence


class Trial:
    """One way of calling on trial: `language` is the adapter over a twin, with that way."""

    def __init__(self, language: Any) -> None:
        self.language = language
        self.model = language.model
        self.causal = not language.is_encoder_decoder

    def run(self) -> None:
        """Raises `FailedError` for the first check that does not pass."""
        for dimension, sentence, check in self._checks():
            try:
                passed = check()
            except Exception as problem:  # whatever the family's own code raises is a reason not to call it so
                said = " ".join(str(problem).split())[:200]
                raise FailedError(dimension, f"{sentence} ({type(problem).__name__}: {said})") from problem
            if not passed:
                raise FailedError(dimension, sentence)

    def _checks(self) -> list[tuple[str, str, Callable[[], bool]]]:
        return [
            ("answers", "it does not read embeddings", self.answers),
            ("scale", "it does not read a token's embedding as it reads the token", self.embeds),
            ("reads", "what it writes does not depend on the embeddings it reads", self.reads),
            ("ahead", "what it says at a position depends on the text after it", self.one_way),
            ("batch", "rows that run together change one another", self.batch),
            ("cache", "it does not go on from its cache as without one", self.steps),
            ("cache", "stepping from one state twice gives two answers", self.twice),
            ("cache", "rows of its cache cannot be chosen", self.select),
            ("continues", "a prefix cannot be continued", self.continued),
            ("continues", "answers cannot be scored on a prefix", self.follow),
            ("padded", "padding changes what it answers", self.padding),
            ("padded", "padding between image and words changes what it answers", self.padding_between),
        ]

    @cached_property
    def prefixes(self) -> Tensor:
        """Three prefixes `[B, L, E]` that are no tokens' embeddings, as wide as those are."""
        table = self.model.get_input_embeddings()(torch.arange(LOWEST, HIGHEST))
        width: int = self.language.width
        return torch.randn(3, LENGTH, width) * table.std() + table.mean()  # type: ignore[no-any-return]

    @cached_property
    def words(self) -> Tensor:
        return torch.randint(LOWEST, HIGHEST, (3, 4))

    def wanted(self, prefix_LE: Tensor, words: list[int]) -> Tensor:
        """Logits `[1 + T, V]` of the twin itself after a prefix and each of the words, uncached, a row alone."""
        if not self.causal:
            shown = torch.tensor([[self.language.start_id, *words]])
            return self._called(inputs_embeds=prefix_LE.clone()[None], decoder_input_ids=shown)
        words_1TE = self.language.embed(torch.tensor([words], dtype=torch.long))
        every_LE = torch.cat([prefix_LE, words_1TE[0]]) if words else prefix_LE.clone()
        return self._called(inputs_embeds=every_LE[None])[-1 - len(words) :]

    def _called(self, **given: Any) -> Tensor:
        """Logits of all positions of the one row, as the family itself gives them."""
        plainly = {"use_cache": False} if self.language.takes["use_cache"] else {}
        return self.model(**given, **plainly).logits[0]  # type: ignore[no-any-return]

    def answers(self) -> bool:
        return bool(self.wanted(self.prefixes[0], [20]).isfinite().all())

    def embeds(self) -> bool:
        tokens_1L = torch.randint(LOWEST, HIGHEST, (1, LENGTH))
        given = {} if self.causal else {"decoder_input_ids": torch.tensor([[self.language.start_id]])}
        read = self._called(input_ids=tokens_1L, **given)[-1:]
        return same(self.wanted(self.language.embed(tokens_1L)[0], []), read)

    def reads(self) -> bool:
        other_LE = self.prefixes[0].clone()
        other_LE[-2] = self.prefixes[1, 0]
        return not same(self.wanted(other_LE, [])[-1:], self.wanted(self.prefixes[0], [])[-1:])

    def one_way(self) -> bool:
        words = self.words[0].tolist()
        whole = self.wanted(self.prefixes[0], words)
        parts = [self.wanted(self.prefixes[0], words[:at])[-1] for at in range(len(words) + 1)]
        return same(whole, torch.stack(parts))

    def batch(self) -> bool:
        mask_BL = torch.ones(3, LENGTH, dtype=torch.long)
        logits_BTV = self.language.logits(self.prefixes, mask_BL, self.words)
        rows = [self.wanted(self.prefixes[row], self.words[row, :-1].tolist()) for row in range(3)]
        return same(logits_BTV, torch.stack(rows))

    def steps(self) -> bool:
        rows = torch.arange(3)
        return self._goes_on(*self._prefilled(), [(self.prefixes[row], []) for row in rows], self.words)

    def twice(self) -> bool:
        _, state = self._prefilled()
        first_BV, after = self.language.step(self.words[:, 0], state)
        self.language.step(self.words[:, 1], after)
        other_BV, _ = self.language.step(self.words[:, 1], after)
        again_BV, after = self.language.step(self.words[:, 0], state)
        last_BV, _ = self.language.step(self.words[:, 1], after)
        return same(again_BV, first_BV) and same(last_BV, other_BV)

    def select(self) -> bool:
        rows_R = torch.tensor([2, 2, 0, 1, 0])
        logits_BV, state = self._prefilled()
        before: list[tuple[Tensor, list[int]]] = [(self.prefixes[row], []) for row in rows_R]
        words_RT = torch.cat([self.words, self.words[:2].flip(1)])
        if not self._goes_on(logits_BV[rows_R], state.select(rows_R), before, words_RT):
            return False
        _, after = self.language.step(self.words[:, 0], state)
        told = [(self.prefixes[row], [int(self.words[row, 0])]) for row in (1, 0)]
        chosen = torch.tensor([1, 0])
        logits_RV, later = self.language.step(self.words[:2, 1], after.select(chosen))
        told = [(prefix, [*said, int(self.words[at, 1])]) for at, (prefix, said) in enumerate(told)]
        return self._goes_on(logits_RV, later, told, self.words[:2, 2:])

    def continued(self) -> bool:
        if not self.causal:
            return True
        _, image = self.language.prefill(self.prefixes[:1, :5], torch.ones(1, 5, dtype=torch.long))
        rows = image.select(torch.zeros(3, dtype=torch.long))
        rest_BLE = self.prefixes[:, 5:]
        logits_BV, state = self.language.prefill(rest_BLE, torch.ones(rest_BLE.shape[:2], dtype=torch.long), rows)
        before: list[tuple[Tensor, list[int]]] = [
            (torch.cat([self.prefixes[0, :5], rest_BLE[row]]), []) for row in range(3)
        ]
        return self._goes_on(logits_BV, state, before, self.words)

    def follow(self) -> bool:
        logits_BV, state = self._prefilled()
        scored_BTV = self.language.follow(self.words, logits_BV, state)
        rows = [self.wanted(self.prefixes[row], self.words[row, :-1].tolist()) for row in range(3)]
        _, after = self.language.step(self.words[:, 0], state)
        again_BTV = self.language.follow(self.words[:, 1:], scored_BTV[:, 1], after)
        return same(scored_BTV, torch.stack(rows)) and same(again_BTV, torch.stack(rows)[:, 1:])

    def padding(self) -> bool:
        real = (LENGTH, 5, LENGTH - 1)
        mask_BL = torch.zeros(3, LENGTH, dtype=torch.long)
        before: list[tuple[Tensor, list[int]]] = []
        for row, many in enumerate(real):
            places = slice(LENGTH - many, LENGTH) if self.causal else slice(0, many)
            mask_BL[row, places] = 1
            before.append((self.prefixes[row, places], []))
        scored_BTV = self.language.logits(self.prefixes, mask_BL, self.words)
        rows = [self.wanted(before[row][0], self.words[row, :-1].tolist()) for row in range(3)]
        logits_BV, state = self.language.prefill(self.prefixes, mask_BL)
        followed_BTV = self.language.follow(self.words, logits_BV, state)
        whole = torch.stack(rows)
        return (
            same(scored_BTV, whole)
            and same(followed_BTV, whole)
            and self._goes_on(logits_BV, state, before, self.words)
        )

    def padding_between(self) -> bool:
        if not self.causal:
            return True
        mask_BL = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1]])
        _, image = self.language.prefill(self.prefixes[:1, :5], torch.ones(1, 5, dtype=torch.long))
        rest_BLE = self.prefixes[:, 5:]
        logits_BV, state = self.language.prefill(rest_BLE, mask_BL, image.select(torch.zeros(3, dtype=torch.long)))
        before: list[tuple[Tensor, list[int]]] = [
            (torch.cat([self.prefixes[0, :5], rest_BLE[row][mask_BL[row].bool()]]), []) for row in range(3)
        ]
        rows_R = torch.tensor([1, 0, 2, 0])
        chosen = self._goes_on(
            logits_BV[rows_R], state.select(rows_R), [before[row] for row in rows_R], self.words[rows_R]
        )
        return chosen and self._goes_on(logits_BV, state, before, self.words)

    def _prefilled(self) -> tuple[Tensor, Any]:
        return self.language.prefill(self.prefixes, torch.ones(3, LENGTH, dtype=torch.long))  # type: ignore[no-any-return]

    def _goes_on(self, logits_RV: Tensor, state: Any, before: list[tuple[Tensor, list[int]]], words_RT: Tensor) -> bool:
        """Whether each row goes on, word by word, as the twin does after its prefix and its words so far."""
        gave = [logits_RV]
        for at in range(words_RT.shape[1]):
            logits_RV, state = self.language.step(words_RT[:, at], state)
            gave.append(logits_RV)
        rows = [
            self.wanted(prefix, [*said, *words])[len(said) :]
            for (prefix, said), words in zip(before, words_RT.tolist(), strict=True)
        ]
        return same(torch.stack(gave, 1), torch.stack(rows))


def same(gave: Tensor, wanted: Tensor) -> bool:
    """Whether logits are the same but for rounding."""
    if gave.shape != wanted.shape or not bool(gave.isfinite().all()):
        return False
    return float((gave - wanted).abs().max()) <= CLOSE * float(wanted.std()) + 1e-6
