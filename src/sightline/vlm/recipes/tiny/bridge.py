"""The two stages of the bridge: first beside the frozen encoder, then through the frozen language model.

Shapes: N scenes, B of them in a batch, P patches of width D, Q queries of width Z, T target tokens, V words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from sightline.vlm.bridges import QFormer, Text
from sightline.vlm.data.digit_scenes import Question, Scene, questions_about
from sightline.vlm.model import Blip2
from sightline.vlm.recipes.tiny.encoder import normalised, stacked
from sightline.vlm.recipes.tiny.language import IDS, all_right, asked, ids_of, padded
from sightline.vlm.recipes.tiny.words import BOS, DECODE, EOS, QUESTION_TEMPLATE
from sightline.vlm.training import (
    Run,
    captioning_loss,
    contrastive_loss,
    language_loss,
    matching_loss,
    similarities,
)


class SeenScenes:
    """Scenes as the frozen encoder sees them: drawn and encoded once, when first needed."""

    def __init__(self, model: Blip2, draw: Callable[[], list[Scene]]) -> None:
        self.model, self.draw = model, draw

    @cached_property
    def scenes(self) -> list[Scene]:
        return self.draw()

    @cached_property
    def encoded(self) -> Tensor:
        """Patch features `[N, P, D]`, fp16."""
        with torch.no_grad():
            seen = [self.model.see(normalised(pixels)).half() for pixels in torch.split(stacked(self.scenes), 128)]
        return torch.cat(seen)

    def __getitem__(self, rows_B: Sequence[int]) -> tuple[list[Scene], Tensor]:
        return [self.scenes[row] for row in rows_B], self.encoded[torch.as_tensor(rows_B)].float()


def qformer_of(model: Blip2) -> QFormer:
    """The model's bridge; raises `ValueError` when it is another kind."""
    if not isinstance(model.bridge, QFormer):
        raise ValueError(f"the two stages train a Q-Former, this bridge is a {type(model.bridge).__name__}")
    return model.bridge


def captions(scenes: Sequence[Scene], *, end: bool = False) -> Text:
    """Captions as the bridge's text side reads them; with `end`, as it writes them."""
    return padded([[IDS[BOS], *ids_of(scene.caption), *([IDS[EOS]] if end else [])] for scene in scenes])


def first_stage(bridge: QFormer, scenes: Sequence[Scene], patches_BPD: Tensor) -> dict[str, Tensor]:
    """ITC, ITM and ITG losses of one batch."""
    text = captions(scenes)
    images_BQK = bridge.contrast_images(bridge(patches_BPD))
    cosines_BB = similarities(images_BQK, bridge.contrast_texts(bridge.text_features(text)))
    if bridge.temperature is None:
        raise ValueError("this bridge has no contrastive head: give its config a contrast_width")
    said = [scene.caption for scene in scenes]
    same_BB = torch.tensor([[one == other for other in said] for one in said])
    return {
        "contrast": contrastive_loss(cosines_BB, bridge.temperature),
        "matching": matching_loss(bridge, patches_BPD, text, cosines_BB / bridge.temperature.detach(), same_BB),
        "captioning": captioning_loss(bridge, patches_BPD, captions(scenes, end=True), IDS[DECODE]),
    }


class FirstStage:
    """Vision-language representation learning (ITC + ITM + ITG): the bridge learns what of the image a text needs."""

    def __init__(self, model: Blip2, run: Run, data: SeenScenes) -> None:
        self.bridge, self.run, self.data = qformer_of(model), run, data

    @property
    def trained(self) -> nn.Module:
        return self.bridge

    def losses(self, step: int) -> dict[str, Tensor]:
        """The three losses of the first stage."""
        rng = np.random.default_rng((self.run.seed, step))
        rows = rng.choice(len(self.data.scenes), size=self.run.batch, replace=False)
        return first_stage(self.bridge, *self.data[rows.tolist()])


class SecondStage:
    """Generative learning from the frozen language model; half captions, half questions."""

    def __init__(self, model: Blip2, run: Run, data: SeenScenes, rehearse_every: int) -> None:
        if model.project is None:
            raise ValueError("the second stage needs a language model: this is a first-stage model")
        self.model, self.run, self.data = model, run, data
        self.rehearse_every = rehearse_every
        self.bridge = qformer_of(model)
        self.moving = nn.ModuleDict({"bridge": self.bridge, "project": model.project})

    @property
    def trained(self) -> nn.Module:
        return self.moving

    def losses(self, step: int) -> dict[str, Tensor]:
        """The language model's loss; every so often the first stage's too, so that its heads stay true."""
        rng = np.random.default_rng((self.run.seed, step))
        rows = rng.choice(len(self.data.scenes), size=self.run.batch, replace=False).tolist()
        half = len(rows) // 2
        told, told_BPD = self.data[rows[:half]]
        questioned, questioned_BPD = self.data[rows[half:]]
        questions = [asked(scene.things, rng) for scene in questioned]
        losses = {
            "captions": caption_rows(told).loss(self.model, self.bridge(told_BPD)),
            "answers": question_rows(questions).loss(
                self.model, self.bridge(questioned_BPD, bridge_questions(questions))
            ),
        }
        if step % self.rehearse_every == 0:
            losses |= first_stage(self.bridge, told, told_BPD)
        return losses


@dataclass(frozen=True)
class Told:
    """What the language model reads after the image, and what it has to write."""

    prompts: list[list[int]]
    answers: list[list[int]]

    @property
    def targets(self) -> Text:
        return padded(self.answers)

    def logits(self, model: Blip2, queries_BQZ: Tensor) -> Tensor:
        """Teacher-forced logits `[B, T, V]`."""
        prompts = padded(self.prompts, left=True)
        prefix = model.prefix(queries_BQZ, prompts.tokens_BL, prompts.mask_BL)
        return model.writer.logits(*prefix, self.targets.tokens_BL)

    def loss(self, model: Blip2, queries_BQZ: Tensor) -> Tensor:
        """The language model's loss."""
        return language_loss(self.logits(model, queries_BQZ), self.targets)


def caption_rows(scenes: Sequence[Scene]) -> Told:
    """Captions: nothing to read but the image."""
    return Told([[IDS[BOS]] for _ in scenes], [[*ids_of(scene.caption), IDS[EOS]] for scene in scenes])


def question_rows(questions: Sequence[Question]) -> Told:
    """Questions in their template, and answers."""
    return Told(
        [[IDS[BOS], *ids_of(QUESTION_TEMPLATE.format(each.text))] for each in questions],
        [[*ids_of(each.answer), IDS[EOS]] for each in questions],
    )


def bridge_questions(questions: Sequence[Question]) -> Text:
    """The bare questions, for the bridge."""
    return padded([[IDS[BOS], *ids_of(each.text)] for each in questions])


def retrieval_at_1(model: Blip2, held_out: SeenScenes, among: int = 100) -> dict[str, float]:
    """Recall@1 of an image's own caption among so many distinct ones, by ITC cosine alone."""
    bridge = qformer_of(model)
    distinct = list({scene.caption: row for row, scene in enumerate(held_out.scenes)}.values())[:among]
    scenes, patches_BPD = held_out[distinct]
    images_BQK = bridge.contrast_images(bridge(patches_BPD))
    texts_BK = bridge.contrast_texts(bridge.text_features(captions(scenes)))
    found_B = similarities(images_BQK, texts_BK).argmax(1)
    return {"recall_at_1": float((found_B == torch.arange(len(scenes))).float().mean())}


def spoken_accuracy(model: Blip2, held_out: SeenScenes) -> dict[str, float]:
    """Shares of captions (by count of digits) and of answers (by kind) that greedy decoding would write exactly."""
    scenes, patches_BPD = held_out[range(len(held_out.scenes))]
    told = caption_rows(scenes)
    right_B = all_right(told.logits(model, model.bridge(patches_BPD)), told.targets)
    few_B = torch.tensor([len(scene.things) <= 2 for scene in scenes])
    figures = {"caption": _share(right_B), "caption_up_to_two": _share(right_B[few_B])}
    rng = np.random.default_rng(0)
    asked_of = [(row, each) for row, scene in enumerate(scenes) for each in questions_about(scene.things, rng)]
    rows_B, questions = torch.tensor([row for row, _ in asked_of]), [each for _, each in asked_of]
    told = question_rows(questions)
    queries_BQZ = model.bridge(patches_BPD[rows_B], bridge_questions(questions))
    answered_B = all_right(told.logits(model, queries_BQZ), told.targets)
    figures["vqa"] = _share(answered_B)
    for kind in sorted({each.kind for each in questions}):
        figures[kind] = _share(answered_B[torch.tensor([each.kind == kind for each in questions])])
    return figures | retrieval_at_1(model, held_out)


def _share(right_B: Tensor) -> float:
    return float(right_B.float().mean()) if len(right_B) else 0.0
