"""Where the model looked for each word of an answer: a weight for every patch of the image, summing to 1.

    gradient    gradient of the word's logit × cross-attention weight, positive part, summed over all layers, heads and
                queries. Replays the answer teacher-forced, one backward pass a word. The most accurate in the pointing
                game (docs/decisions/).
    attention   cross-attention weights, mean over layers, heads and queries: what the bridge looked at, the same for
                every word. Forward only, free for a live answer.

Shapes: B rows, P patches (the encoder's leading tokens included) of width D, T target tokens, W words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sightline.vlm.bridges.protocol import Attention, Text
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.decoding.overlay import overlay, sheet
from sightline.vlm.decoding.words import Word
from sightline.vlm.encoders.protocol import PatchGrid
from sightline.vlm.model import Blip2

Method = Literal["gradient", "attention"]
METHODS: tuple[Method, ...] = get_args(Method)
DIGITS = 5
"""Decimals kept in spans and JSON."""


class LookedError(SightlineVlmError):
    """A method or a word that is not there; the message lists what is."""


@dataclass(frozen=True, eq=False)
class WordMap:
    """One word and how much each patch mattered for it."""

    text: str
    grid: NDArray[np.float32]
    """`[rows, cols]`, not negative, sums to 1."""


@dataclass(frozen=True, eq=False)
class Looked:
    """Where the model looked, word by word."""

    method: Method
    words: tuple[WordMap, ...]

    def map(self, word: int | str | None = None) -> NDArray[np.float32]:
        """The grid of a word, by place or by text (its first occurrence); without one, the mean over all words."""
        if not self.words:
            raise LookedError("the answer has no words, so there is no map")
        if word is None:
            mean: NDArray[np.float32] = np.mean([each.grid for each in self.words], axis=0)
            return mean
        if isinstance(word, int) and -len(self.words) <= word < len(self.words):
            return self.words[word].grid
        for each in self.words:
            if each.text == word:
                return each.grid
        raise LookedError(f"no word {word!r} in the answer: it has {', '.join(each.text for each in self.words)}")

    def overlay(self, image: Image.Image, word: int | str | None = None, opacity: float = 0.6) -> Image.Image:
        """The image under the heat of a word, or of the whole answer."""
        return overlay(image, self.map(word), opacity)

    def sheet(self, image: Image.Image, opacity: float = 0.6) -> Image.Image:
        """One picture with an overlay for every word."""
        return sheet([(each.text, overlay(image, each.grid, opacity)) for each in self.words])

    def to_dict(self) -> dict[str, Any]:
        """As JSON values: `{"method", "words": [{"text", "grid"}]}`, rounded."""
        words = [{"text": each.text, "grid": np.round(each.grid.astype(float), DIGITS).tolist()} for each in self.words]
        return {"method": self.method, "words": words}


def check_method(method: str) -> Method:
    """The method of that name; raises `LookedError` for another."""
    for known in METHODS:
        if method == known:
            return known
    raise LookedError(f"unknown method {method!r} for where the model looked: the methods are {', '.join(METHODS)}")


@dataclass(frozen=True)
class Replay:
    """Answers to look back on, a row each."""

    patches_BPD: Tensor
    question: Text | None
    """What the bridge read, in instruction-aware models."""
    prompt: Text | None
    """What the language model read after the image."""
    answers: Sequence[Sequence[int]]
    """Tokens, B rows."""
    words: Sequence[Sequence[Word]]
    """Words, B rows."""


def look(model: Blip2, replay: Replay, grid: PatchGrid, method: Method) -> list[Looked]:
    """Where the model looked for every word of every answer."""
    weights = _by_gradient(model, replay) if method == "gradient" else _by_attention(model, replay)
    return [
        Looked(method, tuple(WordMap(word.text, _to_grid(row, grid)) for word, row in zip(words, rows, strict=False)))
        for words, rows in zip(replay.words, weights, strict=True)
    ]


def _by_attention(model: Blip2, replay: Replay) -> list[Tensor]:
    attention = Attention()
    with torch.no_grad():
        model.bridge(replay.patches_BPD, replay.question, attention)
    mean_BP = torch.stack([weights.float().mean((1, 2)) for weights in attention.layers]).mean(0)
    return [row_P.expand(len(words), -1) for row_P, words in zip(mean_BP, replay.words, strict=True)]


def _by_gradient(model: Blip2, replay: Replay) -> list[Tensor]:
    """A map `[W, P]` a row; rows are independent, so one backward pass serves the w-th word of all of them."""
    attention = Attention()
    targets_BT = _padded(replay.answers, model.writer.pad_id).to(replay.patches_BPD.device)
    with torch.enable_grad():
        patches_BPD = replay.patches_BPD.detach().requires_grad_()  # weights are frozen: the graph starts here
        queries_BQZ = model.bridge(patches_BPD, replay.question, attention)
        prompt = (replay.prompt.tokens_BL, replay.prompt.mask_BL) if replay.prompt else (None, None)
        logits_BTV = model.writer.logits(*model.prefix(queries_BQZ, *prompt), targets_BT)
        chosen_BT = logits_BTV.gather(2, targets_BT[:, :, None])[:, :, 0]
    most = max((len(words) for words in replay.words), default=0)
    maps_BWP = patches_BPD.new_zeros(len(replay.words), most, patches_BPD.shape[1], dtype=torch.float32)
    for at in range(most):
        places = [
            (row, place) for row, words in enumerate(replay.words) for w in words[at : at + 1] for place in w.places
        ]
        rows, columns = torch.tensor(places).T
        gradients = torch.autograd.grad(chosen_BT[rows, columns].sum(), attention.layers, retain_graph=at + 1 < most)
        for gradient, weights in zip(gradients, attention.layers, strict=True):
            maps_BWP[:, at] += (gradient * weights.detach()).clamp(min=0).sum((1, 2)).float()
    return [maps_WP[: len(words)] for maps_WP, words in zip(maps_BWP, replay.words, strict=True)]


def _padded(rows: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    longest = max(1, *(len(row) for row in rows))
    return torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows], dtype=torch.long)


def _to_grid(weights_P: Tensor, grid: PatchGrid) -> NDArray[np.float32]:
    """The patches' weights on the image, scaled to sum to 1; even where nothing mattered."""
    placed = weights_P[grid.leading :].double().cpu().numpy().reshape(grid.rows, grid.cols)
    total = placed.sum()
    shares = placed / total if total > 0 else np.full_like(placed, 1 / placed.size)
    return shares.astype(np.float32)
