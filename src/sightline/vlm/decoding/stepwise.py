"""Greedy decoding and sampling: one token a row at a time; finished rows leave the batch and its KV cache.

Shapes: B rows, R rows still being written, V vocabulary, T tokens so far.
"""

import torch
from torch import Tensor

from sightline.vlm.decoding.options import Decoding
from sightline.vlm.decoding.scores import adjust, generator
from sightline.vlm.decoding.written import OnToken, Written
from sightline.vlm.language.protocol import State, Writes


def write(
    language: Writes, logits_BV: Tensor, state: State, how: Decoding, on_token: OnToken | None = None
) -> list[Written]:
    """One answer a row, from the logits and the KV cache that `prefill` gave."""
    rows = logits_BV.shape[0]
    source = generator(how, logits_BV.device)
    tokens: list[list[int]] = [[] for _ in range(rows)]
    logprobs: list[list[float]] = [[] for _ in range(rows)]
    alive = list(range(rows))
    logits_RV, written_RT = logits_BV, torch.empty(rows, 0, dtype=torch.long, device=logits_BV.device)
    for step in range(how.max_new_tokens):
        logits_RV = logits_RV.float()
        chosen_R = _choose(adjust(logits_RV, written_RT, language, how), how, source)
        gains_R = logits_RV.gather(1, chosen_R[:, None])[:, 0] - logits_RV.logsumexp(1)
        for row, token, gain in zip(alive, chosen_R.tolist(), gains_R.tolist(), strict=True):
            tokens[row].append(token)
            logprobs[row].append(gain)
            if on_token is not None:
                on_token(row, token, gain)
        going = [at for at, row in enumerate(alive) if tokens[row][-1] not in language.eos_ids]
        if not going or step + 1 == how.max_new_tokens:
            break
        written_RT = torch.cat([written_RT, chosen_R[:, None]], 1)
        if len(going) < len(alive):
            keep_R = torch.tensor(going, device=logits_BV.device)
            alive = [alive[at] for at in going]
            chosen_R, written_RT, state = chosen_R[keep_R], written_RT[keep_R], state.select(keep_R)
        logits_RV, state = language.step(chosen_R, state)
    return [Written(tuple(t), tuple(p), sum(p)) for t, p in zip(tokens, logprobs, strict=True)]


def _choose(scores_RV: Tensor, how: Decoding, source: torch.Generator | None) -> Tensor:
    if not how.do_sample:
        return scores_RV.argmax(1)
    return torch.multinomial(scores_RV.softmax(1), 1, generator=source)[:, 0]
