"""LAVIS' models that write: `blip2_opt`, `blip2_t5`, `blip2_vicuna` and the instruction-aware ones.

Shapes: B rows, Q queries of width Z, F frames of a video.
"""

import re
import string
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.bridges import Text
from sightline.vlm.config import ModelError
from sightline.vlm.decoding import Decoding, generate
from sightline.vlm.evals import vqa
from sightline.vlm.lavis.base import LavisModel, Samples, images_of, texts_of
from sightline.vlm.lavis.common.registry import registry
from sightline.vlm.lavis.first_stage import Blip2Qformer
from sightline.vlm.lavis.lemmas import lemmatizer
from sightline.vlm.training.objectives import language_loss

OCR_TOKENS = 30
"""Words read off the image that go into a prompt."""


class Writing(LavisModel):
    """Captions and answers by the language model."""

    length_penalty_of_answers = 0.0
    reads_video = False

    @property
    def prompt(self) -> str:
        """What the language model reads when a batch has no "prompt"."""
        return self.loaded.checkpoint.prompts.caption

    @prompt.setter
    def prompt(self, words: str) -> None:
        checkpoint = self.loaded.checkpoint
        checkpoint.prompts = replace(checkpoint.prompts, caption=words)

    def generate(  # noqa: PLR0913, PLR0917 - LAVIS' signature
        self,
        samples: Samples,
        use_nucleus_sampling: bool = False,
        num_beams: int = 5,
        max_length: int = 30,
        min_length: int = 1,
        top_p: float = 0.9,
        repetition_penalty: float = 1.0,
        length_penalty: float = 1.0,
        num_captions: int = 1,
        temperature: float = 1,
    ) -> list[str]:
        """`num_captions` texts an image. `max_length` counts new tokens, `min_length` the one that begins an answer."""
        options: dict[str, Any] = {
            "num_beams": num_beams,
            "max_new_tokens": max_length,
            "min_new_tokens": max(0, min_length - 1),
            "repetition_penalty": repetition_penalty,
            "length_penalty": length_penalty,
            "num_return_sequences": num_captions,
        }
        if use_nucleus_sampling:
            options |= {"do_sample": True, "top_p": top_p, "temperature": float(temperature)}
        images = images_of(samples, video=self.reads_video)
        return self._write(images, self._prompts(samples), options)

    def predict_answers(  # noqa: PLR0913, PLR0917 - LAVIS' signature
        self,
        samples: Samples,
        num_beams: int = 5,
        inference_method: str = "generate",  # noqa: ARG002 - as in LAVIS, one method is all there is
        max_len: int = 10,
        min_len: int = 1,
        num_ans_candidates: int = 128,  # noqa: ARG002 - as above
        answer_list: Sequence[str] | None = None,  # noqa: ARG002 - as above
        prompt: str = "",
        length_penalty: float | None = None,
        **more: Any,
    ) -> list[str]:
        """Short answers to the batch's questions, each put into `prompt`.

        `apply_lemmatizer`, here or in the batch, gives nouns and verbs in their dictionary form: True asks spaCy, as
        LAVIS does, "rules" knows English endings, and a function of a text is called. `normalise=True` spells answers
        as VQA's evaluation compares them.
        """
        dictionary = lemmatizer(more.get("apply_lemmatizer", samples.get("apply_lemmatizer")))
        options = {
            "num_beams": num_beams,
            "max_new_tokens": max_len,
            "min_new_tokens": max(0, min_len - 1),
            "length_penalty": self.length_penalty_of_answers if length_penalty is None else length_penalty,
        }
        images = images_of(samples, video=self.reads_video)
        answers = self._write(images, asked(samples, prompt), options)
        answers = answers if dictionary is None else dictionary(answers)
        return [vqa.normalise(answer) for answer in answers] if more.get("normalise") else answers

    def predict_class(
        self,
        samples: Samples,
        candidates: Sequence[str] | Sequence[Sequence[str]],
        n_segments: int = 1,  # noqa: ARG002 - as in LAVIS
    ) -> Any:
        """Places of the candidates, likeliest first: `[B, candidates]`, or a list where each image has its own.

        `n_segments` changes nothing: image and prompt are read once, however many candidates there are.
        """
        images, given = images_of(samples), texts_of(samples, "prompt")
        if not len(candidates) or not all(map(len, candidates)):
            raise ModelError("no candidates were given: give a list of texts, or a list for every image")
        prompts = formatted(samples, self._prompts({"image": images, "prompt": given}))
        if isinstance(candidates[0], str):
            return self._ranks(images, prompts, [str(each) for each in candidates])
        if len(candidates) != len(images):
            raise ModelError(
                f"{len(images)} images and {len(candidates)} lists of candidates: give one list, or as many"
            )
        rows = [self._ranks(images[at : at + 1], [prompts[at]], list(own)) for at, own in enumerate(candidates)]
        alike = len({row.shape[1] for row in rows}) == 1
        return torch.cat(rows) if alike else [row[0].tolist() for row in rows]

    def _ranks(self, images: Tensor, prompts: list[str], candidates: list[str]) -> Tensor:
        ranked = self.loaded.rank(images, prompts, candidates, template="{}")
        return ranked.probabilities.argsort(dim=1, descending=True)

    def forward(self, samples: Samples) -> dict[str, Tensor]:
        """The language model's loss for "text_output" after "text_input", or for "text_input" alone."""
        if "text_output" in samples:
            prompts, targets = texts_of(samples, "text_input"), texts_of(samples, "text_output")
        else:
            targets = texts_of(samples, "text_input")
            prompts = [self.prompt] * len(targets)
        writer = self.loaded.writer
        words = Text(*writer.candidates(targets))
        prompt, question = writer.tokens(prompts), self._question(prompts)
        queries_BQZ = self.blip2.bridge(self.see(samples), question)
        prefix, mask = self.blip2.prefix(queries_BQZ, prompt.tokens_BL, prompt.mask_BL)
        return {"loss": language_loss(self.blip2.writer.logits(prefix, mask, words.tokens_BL), words)}

    @property
    def language_model(self) -> nn.Module:
        """The frozen language model as transformers has it."""
        language: Any = self.blip2.writer
        model: nn.Module = language.model
        return model

    def _write(self, images: Tensor, prompts: list[str], options: dict[str, Any]) -> list[str]:
        """A question that stands in the checkpoint's own template goes to an instruction-aware bridge without it."""
        facts = self.loaded.checkpoint.prompts
        questions, template = prompts, "{}"
        if facts.question_to_bridge and not facts.template_to_bridge:
            form = re.compile(re.escape(facts.question).replace(r"\{\}", "(.*?)") + r"\s*", re.IGNORECASE)
            found = [form.fullmatch(prompt.replace("Short answer:", "Answer:")) for prompt in prompts]
            if all(found):
                questions, template = [each[1] for each in found if each], facts.question
        answers = self.loaded.ask(images, questions, template=template, **options)
        return [answer.text for answer in answers]

    def _prompts(self, samples: Samples) -> list[str]:
        many = len(samples["image"])
        given = texts_of(samples, "prompt") if "prompt" in samples else [self.prompt]
        if len(given) not in (1, many):
            raise ModelError(f"{many} images and {len(given)} prompts: give one prompt, or as many as images")
        if "ocr_tokens" in samples:
            read = [", ".join(words[:OCR_TOKENS]) for words in samples["ocr_tokens"]]
            return [
                prompt.replace("{}", words) for prompt, words in zip(given * (many // len(given)), read, strict=True)
            ]
        return given * many if len(given) == 1 else given

    def _question(self, prompts: list[str]) -> Text | None:
        """What the bridge of an instruction-aware model reads."""
        return self.loaded.writer.questions(prompts) if self.loaded.checkpoint.prompts.question_to_bridge else None


class WithT5(Writing):
    """What LAVIS calls the parts of a model with a FlanT5."""

    length_penalty_of_answers = -1.0
    language_types = ("t5",)

    @property
    def t5_model(self) -> nn.Module:
        """transformers' T5."""
        return self.language_model

    @property
    def t5_proj(self) -> nn.Linear | None:
        """From the Q-Former's width to T5's."""
        return self.blip2.project


class WithLlama(Writing):
    """What LAVIS calls the parts of a model with a Vicuna."""

    language_types = ("llama",)

    @property
    def llm_model(self) -> nn.Module:
        """transformers' Llama."""
        return self.language_model

    @property
    def llm_proj(self) -> nn.Linear | None:
        """From the Q-Former's width to Llama's."""
        return self.blip2.project


@registry.register_model("blip2_opt")
class Blip2OPT(Writing):
    """With a frozen OPT."""

    name = "blip2_opt"
    language_types = ("opt",)

    @property
    def opt_model(self) -> nn.Module:
        """transformers' OPT."""
        return self.language_model

    @property
    def opt_proj(self) -> nn.Linear | None:
        """From the Q-Former's width to OPT's."""
        return self.blip2.project


@registry.register_model("blip2_t5")
class Blip2T5(WithT5):
    """With a frozen FlanT5."""

    name = "blip2_t5"


@registry.register_model("blip2_vicuna")
class Blip2Vicuna(WithLlama):
    """With a frozen Llama; nobody has published one, so it is loaded from a folder."""

    name = "blip2_vicuna"


class Instructed(Writing):
    """The Q-Former reads the instruction, too."""

    reads_video = True

    def generate(  # noqa: PLR0913, PLR0917 - LAVIS' signature
        self,
        samples: Samples,
        use_nucleus_sampling: bool = False,
        num_beams: int = 5,
        max_length: int = 256,
        min_length: int = 1,
        top_p: float = 0.9,
        repetition_penalty: float = 1.5,
        length_penalty: float = 1.0,
        num_captions: int = 1,
        temperature: float = 1,
    ) -> list[str]:
        """As for the other models, with longer texts by default; "image" may be a video `[B, 3, F, H, W]`."""
        return super().generate(
            samples,
            use_nucleus_sampling,
            num_beams,
            max_length,
            min_length,
            top_p,
            repetition_penalty,
            length_penalty,
            num_captions,
            temperature,
        )

    def _write(self, images: Tensor, prompts: list[str], options: dict[str, Any]) -> list[str]:
        if images.dim() != 5:
            return super()._write(images, prompts, options)
        writer = self.loaded.writer
        prompt, question = writer.tokens(prompts), self._question(prompts)
        with torch.no_grad():
            frames = [self.blip2.bridge(self.see({"image": frame}), question) for frame in images.unbind(2)]
            prefix, mask = self.blip2.prefix(torch.cat(frames, 1), prompt.tokens_BL, prompt.mask_BL)
            written = generate(self.blip2.writer, prefix, mask, Decoding.of(options))
        return [writer.tokenizer.decode(one.tokens).strip() for row in written for one in row]


@registry.register_model("blip2_t5_instruct")
class Blip2T5Instruct(WithT5, Instructed):
    """With a frozen FlanT5."""

    name = "blip2_t5_instruct"


@registry.register_model("blip2_vicuna_instruct")
class Blip2VicunaInstruct(WithLlama, Instructed):
    """With a frozen Vicuna."""

    name = "blip2_vicuna_instruct"


@registry.register_model("sightline-tiny")
class SightlineTiny(Writing, Blip2Qformer):
    """Both stages in one: it writes with its language model, and matches and embeds with its Q-Former."""

    name = "sightline-tiny"

    def forward(self, samples: Samples, match_head: str | None = None) -> Any:
        """The language model's loss; with `match_head` the scores of `blip2_image_text_matching`."""
        return super().forward(samples) if match_head is None else self._scores(samples, match_head)


def asked(samples: Samples, prompt: str) -> list[str]:
    """The questions of a batch inside a prompt with one `{}`, or two: words read off the image, or lettered choices."""
    questions = texts_of(samples, "text_input")
    if not prompt:
        return questions
    if prompt.count("{}") != 2:
        return [prompt.format(question) for question in questions]
    if "ocr_tokens" in samples:
        read = [", ".join(words[:OCR_TOKENS]) for words in samples["ocr_tokens"]]
        return [prompt.format(words, question) for words, question in zip(read, questions, strict=True)]
    if "choices" not in samples:
        raise ModelError(f"the prompt {prompt!r} has two slots: samples needs 'ocr_tokens' or 'choices'")
    lettered = [
        " ".join(f"({letter}) {choice}" for letter, choice in zip(string.ascii_lowercase, choices, strict=False))
        for choices in samples["choices"]
    ]
    return [prompt.format(question, choices) for question, choices in zip(questions, lettered, strict=True)]


def formatted(samples: Samples, prompts: list[str]) -> list[str]:
    """Prompts filled with the batch's "text_input", behind its "context", "history" and "caption"."""
    told = list(prompts)
    if "text_input" in samples:
        fillings = [[each] if isinstance(each, str) else list(each) for each in texts_of(samples, "text_input")]
        told = [prompt.format(*filling) for prompt, filling in zip(told, fillings, strict=True)]
    frames = (
        ("context", "context: {}. {}"),
        ("history", "dialog history: {}\n{}"),
        ("caption", 'This image has the caption "{}". {}'),
    )
    for key, form in frames:
        if any(samples.get(key, ())):
            told = [form.format(each, prompt) for each, prompt in zip(samples[key], told, strict=True)]
    return told
