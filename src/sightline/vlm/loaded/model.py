"""A model as a user holds it: caption, ask, match, embed, classify."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline.vlm import spans, weights
from sightline.vlm.bridges import QFormer
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.decoding import Decoding, OnToken, Written
from sightline.vlm.loaded.answering import Requests, answer, rank
from sightline.vlm.loaded.answers import Answer, Classes, Features, Matches, Similarity
from sightline.vlm.loaded.captioning import BridgeWriter
from sightline.vlm.loaded.dialogue import Chat
from sightline.vlm.loaded.inputs import (
    Images,
    InputError,
    checked,
    labels_of,
    pair,
    read_pictures,
    texts_of,
    to_pixels,
    unmarked,
)
from sightline.vlm.loaded.looked import method_of
from sightline.vlm.loaded.matched import look_at_matches
from sightline.vlm.loaded.scoring import Scorer
from sightline.vlm.loaded.writing import Author, Rows, Seen, WriteOptions, Writer
from sightline.vlm.placement import Devices, Precision, limited
from sightline.vlm.weights import Checkpoint


def load(
    name_or_folder: str | Path,
    device: Devices = "cpu",
    dtype: Precision | None = None,
    max_memory: Mapping[str | int | torch.device, int | str] | None = None,
) -> "Loaded":
    """A model by name, hub id or checkpoint folder.

    Args:
        name_or_folder: "sightline-tiny", a hub id such as "Salesforce/blip2-opt-2.7b", or a folder in Sightline's or
            Hugging Face's layout.
        device: Where it runs: one device, or one for each part, `{"encoder": "cuda:0", "language": "cuda:1"}`. The
            language model may be split: "auto", or a device by layer, `{"language": {"": 0, "model.layers.9": 1}}`.
        dtype: Precision of the weights; None keeps the checkpoint's. By part, too: `{"language": torch.bfloat16}`;
            torch's names will do, "bfloat16".
        max_memory: For "auto": what the language model may take, `{"cuda:0": "10GiB", "cpu": "30GiB"}`.

    Raises:
        UnknownModelError: No such name, folder or hub id, or it cannot be downloaded.
        CheckpointError: Something is there, but it cannot be read as a model.
        ConfigError: A dtype, part, device or split that cannot be.
    """
    where = device if max_memory is None else limited(device, max_memory)
    return Loaded(weights.read(str(name_or_folder), dtype=dtype, device=where))


class Loaded:
    """A checkpoint ready to answer. Images are given one or several, in any form that `data.images` reads."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.name = checkpoint.name
        self.model = checkpoint.model
        self.preprocess = Preprocess(**asdict(checkpoint.image))
        self.scorer = Scorer(self.model, self.preprocess, checkpoint.text_tokenizer)

    def caption(
        self,
        images: Images,
        prompt: str | Sequence[str] | None = None,
        *,
        looked: str | bool | None = None,
        on_token: OnToken | None = None,
        **decoding: Any,
    ) -> list[Answer]:
        """One caption an image (or `num_return_sequences` of them, one after the other).

        Args:
            images: One or several.
            prompt: What the language model reads after the image, as it stands; "" is nothing, None the checkpoint's.
                Several: one for each image.
            looked: "gradient" (or True) or "attention" to also say where the model looked.
            on_token: Streaming: hears (answer, token, log-probability) as tokens are chosen; not with beam search.
            **decoding: Options of `Decoding`; those not given are the checkpoint's.

        Raises:
            ImageError: An image that cannot be read.
            InputError: No language model and no captioning head, or images and prompts that do not pair up.
            DecodingError: Options out of range, or that contradict each other.
        """
        options = self._options(decoding, looked, on_token)
        pictures = read_pictures(images, self.preprocess)
        told = [self.checkpoint.prompts.caption] if prompt is None else unmarked(texts_of(prompt, "prompts"))
        of, words = pair(len(pictures), told, "prompts")
        requests = self._requests(of, words, [""] * len(words) if prompt is None else words)
        return answer(self.name, self.captioner, pictures, requests, options)

    def ask(
        self,
        images: Images,
        questions: str | Sequence[str],
        *,
        template: str | None = None,
        earlier: Sequence[tuple[str, str]] = (),
        looked: str | bool | None = None,
        on_token: OnToken | None = None,
        **decoding: Any,
    ) -> list[Answer]:
        """One answer a question: one image with many questions, many images with one, or as many of each.

        However many questions there are about an image, it is encoded once, and its soft prompt is prefilled once.

        Args:
            images: One or several.
            questions: One or several.
            template: What a question is put into, with one `{}`; None is the checkpoint's.
            earlier: Questions with their answers that are read before every question, each in the template.
            looked: "gradient" (or True) or "attention" to also say where the model looked.
            on_token: Streaming: hears (answer, token, log-probability) as tokens are chosen; not with beam search.
            **decoding: Options of `Decoding`; those not given are the checkpoint's.

        Raises:
            ImageError: An image that cannot be read.
            InputError: No language model, images and questions that do not pair up, or a template without one slot.
            DecodingError: Options out of range, or that contradict each other.
        """
        options = self._options(decoding, looked, on_token)
        form = self._template(template)
        pictures = read_pictures(images, self.preprocess)
        of, asked = pair(len(pictures), unmarked(texts_of(questions, "questions")), "questions")
        told = [f"{form.replace('{}', question)} {replied}" for question, replied in earlier]
        prompts = [" ".join([*told, form.replace("{}", question)]) for question in asked]
        said = [text for turn in earlier for text in turn]
        requests = replace(self._requests(of, prompts, asked), earlier=said)
        return answer(self.name, self.writer, pictures, requests, options)

    def chat(self, image: Images, *, template: str | None = None, remember: int | None = None) -> Chat:
        """A dialogue about one image, which is encoded here, once.

        Args:
            image: One.
            template: What a question is put into, with one `{}`; None is the checkpoint's.
            remember: How many earlier turns the model reads before a question; None is all.
        """
        pictures, writer = read_pictures(image, self.preprocess), self.writer
        if len(pictures) != 1:
            raise InputError(f"a dialogue is about one image, {len(pictures)} were given")
        seen = writer.see(pictures, spans.Timeline())

        def say(prompt: str, said: Sequence[str], looked: str | bool | None, decoding: dict[str, Any]) -> Answer:
            requests = replace(self._requests([0], [prompt], said[-1:]), earlier=said[:-1])
            return answer(self.name, writer, pictures, requests, self._options(decoding, looked), seen)[0]

        return Chat(say, self._template(template), remember)

    def match(self, images: Images, texts: str | Sequence[str], *, looked: str | bool | None = None) -> Matches:
        """Image-text matching (ITM) and contrastive (ITC) scores `[N, M]` of every image with every text.

        Raises `InputError` for a checkpoint without the first stage's heads.

        Args:
            images: One or several.
            texts: One or several.
            looked: "gradient" (or True) or "attention" to also say where the model looked for each word.
        """
        pictures, words = read_pictures(images, self.preprocess), texts_of(texts, "texts")
        patches_NPD = self.scorer.see(pictures)
        matches = self.scorer.match(patches_NPD, words)
        method = method_of(looked)
        if method is None:
            return matches
        sides = to_pixels(pictures[:1], self.preprocess).shape[2:]
        place = (self.model.encoder.grid(*sides), method)
        return replace(matches, looked=look_at_matches(self.scorer, (patches_NPD, pictures), words, place))

    def embed(
        self, images: Images | None = None, texts: str | Sequence[str] | None = None, mode: str | None = None
    ) -> Features:
        """Embeddings of images (mode "image"), texts ("text"), or image-text pairs ("multimodal"); shapes: `Features`.

        Without a mode they are of what is given: images, texts, or pairs of both.
        """
        if mode is None:
            mode = "image" if texts is None else "text" if images is None else "multimodal"
        needs = {"image": (True, False), "text": (False, True), "multimodal": (True, True)}
        if mode not in needs:
            raise InputError(f"unknown mode {mode!r}: the modes are {', '.join(needs)}")
        for name, given, needed in zip(("images", "texts"), (images, texts), needs[mode], strict=True):
            if needed and given is None:
                raise InputError(f"mode {mode!r} needs {name}=")
        if mode == "text":
            return self.scorer.embed_texts(texts_of(texts or [], "texts"))
        patches_NPD = self.scorer.see(read_pictures([] if images is None else images, self.preprocess))
        if mode == "image":
            return self.scorer.embed_images(patches_NPD)
        of, paired = pair(len(patches_NPD), texts_of(texts or [], "texts"), "texts")
        return self.scorer.embed_pairs(patches_NPD[of], paired)

    def similarity(self, images: Images, texts: str | Sequence[str], k: int = 128) -> Similarity:
        """Retrieval scores both ways: ITC cosines rank all pairs, ITM re-ranks the `k` best of each image and text.

        With the published checkpoints and k=128 this is the paper's retrieval evaluation (section 4.4).
        """
        patches_NPD = self.scorer.see(read_pictures(images, self.preprocess))
        return self.scorer.similarity(patches_NPD, self.scorer.tokens(texts_of(texts, "texts")), k)

    def classify(self, images: Images, labels: Sequence[str]) -> Classes:
        """Zero-shot classification: by image-text (ITC) cosine where the checkpoint has it, else by the language model.

        Args:
            images: One or several.
            labels: Two at least, all different.
        """
        pictures, words = read_pictures(images, self.preprocess), labels_of(labels)
        if self.scorer.can_embed_texts:
            return self.scorer.classify(self.scorer.see(pictures), words)
        many = len(pictures)
        requests = self._requests(range(many), [self.checkpoint.prompts.caption] * many, [""] * many)
        return Classes(tuple(words), rank(self.writer, pictures, requests, words).softmax(1))

    def rank(
        self,
        images: Images,
        questions: str | Sequence[str],
        candidates: Sequence[str],
        *,
        template: str | None = None,
    ) -> Classes:
        """Probabilities of candidate answers: a row a question, paired with images as `ask` does.

        Each candidate's probability is that of the language model writing just it, among the candidates. Image and
        question are read once, however many candidates there are.
        """
        form = self._template(template)
        pictures = read_pictures(images, self.preprocess)
        of, asked = pair(len(pictures), unmarked(texts_of(questions, "questions")), "questions")
        prompts = [form.replace("{}", question) for question in asked]
        words = texts_of(candidates, "candidates")
        return Classes(tuple(words), rank(self.writer, pictures, self._requests(of, prompts, asked), words).softmax(1))

    def generate(self, patches_BPD: Tensor, prompts: Sequence[str], how: Decoding | None = None) -> list[list[Written]]:
        """Tokens from cached image features `[B, P, D]` (`self.model.see`) and B prompts; no templates, no spans."""
        seen = Seen(patches_BPD, self.model.encoder.grid(self.preprocess.size, self.preprocess.size))
        questions = list(prompts) if self.checkpoint.prompts.question_to_bridge else None
        rows = Rows([], range(len(prompts)), prompts, questions)
        options = self._options({}, None) if how is None else WriteOptions(how=how)
        return self.writer.write(rows, seen, options, spans.Timeline()).written

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of token ids, without special tokens."""
        return self.writer.tokenizer.decode(tokens)

    def save(self, folder: str | Path) -> None:
        """Writes the checkpoint as a folder that `load` reads; raises `CheckpointError` where a file has its name."""
        weights.save_folder(self.checkpoint, Path(folder))

    def save_huggingface(self, folder: str | Path) -> None:
        """Writes the checkpoint as a folder that transformers' `Blip2*` classes read."""
        weights.save_huggingface(self.checkpoint, Path(folder))

    @property
    def captioner(self) -> Author:
        """The language model, else a Q-Former that can caption by itself."""
        bridge = self.model.bridge
        if self.model.language is None and isinstance(bridge, QFormer) and bridge.captioning is not None:
            return BridgeWriter.of(self.model, self.preprocess, self.checkpoint.text_tokenizer)
        return self.writer

    @property
    def writer(self) -> Writer:
        """The language model with what feeds it; raises `InputError` for a checkpoint without."""
        tokenizer = self.checkpoint.tokenizer
        if self.model.language is None:
            raise InputError(
                f"{self.name} has no language model: as a first-stage checkpoint it can match and embed; "
                "to caption and ask, load a second-stage one"
            )
        if tokenizer is None:
            raise InputError(f"{self.name} has no tokenizer: put the language model's tokenizer.json into its folder")
        return Writer(self.model, self.preprocess, tokenizer, self.checkpoint.text_tokenizer)

    def _template(self, template: str | None) -> str:
        form = self.checkpoint.prompts.question if template is None else template
        if form.count("{}") != 1:
            raise InputError(f"the template {form!r} has {form.count('{}')} slots: write exactly one {{}}")
        return form

    def _requests(self, of: Sequence[int], prompts: Sequence[str], asked: Sequence[str]) -> Requests:
        """What is asked, and what of it the bridge reads: nothing, the bare question, or all (InstructBLIP)."""
        facts = self.checkpoint.prompts
        read = prompts if facts.template_to_bridge else asked
        to_bridge = read if facts.question_to_bridge and (facts.template_to_bridge or any(read)) else None
        return Requests(of=of, prompts=checked(prompts), asked=asked, to_bridge=to_bridge)

    def _options(
        self, decoding: dict[str, Any], looked: str | bool | None, on_token: OnToken | None = None
    ) -> WriteOptions:
        how = Decoding.of({**self.checkpoint.decoding, **decoding})
        return WriteOptions(how=how, method=method_of(looked), on_token=on_token)
