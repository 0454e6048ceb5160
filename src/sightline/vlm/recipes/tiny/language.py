"""Pre-training of the language model, on text alone: most of it is reading.

A frozen language model that never learnt to read what stands before a sentence cannot use a soft prompt either. So
before most texts stands a shuffled list of what is in a scene: each thing's ink, digit, column and row, and mostly its
rank in the caption, the first of two with the word that will stand between them. One list in ten is written word by
word (`red three x4 y9 …`); in the others the words of a thing are laid into one position, as a bridge may do. Before
most questions the list holds only what is asked about: a bridge hears the question, and need not tell the language
model of anything else. The rest are plain sentences.

Shapes: B texts, L prefix positions of K words each (padded), T target tokens, V words, E embedding width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from sightline.vlm.bridges import Text
from sightline.vlm.data.digit_scenes import (
    CANVAS_PX,
    DIGITS,
    INKS,
    KINDS,
    Box,
    Drawing,
    Question,
    Thing,
    caption_of,
    in_caption_order,
    question_of,
    sample_layouts,
)
from sightline.vlm.language import LlamaLanguage
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
from sightline.vlm.training import Run, language_loss

READING_SHARE, LAID_SHARE, RANKED_SHARE, FOCUSED_SHARE, CAPTION_SHARE = 0.9, 0.9, 0.8, 0.6, 0.6
"""Shares of texts: with a list before them; of lists: laid into positions, ranked; of questions: with a focused list;
and of captions among texts."""
LIST_LENGTH = 24
"""Positions of a list: as many as the bridge has queries."""
KIND_SHARES = (0.08, 0.17, 0.13, 0.25, 0.25, 0.12)
"""How often each of `KINDS` is asked: more, the longer it takes to learn."""
FULLER = Drawing(count_shares=(0.12, 0.38, 0.25, 0.25))
"""Layouts with more things than in the world: harder texts to read."""
LAYOUTS = 20_000
"""Layouts that texts are about, drawn once."""
IDS = {word: index for index, word in enumerate(VOCABULARY)}
"""Token id of each word."""
PAD_ID = IDS[PAD]
"""Token id of padding."""


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


def asked(things: tuple[Thing, ...], rng: np.random.Generator) -> Question:
    """A question about the things, of a kind drawn by `KIND_SHARES`."""
    kind = KINDS[rng.choice(len(KINDS), p=KIND_SHARES)]
    question = question_of(kind, things, rng) or question_of("digit", things, rng)
    if question is None:
        raise ValueError("a scene without things has nothing to ask about")
    return question


def asked_about(question: Question, things: tuple[Thing, ...]) -> tuple[Thing, ...]:
    """What one has to see to answer: none of the things where none is what is asked for."""
    if question.about:
        return (question.about,)
    if question.kind in ("colour", "exist"):
        return tuple(thing for thing in things if thing.word in question.text.split())
    return things


def example(things: tuple[Thing, ...], rng: np.random.Generator) -> Example:
    """One text about the things, some without their list."""
    reads = rng.random() < READING_SHARE
    if rng.random() < CAPTION_SHARE:
        prompt, target = [IDS[BOS]], [*ids_of(caption_of(things)), IDS[EOS]]
        return Example(listed(things, things, rng) if reads else [], prompt, target)
    question = asked(things, rng)
    prompt = [IDS[BOS], *ids_of(QUESTION_TEMPLATE.format(question.text))]
    told = asked_about(question, things) if rng.random() < FOCUSED_SHARE else things
    return Example(listed(things, told, rng) if reads else [], prompt, [*ids_of(question.answer), IDS[EOS]])


def listed(things: tuple[Thing, ...], told: tuple[Thing, ...], rng: np.random.Generator) -> list[list[int]]:
    """A list of those of the things that are told of, in any order."""
    named = [_words(thing) for thing in things]
    if rng.random() < RANKED_SHARE:
        named = [[*words, IDS[rank]] for words, rank in zip(named, RANKS, strict=False)]
        if len(things) == 2:
            named[0].append(IDS["above" if "above" in caption_of(things).split() else "left"])
    blocks = [named[index] for index in rng.permutation(len(things)) if things[index] in told]
    return _laid(blocks, rng) if rng.random() < LAID_SHARE else _spelt(blocks, rng)


def _laid(blocks: list[list[int]], rng: np.random.Generator) -> list[list[int]]:
    """Each block in one position, some in several; nothing in the others."""
    again = rng.integers(len(blocks), size=rng.integers(LIST_LENGTH // 3)) if blocks else ()
    positions = blocks + [blocks[index] for index in again]
    positions += [[IDS[NOTHING]]] * (LIST_LENGTH - len(positions))
    return [positions[index] for index in rng.permutation(LIST_LENGTH)]


def _spelt(blocks: list[list[int]], rng: np.random.Generator) -> list[list[int]]:
    """Each block word by word, nothing between the blocks."""
    gaps = rng.multinomial(LIST_LENGTH - sum(map(len, blocks)), np.full(len(blocks) + 1, 1 / (len(blocks) + 1)))
    positions = [[IDS[NOTHING]]] * int(gaps[0])
    for block, gap in zip(blocks, gaps[1:], strict=True):
        positions += [[word] for word in block] + [[IDS[NOTHING]]] * int(gap)
    return positions


def _words(thing: Thing) -> list[int]:
    x, y = (int(at * PLACE_STEPS / CANVAS_PX) for at in thing.centre)
    return [IDS[thing.ink], IDS[thing.word], IDS[COLUMNS[x]], IDS[ROWS[y]]]


def read_aloud(language: LlamaLanguage, examples: Sequence[Example]) -> tuple[Tensor, Text]:
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
    return Text.padded(rows, PAD_ID, left=left)


class LanguageStage:
    """Trains the language model on text about layouts that are never drawn."""

    def __init__(self, language: LlamaLanguage, run: Run, layouts: int = LAYOUTS) -> None:
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
        return {"language": language_loss(logits_BTV, targets)}

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


def all_right(logits_BTV: Tensor, targets: Text) -> Tensor:
    """Rows `[B]` that greedy decoding would write exactly: the likeliest token is right at every place."""
    return ((logits_BTV.argmax(-1) == targets.tokens_BL) | (targets.mask_BL == 0)).all(1)
