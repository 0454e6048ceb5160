"""From requests to answers: batched inference that shares images and prefixes, one generation span an answer.

Shapes: B rows (answers), M texts to choose from.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sightline.vlm import spans
from sightline.vlm.decoding import Decoding, OnToken, Written
from sightline.vlm.loaded.answers import Answer, Usage
from sightline.vlm.loaded.inputs import Picture
from sightline.vlm.loaded.looked import Looked
from sightline.vlm.loaded.writing import Author, Rows, Seen, Spoken, WriteOptions, Writer

ROWS_AT_ONCE = 32
"""Batch size: answers in one pass through the model."""


@dataclass(frozen=True, kw_only=True)
class Requests:
    """What is asked for, an entry an answer."""

    of: Sequence[int]
    """Which picture each is about."""
    prompts: Sequence[str]
    """What the language model reads."""
    asked: Sequence[str]
    """What the user wrote: for spans."""
    to_bridge: Sequence[str] | None = None
    """What the bridge of an instruction-aware model reads."""
    earlier: Sequence[str] = ()
    """What was said before, piece by piece, where every prompt begins with it."""

    def batches(self) -> Iterator[slice]:
        """Rows that run together."""
        return (slice(at, at + ROWS_AT_ONCE) for at in range(0, len(self.of), ROWS_AT_ONCE))


def answer(
    model: str,
    writer: Author,
    pictures: Sequence[Picture],
    requests: Requests,
    options: WriteOptions,
    seen: Seen | None = None,
) -> list[Answer]:
    """`num_return_sequences` answers for every row, row after row. What raises is in the spans, and raises.

    `seen` are the features of all pictures in order, where they were encoded before (a dialogue).
    """
    answers: list[Answer] = []
    seen_of: tuple[int, ...] = () if seen is None else tuple(range(len(pictures)))
    for batch in requests.batches():
        timeline = spans.Timeline()
        used = tuple(dict.fromkeys(requests.of[batch]))
        rows = _rows(pictures, requests, batch, used)
        generations = _opened(model, pictures, requests, batch, options.how)
        try:
            if seen is None or used != seen_of:  # one image with many questions is encoded in the first batch only
                seen, seen_of = writer.see(rows.pictures, timeline), used
            heard = replace(options, on_token=_offset(options.on_token, len(answers)))
            spoken = writer.write(rows, seen, heard, timeline)
        except Exception as error:
            for generation in generations:
                spans.record_failure(generation, timeline, error)
            raise
        answers += _closed(generations, spoken, writer, timeline)
    return answers


def rank(writer: Writer, pictures: Sequence[Picture], requests: Requests, texts: Sequence[str]) -> Tensor:
    """Log-probability `[B, M]` of each of M texts as the whole answer of each row."""
    scores = []
    for batch in requests.batches():
        rows = _rows(pictures, requests, batch, tuple(dict.fromkeys(requests.of[batch])))
        scores.append(writer.rank(rows, writer.see(rows.pictures, spans.Timeline()), texts))
    return torch.cat(scores)


def _rows(pictures: Sequence[Picture], requests: Requests, batch: slice, used: tuple[int, ...]) -> Rows:
    return Rows(
        pictures=[pictures[at] for at in used],
        of=[used.index(at) for at in requests.of[batch]],
        prompts=requests.prompts[batch],
        questions=None if requests.to_bridge is None else requests.to_bridge[batch],
        said=[(*requests.earlier, asked) for asked in requests.asked[batch]],
    )


def _offset(on_token: OnToken | None, before: int) -> OnToken | None:
    return None if on_token is None else lambda row, token, logprob: on_token(before + row, token, logprob)


def _opened(
    model: str, pictures: Sequence[Picture], requests: Requests, batch: slice, how: Decoding
) -> list[spans.Generation]:
    """A generation an answer; returned beams and repeated samples of one row each have their own."""
    request = request_attributes(how)
    return [
        spans.Generation(model, pictures[at].image, asked, request)
        for at, asked in zip(requests.of[batch], requests.asked[batch], strict=True)
        for _ in range(how.num_return_sequences)
    ]


def _closed(
    generations: list[spans.Generation], spoken: Spoken, writer: Author, timeline: spans.Timeline
) -> list[Answer]:
    lines = [
        (one, looked, tokens)
        for row, seen, tokens in zip(spoken.written, spoken.looked, spoken.input_tokens, strict=True)
        for one, looked in zip(row, seen, strict=True)
    ]
    return [
        _answer(generation, one, looked, Usage(tokens, len(one.tokens)), writer, timeline)
        for generation, (one, looked, tokens) in zip(generations, lines, strict=True)
    ]


def _answer(
    generation: spans.Generation,
    one: Written,
    looked: Looked | None,
    usage: Usage,
    writer: Author,
    timeline: spans.Timeline,
) -> Answer:
    generation.answer = writer.tokenizer.decode(one.tokens).strip()
    generation.finish = "stop" if one.tokens[-1] in writer.eos_ids else "length"
    generation.input_tokens, generation.output_tokens = usage.input_tokens, usage.output_tokens
    generation.looked = None if looked is None else looked.to_dict()
    ids = spans.record(generation, timeline)
    return Answer(
        text=generation.answer,
        tokens=one.tokens,
        logprobs=one.logprobs,
        score=one.score,
        usage=usage,
        finish=generation.finish,
        looked=looked,
        trace_id=ids.trace_id,
        span_id=ids.span_id,
        timings_ms=timeline.timings_ms(),
    )


def request_attributes(how: Decoding) -> dict[str, spans.Value]:
    """Options as span attributes: the standard's names where it has one, and only options that act."""
    plain = Decoding()
    attributes: dict[str, spans.Value] = {"gen_ai.request.max_tokens": how.max_new_tokens}
    if how.do_sample:
        attributes |= {"gen_ai.request.temperature": how.temperature, "gen_ai.request.top_p": how.top_p}
        attributes |= {"gen_ai.request.top_k": how.top_k} if how.top_k else {}
    if how.seed is not None:
        attributes["gen_ai.request.seed"] = how.seed
    if how.num_return_sequences > 1:
        attributes["gen_ai.request.choice.count"] = how.num_return_sequences
    for name in ("num_beams", "min_new_tokens", "length_penalty", "repetition_penalty"):
        if getattr(how, name) != getattr(plain, name):
            attributes[f"sightline.request.{name}"] = getattr(how, name)
    return attributes
