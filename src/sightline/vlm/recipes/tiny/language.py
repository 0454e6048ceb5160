"""Pre-training of the language model, on text alone: most of it is reading.

A frozen language model that never learnt to read what stands before a sentence cannot use a soft prompt either. So
before most texts stands a shuffled list of what is in a scene: each thing's ink, digit, column and row, and in half of
the lists its rank in the caption. One list in ten is written word by word (`red three x4 y9 …`); in the others the
words of a thing are laid into one position, as a bridge may do. The rest are plain sentences.

Shapes: B texts, L prefix positions of K words each (padded), T target tokens, V words, E embedding width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.vlm.bridges import Text
from sightline.vlm.data.digit_scenes import (
    CANVAS_PX,
    DIGITS,
    INKS,
    KINDS,
    Box,
    Drawing,
    Thing,
    caption_of,
    in_caption_order,
    question_of,
    sample_layouts,
)
from sightline.vlm.language.causal import CausalLanguage
from sightline.vlm.recipes.tiny.words import (
    BOS,
    COLUMNS,
    EOS,
    NOTHING,
    PAD,
    PLACE_STEPS,
    QUESTION_TEMPLATE,
    RANKS,
    ROWS,
    VOCABULARY,
)
from sightline.vlm.training import Run

READING_SHARE, LAID_SHARE, RANKED_SHARE, CAPTION_SHARE = 0.7, 0.9, 0.5, 0.5
LIST_LENGTH = 24
"""Positions of a list: as many as the bridge has queries."""
KIND_SHARES = (0.08, 0.17, 0.13, 0.25, 0.25, 0.12)
"""How often each of `KINDS` is asked: more, the longer it takes to learn."""
FULLER = Drawing(count_shares=(0.12, 0.38, 0.25, 0.25))
LAYOUTS = 20_000
IDS = {word: index for index, word in enumerate(VOCABULARY)}
PAD_ID = IDS[PAD]


@dataclass(frozen=True)
class Example:
    """What a language model reads, and what it has to write."""

    listed: list[list[int]]
    """A position an entry, each of one or several words."""
    prompt: list[int]
    target: list[int]


def ids_of(text: str) -> list[int]:
    """Token ids of a text in canonical spelling, punctuation dropped."""
    return [IDS[word] for word in text.replace(":", "").split()]


def asked(things: tuple[Thing, ...], rng: np.random.Generator) -> tuple[str, str]:
    """A question about the things, of a kind drawn by `KIND_SHARES`, and its answer."""
    kind = KINDS[rng.choice(len(KINDS), p=KIND_SHARES)]
    question = question_of(kind, things, rng) or question_of("digit", things, rng)
    if question is None:
        raise ValueError("a scene without things has nothing to ask about")
    return question.text, question.answer


def example(things: tuple[Thing, ...], rng: np.random.Generator) -> Example:
    """One text about the things, three in ten without their list."""
    listed = _list(things, rng) if rng.random() < READING_SHARE else []
    if rng.random() < CAPTION_SHARE:
        return Example(listed, [IDS[BOS]], [*ids_of(caption_of(things)), IDS[EOS]])
    question, answer = asked(things, rng)
    prompt = [IDS[BOS], *ids_of(QUESTION_TEMPLATE.format(question))]
    return Example(listed, prompt, [*ids_of(answer), IDS[EOS]])


def _list(things: tuple[Thing, ...], rng: np.random.Generator) -> list[list[int]]:
    ranked = rng.random() < RANKED_SHARE
    named = [_words(thing) + ([IDS[RANKS[rank]]] if ranked else []) for rank, thing in enumerate(things)]
    order = [named[index] for index in rng.permutation(len(named))]
    if rng.random() < LAID_SHARE:
        listed = order + [named[index] for index in rng.integers(len(named), size=rng.integers(LIST_LENGTH // 3))]
        listed += [[IDS[NOTHING]]] * (LIST_LENGTH - len(listed))
        return [listed[index] for index in rng.permutation(LIST_LENGTH)]
    blocks = [[[word] for word in words] for words in order]
    gaps = rng.multinomial(LIST_LENGTH - sum(map(len, blocks)), np.full(len(blocks) + 1, 1 / (len(blocks) + 1)))
    listed = [[IDS[NOTHING]]] * int(gaps[0])
    for block, gap in zip(blocks, gaps[1:], strict=True):
        listed += block + [[IDS[NOTHING]]] * int(gap)
    return listed


def _words(thing: Thing) -> list[int]:
    x, y = (int(at * PLACE_STEPS / CANVAS_PX) for at in thing.centre)
    return [IDS[thing.ink], IDS[thing.word], IDS[COLUMNS[x]], IDS[ROWS[y]]]


def read_aloud(language: CausalLanguage, examples: Sequence[Example]) -> tuple[Tensor, Text]:
    """Teacher-forced logits `[B, T, V]` of examples, and their targets."""
    rows = [[*each.listed, *([token] for token in each.prompt)] for each in examples]
    length, bag = max(map(len, rows)), max(len(words) for row in rows for words in row)
    words_BLK = torch.full((len(rows), length, bag), PAD_ID)
    for words_LK, row in zip(words_BLK, rows, strict=True):
        for words_K, words in zip(words_LK[length - len(row) :], row, strict=True):
            words_K[: len(words)] = torch.tensor(words)
    there_BLK = words_BLK != PAD_ID
    many_BL = there_BLK.sum(-1).clamp(min=1)
    laid_BLE = (language.embed(words_BLK.flatten(1)).view(*words_BLK.shape, -1) * there_BLK[..., None]).sum(2)
    prefix_BLE = laid_BLE / many_BL.sqrt()[..., None]
    targets = padded([each.target for each in examples])
    return language.logits(prefix_BLE, there_BLK.any(-1).long(), targets.tokens_BL), targets


def padded(rows: Sequence[Sequence[int]], *, left: bool = False) -> Text:
    """Rows of ids as tokens and mask."""
    length = max(map(len, rows))
    tokens_BL = torch.full((len(rows), length), PAD_ID)
    for tokens_L, row in zip(tokens_BL, rows, strict=True):
        tokens_L[length - len(row) if left else 0 :][: len(row)] = torch.tensor(row)
    return Text(tokens_BL, (tokens_BL != PAD_ID).long())


class LanguageStage:
    """Trains the language model on text about layouts that are never drawn."""

    def __init__(self, language: CausalLanguage, run: Run, layouts: int = LAYOUTS) -> None:
        self.language, self.run, self.many = language, run, layouts

    @cached_property
    def layouts(self) -> list[list[Box]]:
        """Drawn when the first step needs them."""
        return sample_layouts(self.many, self.run.seed, FULLER)

    @property
    def trained(self) -> nn.Module:
        return self.language

    def losses(self, step: int) -> dict[str, Tensor]:
        """Cross-entropy of what is to be written."""
        logits_BTV, targets = read_aloud(self.language, self.draw(self.run.batch, (self.run.seed, step)))
        return {"language": evenly(logits_BTV, targets)}

    def draw(self, n: int, seed: tuple[int, ...]) -> list[Example]:
        """`n` examples."""
        rng = np.random.default_rng(seed)
        return [example(self._things(rng), rng) for _ in range(n)]

    def _things(self, rng: np.random.Generator) -> tuple[Thing, ...]:
        boxes = self.layouts[rng.integers(len(self.layouts))]
        inks = rng.permutation(len(INKS))
        digits = rng.integers(len(DIGITS), size=len(boxes))
        things = [Thing(int(digit), INKS[ink], box) for digit, ink, box in zip(digits, inks, boxes, strict=False)]
        return in_caption_order(things)

    def reading_accuracy(self, n: int = 512) -> dict[str, float]:
        """Shares of texts written without a mistake after a laid list: captions, and answers."""
        drawn = self.draw(n, (self.run.seed, 0, 1))
        examples = [each for each in drawn if any(len(words) > 1 for words in each.listed)]
        right_B = all_right(*read_aloud(self.language, examples))
        caption_B = torch.tensor([len(each.prompt) == 1 for each in examples])
        return {
            "read_caption": float(right_B[caption_B].float().mean()),
            "read_answer": float(right_B[~caption_B].float().mean()),
        }


def evenly(logits_BTV: Tensor, targets: Text) -> Tensor:
    """Cross-entropy in which every text weighs the same: a caption of ten words would drown ten answers of one."""
    losses_BT = F.cross_entropy(logits_BTV.transpose(1, 2), targets.tokens_BL, reduction="none")
    return ((losses_BT * targets.mask_BL).sum(1) / targets.mask_BL.sum(1)).mean()


def all_right(logits_BTV: Tensor, targets: Text) -> Tensor:
    """Rows `[B]` that greedy decoding would write exactly: the likeliest token is right at every place."""
    return ((logits_BTV.argmax(-1) == targets.tokens_BL) | (targets.mask_BL == 0)).all(1)
