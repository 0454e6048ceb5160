"""Beam search, token for token what transformers 5.23 `generate` finds with its default early stopping.

Each row keeps K running hypotheses (beams) and its K best finished ones. A step ranks all K × V continuations by summed
log-probability and looks at the best C = K × max(2, 1 + number of ending tokens): those that end, if among the first K,
compete for the finished places by score / length^p (length penalty); the K best that do not end run on. A
row is done (early stopping) when all its K finished places are taken and its best running hypothesis, at its present
length, is no better than the worst of them.

Shapes: B rows, A rows still searched, K beams, C candidates, V vocabulary, T tokens so far.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.vlm.decoding.options import Decoding
from sightline.vlm.decoding.scores import adjust, generator
from sightline.vlm.decoding.written import Written
from sightline.vlm.language.protocol import State, Writes

IMPOSSIBLE = -1.0e9
"""Score of a beam that is not taken yet: finite, as differences of infinities are NaN."""
NO_TOKEN = -1
"""Padding of finished hypotheses, which are shorter than those that run on."""


@dataclass
class Hypotheses:
    """A rows of hypotheses with their tokens `[A, N, T]`, each token's log-probability, and a score each `[A, N]`."""

    tokens_ANT: Tensor
    logprobs_ANT: Tensor
    scores_AN: Tensor

    def pick(self, places_AM: Tensor) -> "Hypotheses":
        """Hypotheses at the given places of each row."""
        deep = places_AM[:, :, None].expand(-1, -1, self.tokens_ANT.shape[2])
        tokens, logprobs = self.tokens_ANT.gather(1, deep), self.logprobs_ANT.gather(1, deep)
        return Hypotheses(tokens, logprobs, self.scores_AN.gather(1, places_AM))

    def best(self, count: int) -> tuple["Hypotheses", Tensor]:
        """The `count` best of each row, best first, and the places they had."""
        places_AM = self.scores_AN.topk(count, dim=1).indices
        return self.pick(places_AM), places_AM

    def extended(self, tokens_AN: Tensor, logprobs_AN: Tensor, scores_AN: Tensor) -> "Hypotheses":
        """One token longer, with new scores."""
        tokens = torch.cat([self.tokens_ANT, tokens_AN[:, :, None]], 2)
        return Hypotheses(tokens, torch.cat([self.logprobs_ANT, logprobs_AN[:, :, None]], 2), scores_AN)

    def beside(self, other: "Hypotheses") -> "Hypotheses":
        """Both sets in one."""
        pairs = zip(
            (self.tokens_ANT, self.logprobs_ANT, self.scores_AN),
            (other.tokens_ANT, other.logprobs_ANT, other.scores_AN),
            strict=True,
        )
        return Hypotheses(*(torch.cat(pair, 1) for pair in pairs))

    def rows(self, rows_R: Tensor) -> "Hypotheses":
        """Only some rows."""
        return Hypotheses(self.tokens_ANT[rows_R], self.logprobs_ANT[rows_R], self.scores_AN[rows_R])


def search(language: Writes, logits_BV: Tensor, state: State, how: Decoding) -> list[list[Written]]:
    """The best `num_return_sequences` hypotheses of each row, from the logits and state that `prefill` gave."""
    return _Search(language, how, logits_BV).run(logits_BV, state)


class _Search:
    def __init__(self, language: Writes, how: Decoding, logits_BV: Tensor) -> None:
        self.language, self.how = language, how
        self.rows, self.device = logits_BV.shape[0], logits_BV.device
        self.source = generator(how, self.device)
        self.eos_E = torch.tensor(language.eos_ids, dtype=torch.long, device=self.device)
        self.running = self._blank(0.0)
        self.running.scores_AN[:, 1:] = IMPOSSIBLE  # all beams start equal: the first speaks for them
        self.finished = self._blank(IMPOSSIBLE)
        self.alive = list(range(self.rows))
        self.answers: list[list[Written]] = [[] for _ in range(self.rows)]

    def _blank(self, score: float) -> Hypotheses:
        shape = (self.rows, self.how.num_beams)
        tokens = torch.empty(*shape, 0, dtype=torch.long, device=self.device)
        return Hypotheses(
            tokens, torch.empty(*shape, 0, device=self.device), torch.full(shape, score, device=self.device)
        )

    def run(self, logits_BV: Tensor, state: State) -> list[list[Written]]:
        beams = self.how.num_beams
        logits_AKV, beams_in_state = logits_BV[:, None].expand(-1, beams, -1), 1  # the prefix was read once a row
        for length in range(1, self.how.max_new_tokens + 1):
            parents_AK = self._step(logits_AKV, length)
            keep_R = self._settle(length)
            if not self.alive:
                break
            parents_RK = parents_AK[keep_R] if beams_in_state > 1 else torch.zeros_like(parents_AK[keep_R])
            rows = (keep_R[:, None] * beams_in_state + parents_RK).flatten()
            tokens = self.running.tokens_ANT[:, :, -1].flatten()
            logits, state = self.language.step(tokens, _moved(state, rows, len(parents_AK) * beams_in_state))
            logits_AKV, beams_in_state = logits.reshape(-1, beams, logits.shape[1]), beams
        return self.answers

    def _step(self, logits_AKV: Tensor, length: int) -> Tensor:
        """Extends every hypothesis by one token; returns which beam each running one came from, `[A, K]`."""
        beams = self.how.num_beams
        logprobs_AKV = logits_AKV.float().log_softmax(2)
        written = self.running.tokens_ANT.flatten(0, 1)
        adjusted = adjust(logprobs_AKV.flatten(0, 1), written, self.language, self.how)
        totals_AN = (adjusted.reshape(logprobs_AKV.shape) + self.running.scores_AN[:, :, None]).flatten(1)
        scores_AC, places_AC = self._candidates(totals_AN)
        vocabulary = logprobs_AKV.shape[2]
        parents_AC, tokens_AC = places_AC // vocabulary, places_AC % vocabulary
        gains_AC = logprobs_AKV.flatten(1).gather(1, places_AC)
        candidates = self.running.pick(parents_AC).extended(tokens_AC, gains_AC, scores_AC)
        ended_AC = torch.isin(tokens_AC, self.eos_E) | (length == self.how.max_new_tokens)
        self._finish(candidates, ended_AC, length)
        candidates.scores_AN = scores_AC + ended_AC * IMPOSSIBLE
        self.running, kept_AK = candidates.best(beams)
        return parents_AC.gather(1, kept_AK)

    def _candidates(self, totals_AN: Tensor) -> tuple[Tensor, Tensor]:
        count = self.how.num_beams * max(2, 1 + len(self.language.eos_ids))
        if not self.how.do_sample:
            best = totals_AN.topk(count, dim=1)
            return best.values, best.indices
        drawn_AC = torch.multinomial(totals_AN.softmax(1), count, generator=self.source)
        return totals_AN.gather(1, drawn_AC), drawn_AC

    def _finish(self, candidates: Hypotheses, ended_AC: Tensor, length: int) -> None:
        """Lets the candidates that ended, among the first K, compete for the finished places."""
        first_C = torch.arange(ended_AC.shape[1], device=self.device) < self.how.num_beams
        scores_AC = candidates.scores_AN / length**self.how.length_penalty
        ended = Hypotheses(
            candidates.tokens_ANT, candidates.logprobs_ANT, scores_AC.where(ended_AC & first_C, IMPOSSIBLE)
        )
        none_AK = torch.full_like(self.finished.scores_AN, NO_TOKEN, dtype=torch.long)
        padded = self.finished.extended(none_AK, torch.zeros_like(self.finished.scores_AN), self.finished.scores_AN)
        self.finished, _ = padded.beside(ended).best(self.how.num_beams)

    def _settle(self, length: int) -> Tensor:
        """Takes out the rows that can no longer improve; returns which of the A rows stay, `[R]`."""
        hoped_A = self.running.scores_AN[:, 0] / length**self.how.length_penalty
        going = (hoped_A > self.finished.scores_AN.min(1).values).tolist()
        last = length == self.how.max_new_tokens
        stay = [at for at, goes in enumerate(going) if goes and not last]
        for at in sorted(set(range(len(going))) - set(stay)):
            self.answers[self.alive[at]] = self._answers(at)
        keep_R = torch.tensor(stay, dtype=torch.long, device=self.device)
        if len(stay) < len(self.alive):
            self.running, self.finished = self.running.rows(keep_R), self.finished.rows(keep_R)
            self.alive = [self.alive[at] for at in stay]
        return keep_R

    def _answers(self, at: int) -> list[Written]:
        places = range(self.how.num_return_sequences)
        return [_written(self.finished, at, place) for place in places]


def _moved(state: State, rows_R: Tensor, rows_before: int) -> State:
    """The KV cache reordered to the chosen rows; nothing is copied when all stay where they are, as they often do."""
    if torch.equal(rows_R, torch.arange(rows_before, device=rows_R.device)):
        return state
    return state.select(rows_R)


def _written(hypotheses: Hypotheses, at: int, place: int) -> Written:
    tokens = [token for token in hypotheses.tokens_ANT[at, place].tolist() if token != NO_TOKEN]
    logprobs = hypotheses.logprobs_ANT[at, place, : len(tokens)].tolist()
    return Written(tuple(tokens), tuple(logprobs), float(hypotheses.scores_AN[at, place]))
