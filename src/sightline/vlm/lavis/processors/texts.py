"""LAVIS' text processors: cleaning, cutting, prompts."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sightline.vlm.config import ConfigError
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.processors.base import BaseProcessor, Settings

REMOVED = re.compile(r"""[.!"()*#:;~]""")


def first_words(text: str, most: int) -> str:
    """Cut to so many words, a word being what stands between single spaces."""
    return " ".join(text.split(" ")[:most])


def cleaned(text: str, most: int) -> str:
    """Lower case, punctuation and runs of white space as one space, cut to so many words."""
    spaced = re.sub(r"\s{2,}", " ", REMOVED.sub(" ", text.lower()))
    return first_words(spaced.rstrip("\n").strip(" "), most)


@registry.register_processor("blip_caption")
class BlipCaption(BaseProcessor):
    """Lower case, without punctuation, cut to so many words, behind a prompt."""

    def __init__(self, prompt: str = "", max_words: int = 50) -> None:
        self.prompt, self.max_words = prompt, max_words

    def __call__(self, item: str) -> str:
        """The text as the model was trained to read it."""
        return self.prompt + self.pre_caption(item)

    def pre_caption(self, caption: str) -> str:
        """The text without the prompt."""
        return cleaned(caption, self.max_words)


@registry.register_processor("blip_question")
class BlipQuestion(BaseProcessor):
    """Lower case, punctuation left out, cut to so many words."""

    def __init__(self, max_words: int = 50) -> None:
        self.max_words = max_words

    def __call__(self, item: str) -> str:
        """The question as the model was trained to read it."""
        return self.pre_question(item)

    def pre_question(self, question: str) -> str:
        """The same, by LAVIS' name."""
        return first_words(REMOVED.sub("", question.lower()).rstrip(" "), self.max_words)


TASKS = ("caption", "qa", "classification", "eval")
"""Kinds of instructions that `blip_instruction` makes."""


@registry.register_processor("blip_instruction")
class BlipInstruction(BaseProcessor):
    """A text cleaned as a caption, or put into an instruction drawn from `templates`.

    LAVIS has lists of templates of its own; here they are yours, one `{}` in each for "qa".
    """

    def __init__(
        self,
        prompt: str = "",
        max_words: int = 50,
        modality: str = "image",
        task: str = "caption",
        templates: Sequence[str] = (),
    ) -> None:
        if task not in TASKS:
            raise ConfigError(f"blip_instruction has no task {task!r}: the tasks are {', '.join(TASKS)}")
        self.prompt, self.max_words, self.modality, self.task = prompt, max_words, modality, task
        self.templates = list(templates)
        self.rng = np.random.default_rng()

    def __call__(self, item: str | Sequence[str]) -> str:
        """The instruction, of one of several texts: raises `ConfigError` when a template is needed and absent."""
        text = item if isinstance(item, str) else str(self.rng.choice(list(item)))
        if self.task == "eval":
            return cleaned(text, self.max_words) if text else self.prompt
        if self.task == "qa":
            return (self.prompt + self._template().format(text).replace("??", "?")).lower().strip()
        if not text:
            return (self.prompt + self._template()).lower().strip()
        if self.task == "classification":
            return f"{'an' if text[0].lower() in 'aeiou' else 'a'} {text}".lower().strip()
        return cleaned(text, self.max_words)

    def _template(self) -> str:
        if not self.templates:
            raise ConfigError(f"blip_instruction needs templates for the task {self.task!r}: give templates=['…']")
        return str(self.rng.choice(self.templates))


@registry.register_processor("gpt_dialogue")
class GptDialogue(BaseProcessor):
    """A dialogue about a video as caption, turns so far, and answer."""

    def __init__(self, max_turns: int = 10, use_caption: bool = True) -> None:
        self.max_turns, self.use_caption = max_turns, use_caption

    def __call__(self, item: Settings) -> tuple[str, list[str], str]:
        """From "caption", "summary", "dialog" (turns of "question" and "answer"), "question" and "answer"."""
        turns = item["dialog"][-self.max_turns :] if self.max_turns else []
        history = [turn[side] for turn in turns for side in ("question", "answer")]
        caption = f"{item['caption']} {item['summary']}" if self.use_caption else ""
        return caption, [*history, item["question"]], item["answer"]


@registry.register_processor("gpt_video_ft")
class GptVideoFeatures(BaseProcessor):
    """Ready features of a video's pictures or sound, from a folder for each kind."""

    def __init__(self, visual_ft: str | None = "i3d_rgb", audio_ft: str | None = "vggish") -> None:
        self.folders = {"visual": visual_ft, "audio": audio_ft}

    def __call__(self, ft_root: str | Path, vname: str = "", ft_type: str = "visual") -> Tensor | None:
        """`[1, rows, width]`; none for a kind that is switched off with "none"."""
        if ft_type not in self.folders:
            raise ConfigError(f"there are no {ft_type!r} features: the kinds are {', '.join(self.folders)}")
        folder = self.folders[ft_type]
        if folder in (None, "none"):
            return None
        features: Any = np.load(Path(ft_root) / str(folder) / f"{vname}.npy", allow_pickle=False)
        return torch.from_numpy(features)[None]
