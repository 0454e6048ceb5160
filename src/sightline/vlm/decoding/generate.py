"""From a prefix to answers: it is prefilled once a row, and its KV cache expanded for beams or repeated samples.

Shapes: B rows, L prefix positions, E embedding width, V vocabulary.
"""

import torch
from torch import Tensor

from sightline.vlm.decoding import beams, stepwise
from sightline.vlm.decoding.options import Decoding
from sightline.vlm.decoding.written import OnToken, Written
from sightline.vlm.language.protocol import LanguageModel, State, Writes


def decode(
    language: Writes, logits_BV: Tensor, state: State, how: Decoding, on_token: OnToken | None = None
) -> list[list[Written]]:
    """`num_return_sequences` answers for each row of what `prefill` gave.

    `on_token` streams every token as it is chosen, with greedy decoding and sampling; beam search revises tokens it has
    written, so nothing is heard before its end.
    """
    with torch.no_grad():
        if how.num_beams > 1:
            return beams.search(language, logits_BV, state, how)
        answers = how.num_return_sequences
        if answers > 1:
            rows = torch.arange(logits_BV.shape[0], device=logits_BV.device).repeat_interleave(answers)
            logits_BV, state = logits_BV[rows], state.select(rows)
        written = stepwise.write(language, logits_BV, state, how, on_token)
        return [written[at : at + answers] for at in range(0, len(written), answers)]


def generate(
    language: LanguageModel, prefix_BLE: Tensor, mask_BL: Tensor, how: Decoding, on_token: OnToken | None = None
) -> list[list[Written]]:
    """Prefills and decodes: `num_return_sequences` answers for each row of a prefix `[B, L, E]` with its mask."""
    with torch.no_grad():
        logits_BV, state = language.prefill(prefix_BLE, mask_BL)
    return decode(language, logits_BV, state, how, on_token)
