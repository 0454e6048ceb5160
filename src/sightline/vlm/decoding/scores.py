"""Logits processors: changes to the scores of the next token, in the order of transformers' `generate`.

Shapes: R rows being written, V vocabulary, T tokens written so far.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.vlm.decoding.options import Decoding
from sightline.vlm.language.protocol import Writes

COLD = 1e-2
"""Below this, scores over the temperature leave what half precision can hold."""


def penalise_repetition(scores_RV: Tensor, written_RT: Tensor, penalty: float) -> Tensor:
    """Repetition penalty (arXiv 1909.05858): scores of tokens already written, divided above zero, multiplied below."""
    old_RT = scores_RV.gather(1, written_RT)
    return scores_RV.scatter(1, written_RT, torch.where(old_RT < 0, old_RT * penalty, old_RT / penalty))


def forbid_ending(scores_RV: Tensor, eos_ids: tuple[int, ...]) -> Tensor:
    """Minimum length: scores with every EOS token masked out."""
    return scores_RV.index_fill(1, torch.tensor(eos_ids, device=scores_RV.device), float("-inf"))


def keep_top_k(scores_RV: Tensor, k: int) -> Tensor:
    """Top-k filtering: scores below the k-th best are masked out."""
    worst_kept_R1 = scores_RV.topk(min(k, scores_RV.shape[1]), dim=1).values[:, -1:]
    return scores_RV.masked_fill(scores_RV < worst_kept_R1, float("-inf"))


def keep_nucleus(scores_RV: Tensor, top_p: float, at_least: int) -> Tensor:
    """Nucleus (top-p) filtering: only the smallest set of likeliest tokens with `top_p` probability stays possible.

    The `at_least` likeliest stay whatever `top_p` is.
    """
    rising_RV, order_RV = scores_RV.sort(dim=1)
    drop_RV = rising_RV.softmax(1).cumsum(1) <= 1 - top_p
    drop_RV[:, -at_least:] = False
    return scores_RV.masked_fill(drop_RV.scatter(1, order_RV, drop_RV), float("-inf"))


def cool(scores_RV: Tensor, how: Decoding) -> Tensor:
    """The scores at a temperature. Cold ones are first shifted to a maximum of 0, which no softmax sees, so that the
    division cannot overflow; rows of beams are compared with one another and stay unshifted."""
    if how.num_beams > 1 or how.temperature >= COLD:
        return scores_RV / how.temperature
    below_RV = scores_RV - scores_RV.amax(1, keepdim=True)
    return below_RV / max(how.temperature, torch.finfo(scores_RV.dtype).tiny)


def adjust(scores_RV: Tensor, written_RT: Tensor, language: Writes, how: Decoding) -> Tensor:
    """The scores to choose from: penalties first, then, when sampling, temperature, top-k and top-p."""
    eos_ids = language.eos_ids
    if how.repetition_penalty != 1.0:
        scores_RV = penalise_repetition(scores_RV, _counted(written_RT, language), how.repetition_penalty)
    if written_RT.shape[1] < how.min_new_tokens and eos_ids:
        scores_RV = forbid_ending(scores_RV, eos_ids)
    if not how.do_sample:
        return scores_RV
    at_least = 1 if how.num_beams == 1 else 1 + len(eos_ids)  # beams need a token that goes on
    if how.temperature != 1.0:
        scores_RV = cool(scores_RV, how)
    if how.top_k:
        scores_RV = keep_top_k(scores_RV, max(how.top_k, at_least))
    if how.top_p < 1.0:
        scores_RV = keep_nucleus(scores_RV, how.top_p, at_least)
    return scores_RV


def _counted(written_RT: Tensor, language: Writes) -> Tensor:
    """What the repetition penalty counts: new tokens, and, as in transformers, the token a decoder starts with."""
    start_id = getattr(language, "start_id", None)
    return written_RT if start_id is None else F.pad(written_RT, (1, 0), value=start_id)


def generator(how: Decoding, device: torch.device) -> torch.Generator | None:
    """The source of the draws, or None for torch's global one."""
    return None if how.seed is None else torch.Generator(device).manual_seed(how.seed)
