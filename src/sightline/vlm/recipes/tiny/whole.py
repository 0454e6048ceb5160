"""The recipe from start to end: four parts, each resumable, then the checkpoint folder, then its evaluation."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sightline.vlm import evals, weights
from sightline.vlm.data.digit_scenes import CANVAS_PX, WORLD, sample_scenes
from sightline.vlm.language import LlamaLanguage
from sightline.vlm.loaded import load
from sightline.vlm.model import Blip2
from sightline.vlm.recipes.tiny import bridge as bridges
from sightline.vlm.recipes.tiny.card import card
from sightline.vlm.recipes.tiny.encoder import MEAN, STD, EncoderStage, NamedPatches, naming_accuracy
from sightline.vlm.recipes.tiny.language import FULLER, LanguageStage
from sightline.vlm.recipes.tiny.shapes import SEED, Tiny
from sightline.vlm.recipes.tiny.words import PAD, QUESTION_TEMPLATE, VOCABULARY, build_tokenizer
from sightline.vlm.training import fit
from sightline.vlm.weights import Checkpoint, ImageFacts, Prompts, Tokenizer

NAME = "sightline-tiny"
"""Name of the checkpoint, by which it is loaded."""
WATCH_SEED = 11
"""Of the held-out scenes looked at while training: others than the benchmark's."""
CARD: dict[str, Any] = {
    "description": "Scenes of one to four real handwritten digits in coloured ink: captions, answers, retrieval. "
    "3.2 M parameters, trained from nothing in under an hour on two CPU cores.",
    "suggestions": [
        "Which digit is on the left?",
        "How many digits are there?",
        "Which digit is red?",
        "What colour is the five?",
        "Is there a two?",
        "Which is larger?",
    ],
    "turns": False,
    "licence": "Apache-2.0",
    "data": "Optical recognition of handwritten digits (E. Alpaydin, C. Kaynak; UCI, CC BY 4.0) as in scikit-learn",
}
"""Free facts that are stored with the checkpoint."""


@dataclass(frozen=True)
class Workshop:
    """Where a recipe is carried out: the model as far as it is, and the folder of its snapshots."""

    recipe: Tiny
    model: Blip2
    runs: Path

    @classmethod
    def open(cls, recipe: Tiny, out: Path) -> "Workshop":
        """A fresh model of one seed."""
        torch.manual_seed(SEED)
        return cls(recipe, recipe.model.build(), out / "runs")

    def train(self) -> None:
        """Every part that is not finished yet, in order."""
        self.train_encoder()
        self.train_language()
        seen = self._seen("train", self.recipe.scenes)
        watched = self._seen("held-out", self.recipe.watched_scenes)
        self.train_stage1(seen, watched)
        self.train_stage2(seen, watched)

    def train_encoder(self) -> None:
        """The encoder and its LayerNorm, frozen afterwards."""
        stage = EncoderStage(self.model, self.recipe.encoder, self.recipe.encoder_scenes)
        held_out = NamedPatches.draw(self.recipe.watched_scenes, WATCH_SEED, "held-out", stage.grid, WORLD)
        fit(stage, self.recipe.encoder, self.runs, lambda _: naming_accuracy(stage.naming, held_out))
        _freeze(stage.naming)

    def train_language(self) -> None:
        """The language model, frozen afterwards."""
        language = self.model.writer
        if not isinstance(language, LlamaLanguage):
            raise ValueError(f"this recipe trains a LlamaLanguage, not a {type(language).__name__}")
        stage = LanguageStage(language, self.recipe.language)
        fit(stage, self.recipe.language, self.runs, lambda _: stage.reading_accuracy())
        _freeze(stage.language)

    def train_stage1(self, seen: bridges.SeenScenes, watched: bridges.SeenScenes) -> None:
        """The bridge beside the encoder."""
        stage = bridges.FirstStage(self.model, self.recipe.stage1, seen)
        fit(stage, self.recipe.stage1, self.runs, lambda _: bridges.retrieval_at_1(self.model, watched))

    def train_stage2(self, seen: bridges.SeenScenes, watched: bridges.SeenScenes) -> None:
        """The bridge and the projection, through the language model."""
        stage = bridges.SecondStage(self.model, self.recipe.stage2, seen, self.recipe.rehearse_every)
        fit(stage, self.recipe.stage2, self.runs, lambda _: bridges.spoken_accuracy(self.model, watched))

    def _seen(self, split: Any, scenes: int) -> bridges.SeenScenes:
        seed, drawing = (SEED, FULLER) if split == "train" else (WATCH_SEED, WORLD)
        return bridges.SeenScenes(self.model, partial(sample_scenes, scenes, seed, split, drawing))


def save(model: Blip2, recipe: Tiny, folder: Path) -> None:
    """The checkpoint folder, weights in half precision."""
    tokenizer = Tokenizer(build_tokenizer(), VOCABULARY.index(PAD))
    checkpoint = Checkpoint(
        name=NAME,
        family="causal",
        config=recipe.model,
        model=model,
        image=ImageFacts(size=CANVAS_PX, mean=(MEAN,) * 3, std=(STD,) * 3),
        prompts=Prompts(caption="", question=QUESTION_TEMPLATE, question_to_bridge=True),
        tokenizer=tokenizer,
        text_tokenizer=tokenizer,
        decoding={"max_new_tokens": 24},
        card=CARD,
    )
    weights.save_folder(checkpoint, folder, dtype=torch.float16)


def run(recipe: Tiny, out: Path, progress: evals.Progress = evals.silent) -> dict[str, Any]:
    """Trains what is not trained yet, saves the folder, evaluates it as a user would load it, and writes its card."""
    workshop = Workshop.open(recipe, out)
    workshop.train()
    save(workshop.model, recipe, out)
    figures = evals.run("digit-scenes", load(out), progress)
    (out / "evaluation.json").write_text(json.dumps(figures, indent=1) + "\n")
    parameters = sum(each.numel() for each in workshop.model.parameters())
    (out / "README.md").write_text(card(figures, workshop.runs, parameters, len(VOCABULARY)))
    return figures


def _freeze(part: nn.Module) -> None:
    part.eval().requires_grad_(False)
