"""From pictures and prompts to answers: encode, bridge, prefill and decode a batch; shared work once, all steps timed.

Shapes: B rows (answers), N images, P patches of width D, Q queries, L prompt tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sightline.vlm.bridges.protocol import Text
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.decoding import Decoding, Method, OnToken, Replay, Written, decode, look, split_words
from sightline.vlm.encoders.protocol import PatchGrid
from sightline.vlm.language.protocol import State
from sightline.vlm.loaded.inputs import InputError, Picture, to_pixels
from sightline.vlm.loaded.looked import Looked, WordMap
from sightline.vlm.model import Blip2
from sightline.vlm.spans import Timeline
from sightline.vlm.weights import Tokenizer, embedded

CANDIDATES_AT_ONCE = 64
"""Batch size of ranking: texts in one pass through the language model."""


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    """How answers are written: decoding, whether and how to say where the model looked, who hears the tokens."""

    how: Decoding
    method: Method | None = None
    on_token: OnToken | None = None


@dataclass(frozen=True)
class Rows:
    """One batch: what every answer is about."""

    pictures: Sequence[Picture]
    """N different ones."""
    of: Sequence[int]
    """Which picture each of the B rows is about."""
    prompts: Sequence[str]
    """B, for the language model."""
    questions: Sequence[str] | None
    """B, for the bridge of instruction-aware models."""
    said: Sequence[Sequence[str]] | None = None
    """B, what of each prompt users wrote: special tokens in it are plain text; none: a program wrote it all."""


@dataclass(frozen=True)
class Seen:
    """Patch features of a batch's pictures and how they lie on them."""

    patches_NPD: Tensor
    grid: PatchGrid


@dataclass(frozen=True)
class Spoken:
    """A batch's answers: `num_return_sequences` a row, with where the model looked for each."""

    written: list[list[Written]]
    looked: list[list[Looked | None]]
    input_tokens: list[int]
    """Of each row."""


class Author(Protocol):
    """Writes answers: a language model behind its bridge, or a Q-Former by itself."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Of what it writes."""
        ...

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        ...

    def see(self, pictures: Sequence[Picture], timeline: Timeline) -> Seen:
        """Encodes every picture once."""
        ...

    def write(self, rows: Rows, seen: Seen, options: WriteOptions, timeline: Timeline) -> Spoken:
        """The answers of one batch."""
        ...


@dataclass(frozen=True)
class Writer:
    """The model with what is needed to feed it."""

    model: Blip2
    preprocess: Preprocess
    tokenizer: Tokenizer
    text_tokenizer: Tokenizer | None

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        return self.model.writer.eos_ids

    def see(self, pictures: Sequence[Picture], timeline: Timeline) -> Seen:
        """Encodes every picture once."""
        return see(self.model, self.preprocess, pictures, timeline)

    def write(self, rows: Rows, seen: Seen, options: WriteOptions, timeline: Timeline) -> Spoken:
        """The answers of one batch."""
        how, method = options.how, options.method
        asked = Replayed(
            seen, self._of(rows, seen), self.questions(rows.questions), self.tokens(rows.prompts, rows.said)
        )
        self._check_length(asked.prompt, how)
        with torch.no_grad():
            logits_BV, state, lengths = self._read(asked, timeline)
            with timeline.step("decode", beams=how.num_beams) as facts:
                written = decode(self.model.writer, logits_BV, state, how, options.on_token)
                facts["tokens"] = max(len(one.tokens) for row in written for one in row)
        looked: list[list[Looked | None]] = [[None] * len(row) for row in written]
        if method is not None:
            with timeline.step("looked", method=method):
                looked = self._look(rows, asked, written, method)
        return Spoken(written, looked, lengths)

    def rank(self, rows: Rows, seen: Seen, texts: Sequence[str], *, ending: bool = True) -> Tensor:
        """Summed log-probability `[B, M]` of each of M texts as the whole answer of each row.

        Image and prompt are prefilled once a row; the texts continue that KV cache, `CANDIDATES_AT_ONCE` together.
        `ending` counts the EOS token behind a text, so that none wins as the beginning of a longer one.
        """
        asked = Replayed(
            seen, self._of(rows, seen), self.questions(rows.questions), self.tokens(rows.prompts, rows.said)
        )
        with torch.no_grad():
            logits_BV, state, _ = self._read(asked, Timeline())
        return self.rank_after(logits_BV, state, texts, ending=ending)

    def rank_after(self, logits_BV: Tensor, state: State, texts: Sequence[str], *, ending: bool = True) -> Tensor:
        """The same after prefixes that were prefilled."""
        device = self.model.spot("language").device
        many = [
            self.candidates(texts[at : at + CANDIDATES_AT_ONCE], ending=ending)
            for at in range(0, len(texts), CANDIDATES_AT_ONCE)
        ]
        with torch.no_grad():
            scores = [
                self._rank_one(logits_BV[row], state.select(torch.tensor([row], device=device)), *some)
                for row in range(len(logits_BV))
                for some in many
            ]
        return torch.cat(scores).view(len(logits_BV), -1)

    def candidates(self, texts: Sequence[str], *, ending: bool = True) -> tuple[Tensor, Tensor]:
        """Texts as answers, an EOS token at the end of each if `ending`, `[M, T]`, and their mask."""
        end = self.model.writer.eos_ids[:1] if ending else ()
        rows = [[*self.tokenizer.encode(f" {text}", special=False, literal=True), *end] for text in texts]
        targets = Text.padded(rows, self.model.writer.pad_id).to(self.model.spot("language").device)
        return targets.tokens_BL, targets.mask_BL

    def _rank_one(self, logits_V: Tensor, state: State, targets_MT: Tensor, mask_MT: Tensor) -> Tensor:
        """Log-probabilities `[M]` of M texts after one row's prefix."""
        many = len(targets_MT)
        rows = state.select(torch.zeros(many, dtype=torch.long, device=logits_V.device))
        logits_MTV = self.model.writer.follow(targets_MT, logits_V.expand(many, -1), rows)
        gains_MT = logits_MTV.float().log_softmax(2).gather(2, targets_MT[:, :, None])[:, :, 0]
        return (gains_MT * mask_MT).sum(1)

    def _of(self, rows: Rows, seen: Seen) -> Tensor:
        return torch.tensor(rows.of, device=seen.patches_NPD.device)

    def _read(self, asked: "Replayed", timeline: Timeline) -> tuple[Tensor, State, list[int]]:
        """Logits `[B, V]` of the first token, the KV cache of image and prompt, prefix positions of each row."""
        prompt, question = asked.prompt, asked.question
        queries = self._bridge(asked.seen, asked.of_B, question, timeline)
        with timeline.step("prefill") as facts:
            logits_BV, state = self._prefill(queries, asked.of_B, question is None, prompt)
            facts["prefix_tokens"] = queries.shape[1] + prompt.mask_BL.shape[1]
        lengths = (prompt.mask_BL.sum(1) + queries.shape[1]).tolist()
        return logits_BV, state, [int(length) for length in lengths]

    def tokens(self, prompts: Sequence[str], said: Sequence[Sequence[str]] | None = None) -> Text:
        """Prompts for the language model, `[B, L]`; `said` is what of each users wrote, piece by piece."""
        users = [()] * len(prompts) if said is None else said
        ids = [self._ids(prompt, texts) for prompt, texts in zip(prompts, users, strict=True)]
        text = Text.padded(ids, self.tokenizer.pad_id, left=not self.model.writer.is_encoder_decoder)
        return text.to(self.model.spot("language").device)

    def _ids(self, prompt: str, said: Sequence[str]) -> list[int]:
        """Tokens of one prompt; special tokens are read as such where a template has them, never where a user has.

        Raises `InputError` where both have them, and for a token that the language model has no embedding of.
        """
        written = {text: token for text in said if (token := self.tokenizer.names_special(text)) is not None}
        form = prompt
        for text in said:
            form = form.replace(text, "", 1) if text in written else form
        if written and self.tokenizer.names_special(form) is not None:
            text, token = next(iter(written.items()))
            raise InputError(f"{text!r} has {token!r} in it, a special token, as the template has: write it otherwise")
        ids = self.tokenizer.encode(prompt, literal=bool(written))
        most = embedded(self.model.writer)
        if (odd := next((token for token in ids if token >= most), None)) is not None:
            name = self.tokenizer.backend.id_to_token(odd)
            raise InputError(
                f"the tokenizer reads {name!r} as token {odd}, the language model embeds {most}: "
                "leave it out, or load the tokenizer that the model was trained with"
            )
        return ids

    def questions(self, questions: Sequence[str] | None) -> Text | None:
        """Questions for the bridge, `[B, L]`; none where it reads none."""
        if questions is None:
            return None
        if self.text_tokenizer is None:
            raise InputError(
                "this model's Q-Former reads the instruction, and its tokenizer is missing: put it into the folder "
                "(qformer_tokenizer/ in Hugging Face's layout, text_tokenizer.json in Sightline's)"
            )
        question = self.text_tokenizer.batch(questions, literal=True)
        most = getattr(getattr(self.model.bridge, "config", None), "positions", question.mask_BL.shape[1])
        if question.mask_BL.shape[1] > most:
            raise InputError(f"a question of {question.mask_BL.shape[1]} tokens, the bridge reads {most}: shorten it")
        return question.to(self.model.spot("bridge").device)

    def _check_length(self, prompt: Text, how: Decoding) -> None:
        """A clear error instead of an index beyond the language model's learned positions."""
        language = self.model.writer
        architecture = getattr(getattr(language, "config", None), "architecture", {})
        most = None if language.is_encoder_decoder else architecture.get("max_position_embeddings")
        needed = self.model.bridge.queries + prompt.mask_BL.shape[1] + how.max_new_tokens
        if most is not None and needed > most:
            raise InputError(
                f"image, prompt and max_new_tokens={how.max_new_tokens} need {needed} positions, "
                f"the language model has {most}: shorten the prompt or the answer"
            )

    def _bridge(self, seen: Seen, of_B: Tensor, question: Text | None, timeline: Timeline) -> Tensor:
        """Query outputs: a row an image without questions, a row an answer with them."""
        with timeline.step("bridge") as facts:
            patches = seen.patches_NPD if question is None else seen.patches_NPD[of_B]
            queries: Tensor = self.model.bridge(patches, question)
            facts["rows"], facts["queries"] = queries.shape[0], queries.shape[1]
        return queries

    def _prefill(self, queries: Tensor, of_B: Tensor, shared: bool, prompt: Text) -> tuple[Tensor, State]:
        """Prefix caching: prefills each image's soft prompt once, then the words of every row on top of its KV cache.

        Encoder-decoders read both at once, as their encoder is bidirectional.
        """
        language = self.model.writer
        few = len(queries) < len(of_B)  # images that several rows ask about
        if shared and few and not language.is_encoder_decoder and prompt.tokens_BL.shape[1]:
            soft, mask = self.model.prefix(queries)
            _, state = language.prefill(soft, mask)
            words = language.embed(prompt.tokens_BL).to(soft.dtype)
            return language.prefill(words, prompt.mask_BL, state.select(of_B.to(soft.device)))
        rows = queries[of_B] if shared else queries
        return language.prefill(*self.model.prefix(rows, prompt.tokens_BL, prompt.mask_BL))

    def _look(
        self, rows: Rows, asked: "Replayed", written: list[list[Written]], method: Method
    ) -> list[list[Looked | None]]:
        times = len(written[0])
        shown = [picture.shown(self.preprocess) for picture in rows.pictures]
        images = [shown[at] for at in rows.of for _ in range(times)]
        again = torch.arange(len(written), device=asked.of_B.device).repeat_interleave(times)
        flat = [one.tokens for row in written for one in row]
        replay = Replay(
            patches_BPD=asked.seen.patches_NPD[asked.of_B][again],
            question=None if asked.question is None else asked.question.rows(again),
            prompt=asked.prompt.rows(again),
            answers=flat,
            words=[split_words(tokens, self.tokenizer.decode) for tokens in flat],
        )
        maps = look(self.model, replay, asked.seen.grid, method)
        found = [
            Looked(method, tuple(map(WordMap, [word.text for word in words], grids)), image=image)
            for words, grids, image in zip(replay.words, maps, images, strict=True)
        ]
        return [list(found[at : at + times]) for at in range(0, len(found), times)]


@dataclass(frozen=True)
class Replayed:
    """What a batch was answered from."""

    seen: Seen
    of_B: Tensor
    question: Text | None
    prompt: Text


def see(model: Blip2, preprocess: Preprocess, pictures: Sequence[Picture], timeline: Timeline) -> Seen:
    """Encodes every picture once."""
    with timeline.step("preprocess", images=len(pictures)) as facts:
        pixels_NCHW = to_pixels(pictures, preprocess)
        facts["height"], facts["width"] = pixels_NCHW.shape[2:]
    where = model.spot("encoder")
    with timeline.step("vision_encoder", images=len(pictures)) as facts, torch.no_grad():
        patches_NPD = model.see(pixels_NCHW.to(where.device, where.dtype))
        grid = model.encoder.grid(*pixels_NCHW.shape[2:])
        facts["patches"] = patches_NPD.shape[1]
    return Seen(patches_NPD, grid)
