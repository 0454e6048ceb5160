"""LAVIS' models that write: `blip2_opt`, `blip2_t5`, `blip2_vicuna` and the instruction-aware ones.

Shapes: B rows, Q queries of width Z, F frames of a video.
"""

import re
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
from sightline.vlm.lavis.lemmas import lemmatizer
from sightline.vlm.lavis.prompts import asked, formatted, prompts_of
from sightline.vlm.lavis.tokens import TOP_K, Cut, DoorTokenizer, cleaned_up
from sightline.vlm.loaded import Loaded
from sightline.vlm.loaded.answering import Requests, answer
from sightline.vlm.loaded.inputs import checked, read_pictures
from sightline.vlm.loaded.writing import Rows, WriteOptions, Writer
from sightline.vlm.spans import Timeline
from sightline.vlm.training.objectives import language_loss


class Writing(LavisModel):
    """Captions and answers by the language model."""

    length_penalty_of_answers = 0.0
    reads_video = False
    ranks_ends = True
    """Whether the end token counts where candidates are ranked."""
    cleans_up = True
    """Whether answers are spelt as transformers 4 decodes them."""
    reads_prompt: int | None = None
    """Tokens of a prompt that the language model reads; none: all."""
    max_txt_len = 32
    """Tokens of a text that are read when training, and by an instruction-aware Q-Former."""
    max_output_txt_len = 256
    """Tokens of an answer that are read when training."""

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
            options |= {"do_sample": True, "top_p": top_p, "top_k": TOP_K, "temperature": float(temperature)}
        images = images_of(samples, video=self.reads_video)
        return self._write(images, prompts_of(samples, self.prompt), options)

    def predict_answers(  # noqa: PLR0913, PLR0917 - LAVIS' signature
        self,
        samples: Samples,
        num_beams: int = 5,
        inference_method: str = "generate",
        max_len: int = 10,
        min_len: int = 1,
        num_ans_candidates: int = 128,  # noqa: ARG002 - all are scored in full, as the prefix is read once
        answer_list: Sequence[str] | None = None,
        prompt: str = "",
        length_penalty: float | None = None,
        **more: Any,
    ) -> list[str]:
        """Short answers to the batch's questions, each put into `prompt`.

        With `inference_method="rank"` each is the likeliest of `answer_list`.
        `apply_lemmatizer`, here or in the batch, gives nouns and verbs in their dictionary form: True asks spaCy, as
        LAVIS does, "rules" knows English endings, and a function of a text is called. `normalise=True` spells answers
        as VQA's evaluation compares them.
        """
        if inference_method not in ("generate", "rank"):
            raise ModelError(f"inference_method is {inference_method!r}: the methods are generate, rank")
        dictionary = lemmatizer(more.get("apply_lemmatizer", samples.get("apply_lemmatizer")))
        options = {
            "num_beams": num_beams,
            "max_new_tokens": max_len,
            "min_new_tokens": max(0, min_len - 1),
            "length_penalty": self.length_penalty_of_answers if length_penalty is None else length_penalty,
        }
        images = images_of(samples, video=self.reads_video)
        if inference_method == "rank":
            answers = self._chosen(images, asked(samples, prompt), answer_list)
        else:
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
        images, given = images_of(samples, video=self.reads_video), texts_of(samples, "prompt")
        if not len(candidates) or not all(map(len, candidates)):
            raise ModelError("no candidates were given: give a list of texts, or a list for every image")
        prompts = formatted(samples, prompts_of({"image": images, "prompt": given}, ""))
        if isinstance(candidates[0], str):
            return self._ranks(images, prompts, [str(each) for each in candidates])
        if len(candidates) != len(images):
            raise ModelError(
                f"{len(images)} images and {len(candidates)} lists of candidates: give one list, or as many"
            )
        rows = [self._ranks(images[at : at + 1], [prompts[at]], list(own)) for at, own in enumerate(candidates)]
        alike = len({row.shape[1] for row in rows}) == 1
        return torch.cat(rows) if alike else [row[0].tolist() for row in rows]

    def _chosen(self, images: Tensor, prompts: list[str], answers: Sequence[str] | None) -> list[str]:
        """The likeliest of the answers for every prompt, by its log-probability with its end."""
        if not answers:
            raise ModelError('inference_method="rank" chooses among answers: give answer_list')
        scores_BM = self._scored(images, prompts, list(answers), ending=True)
        return [answers[at] for at in scores_BM.argmax(1).tolist()]

    def _ranks(self, images: Tensor, prompts: list[str], candidates: list[str]) -> Tensor:
        return self._scored(images, prompts, candidates, ending=self.ranks_ends).argsort(dim=1, descending=True)

    def _scored(self, images: Tensor, prompts: list[str], candidates: list[str], *, ending: bool) -> Tensor:
        """Log-probabilities `[B, M]` of the candidates."""
        writer = self.writer
        if images.dim() == 5:
            prefix = self._of_frames(writer, images, prompts)
            with torch.no_grad():
                logits_BV, state = self.blip2.writer.prefill(*prefix)
            return writer.rank_after(logits_BV, state, candidates, ending=ending)
        pictures = read_pictures(images, self.loaded.preprocess)
        said = [[prompt] for prompt in prompts]
        rows = Rows(pictures, range(len(pictures)), prompts, self._read_by_bridge(prompts, prompts), said)
        return writer.rank(rows, writer.see(pictures, Timeline()), candidates, ending=ending)

    def forward(self, samples: Samples) -> dict[str, Tensor]:
        """The language model's loss for "text_output" after "text_input", or for "text_input" alone."""
        if "text_output" in samples:
            prompts, targets = texts_of(samples, "text_input"), texts_of(samples, "text_output")
        else:
            targets = texts_of(samples, "text_input")
            prompts = [self.prompt] * len(targets)
        writer = self.loaded.writer
        words = Text(*writer.candidates(targets))
        prompt = writer.tokens(prompts, [[each] for each in prompts])
        question = self.writer.questions(self._read_by_bridge(prompts, prompts))
        bridge: Any = self.blip2.bridge
        queries_BQZ = bridge(self.see(samples), question)
        prefix, mask = self.blip2.prefix(queries_BQZ, prompt.tokens_BL, prompt.mask_BL)
        return {"loss": language_loss(self.blip2.writer.logits(prefix, mask, words.tokens_BL), words)}

    @property
    def language_tokenizer(self) -> DoorTokenizer:
        """The language model's tokenizer as LAVIS' code calls it."""
        language = self.blip2.writer
        return DoorTokenizer(self.loaded.writer.tokenizer, next(iter(language.eos_ids), None), language.bos_id)

    @property
    def tokenizer(self) -> DoorTokenizer:
        """The Q-Former's tokenizer, cutting at the left; raises `ModelError` for one that reads no text."""
        reader = self.loaded.checkpoint.text_tokenizer
        if reader is None:
            raise ModelError(f"the Q-Former of {self.loaded.name} reads no text: it has no tokenizer")
        tokenizer = DoorTokenizer(reader)
        tokenizer.truncation_side = "left"
        return tokenizer

    @property
    def qformer_text_input(self) -> bool:
        """Whether the Q-Former reads the instruction, too."""
        return self.loaded.checkpoint.prompts.question_to_bridge

    @property
    def language_model(self) -> nn.Module:
        """The frozen language model as transformers has it."""
        language: Any = self.blip2.writer
        model: nn.Module = language.model
        return model

    @property
    def writer(self) -> Writer:
        """What writes: ours, with texts cut where LAVIS cuts them."""
        writer = self.loaded.writer
        if self.reads_prompt is not None:
            writer = replace(writer, tokenizer=Cut.of(writer.tokenizer, self.reads_prompt))
        if writer.text_tokenizer is not None:
            writer = replace(writer, text_tokenizer=Cut.of(writer.text_tokenizer, self._bridge_reads(), left=True))
        return writer

    def _bridge_reads(self) -> int:
        bridge: Any = self.blip2.bridge
        return min(self.max_txt_len, int(bridge.config.positions))

    def _write(self, images: Tensor, prompts: list[str], options: dict[str, Any]) -> list[str]:
        """A question that stands in the checkpoint's own template goes to an instruction-aware bridge without it."""
        how = Decoding.of({**self.loaded.checkpoint.decoding, **options})
        if images.dim() == 5:
            return self._write_of_frames(images, prompts, how)
        facts, questions = self.loaded.checkpoint.prompts, prompts
        if facts.question_to_bridge and not facts.template_to_bridge:
            form = re.compile(re.escape(facts.question).replace(r"\{\}", "(.*?)") + r"\s*", re.IGNORECASE)
            found = [form.fullmatch(prompt.replace("Short answer:", "Answer:")) for prompt in prompts]
            if all(found):
                questions = [each[1] for each in found if each]
                prompts = [facts.question.replace("{}", question) for question in questions]
        pictures = read_pictures(images, self.loaded.preprocess)
        requests = Requests(
            of=range(len(pictures)),
            prompts=checked(prompts),
            asked=questions,
            to_bridge=self._read_by_bridge(prompts, questions),
        )
        answers = answer(self.loaded.name, self.writer, pictures, requests, WriteOptions(how=how))
        return [self._spelt(one.text) for one in answers]

    def _read_by_bridge(self, prompts: Sequence[str], questions: Sequence[str]) -> list[str] | None:
        """What an instruction-aware bridge reads; none for one that reads no text."""
        facts = self.loaded.checkpoint.prompts
        read = prompts if facts.template_to_bridge else questions
        return list(read) if facts.question_to_bridge and (facts.template_to_bridge or any(read)) else None

    def _of_frames(self, writer: Writer, images: Tensor, prompts: list[str]) -> tuple[Tensor, Tensor]:
        """A video's prefix: the queries of every frame, then the prompt."""
        prompt = writer.tokens(prompts, [[each] for each in prompts])
        question = writer.questions(self._read_by_bridge(prompts, prompts))
        bridge: Any = self.blip2.bridge
        with torch.no_grad():
            frames = [bridge(self.see({"image": frame}), question) for frame in images.unbind(2)]
            return self.blip2.prefix(torch.cat(frames, 1), prompt.tokens_BL, prompt.mask_BL)

    def _write_of_frames(self, images: Tensor, prompts: list[str], how: Decoding) -> list[str]:
        writer = self.writer
        written = generate(self.blip2.writer, *self._of_frames(writer, images, prompts), how)
        return [self._spelt(writer.tokenizer.decode(one.tokens).strip()) for row in written for one in row]

    def _spelt(self, text: str) -> str:
        return cleaned_up(text) if self.cleans_up else text


class Instructed(Writing):
    """The Q-Former reads the instruction, too: its last `max_txt_len` tokens."""

    reads_video = True
    max_txt_len = 128

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded)
        self.prompt = ""  # LAVIS' settings have none, ours what captions are asked for with

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
