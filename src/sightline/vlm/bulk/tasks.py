"""What can be done with many images: each task turns a batch of pictures into rows.

Shapes: N items, M texts or labels, Q queries of width Z, K contrast width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sightline.vlm.bulk.columns import ANSWERS, CAPTIONS, LABELS, MATCHES, vectors
from sightline.vlm.bulk.rows import Row
from sightline.vlm.data.sources import Item
from sightline.vlm.loaded import Answer, Features, InputError, Loaded
from sightline.vlm.loaded.inputs import Picture

Pictures = Sequence[Image.Image | Picture]
MODES = ("image", "text", "multimodal")
"""What can be embedded: images, texts, or pairs of both read together."""


class Task(Protocol):
    """A thing to do with every item."""

    @property
    def model(self) -> Loaded: ...

    @property
    def name(self) -> str:
        """What its results are called."""
        ...

    @property
    def columns(self) -> Mapping[str, str]:
        """Name and kind (`results.KINDS`) of every column."""
        ...

    @property
    def needs_images(self) -> bool: ...

    def settings(self) -> dict[str, Any]:
        """What its results depend on, JSON-ready: an unfinished job is resumed only with the same."""
        ...

    def rows(self, items: Sequence[Item], pictures: Pictures) -> list[list[Row]]:
        """The rows of each of N items, whose pictures are given."""
        ...


@dataclass(frozen=True, kw_only=True)
class Captions:
    """A caption an image."""

    model: Loaded
    prompt: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of decoding."""
    name: ClassVar[str] = "captions"
    columns: ClassVar[Mapping[str, str]] = CAPTIONS
    needs_images: ClassVar[bool] = True

    def settings(self) -> dict[str, Any]:
        return {"task": self.name, "model": self.model.name, "prompt": self.prompt, "options": dict(self.options)}

    def rows(self, items: Sequence[Item], pictures: Pictures) -> list[list[Row]]:
        answers = self.model.caption(list(pictures), self.prompt, **self.options)
        return [[{"image": item.name, **told(answer, "caption")}] for item, answer in zip(items, answers, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers about every image: to the same questions, or to the column `question` of its row."""

    model: Loaded
    questions: Sequence[str] = ()
    """Without any, each row of a table has its own."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of decoding."""
    name: ClassVar[str] = "answers"
    columns: ClassVar[Mapping[str, str]] = ANSWERS
    needs_images: ClassVar[bool] = True

    def settings(self) -> dict[str, Any]:
        return {
            "task": self.name,
            "model": self.model.name,
            "questions": list(self.questions),
            "options": dict(self.options),
        }

    def rows(self, items: Sequence[Item], pictures: Pictures) -> list[list[Row]]:
        if len(self.questions) > 1:  # one call an image, which encodes it once for all questions
            return [self._about(item, picture) for item, picture in zip(items, pictures, strict=True)]
        asked = list(self.questions) * len(items) or [text_of(item, "question") for item in items]
        answers = self.model.ask(list(pictures), asked, **self.options)
        return [[_answered(*each)] for each in zip(items, asked, answers, strict=True)]

    def _about(self, item: Item, picture: Image.Image | Picture) -> list[Row]:
        answers = self.model.ask(picture, list(self.questions), **self.options)
        return [_answered(item, *each) for each in zip(self.questions, answers, strict=True)]


@dataclass(frozen=True, kw_only=True)
class MatchScores:
    """How well every image goes with texts: the same for all, or the column `text` of its row."""

    model: Loaded
    texts: Sequence[str] = ()
    name: ClassVar[str] = "matches"
    columns: ClassVar[Mapping[str, str]] = MATCHES
    needs_images: ClassVar[bool] = True

    def settings(self) -> dict[str, Any]:
        return {"task": self.name, "model": self.model.name, "texts": list(self.texts)}

    def rows(self, items: Sequence[Item], pictures: Pictures) -> list[list[Row]]:
        if self.texts:
            return self._matched(items, pictures, list(self.texts))
        pairs = zip(items, pictures, strict=True)
        return [self._matched([item], [picture], [text_of(item, "text")])[0] for item, picture in pairs]

    def _matched(self, items: Sequence[Item], pictures: Pictures, texts: list[str]) -> list[list[Row]]:
        scores = self.model.match(list(pictures), texts)
        return [
            [
                {"image": item.name, "text": text, "itm": round(itm, 5), "itc": round(itc, 5)}
                for text, itm, itc in zip(texts, itm_M, itc_M, strict=True)
            ]
            for item, itm_M, itc_M in zip(items, scores.itm.tolist(), scores.itc.tolist(), strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The likeliest of a list of labels for every image, with all probabilities."""

    model: Loaded
    labels: Sequence[str]
    name: ClassVar[str] = "labels"
    columns: ClassVar[Mapping[str, str]] = LABELS
    needs_images: ClassVar[bool] = True

    def settings(self) -> dict[str, Any]:
        return {"task": self.name, "model": self.model.name, "labels": list(self.labels)}

    def rows(self, items: Sequence[Item], pictures: Pictures) -> list[list[Row]]:
        classes = self.model.classify(list(pictures), list(self.labels))
        return [
            [self._row(item, label, shares)]
            for item, label, shares in zip(items, classes.best, classes.probabilities.tolist(), strict=True)
        ]

    def _row(self, item: Item, best: str, shares: list[float]) -> Row:
        by_label = {label: round(share, 5) for label, share in zip(self.labels, shares, strict=True)}
        return {"image": item.name, "label": best, "probability": by_label[best], "probabilities": by_label}


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Embeddings of images, of a table's texts, or of its pairs of both."""

    model: Loaded
    mode: str = "image"
    """"image", "text" (column `text`) or "multimodal" (both)."""
    name: ClassVar[str] = "vectors"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"unknown mode {self.mode!r}: the modes are {', '.join(MODES)}")

    @property
    def columns(self) -> Mapping[str, str]:
        """`raw`: a vector a query (text: one); `projected`: unit vectors of the shared space, where there are any."""
        return vectors(self.mode)

    @property
    def needs_images(self) -> bool:
        return self.mode != "text"

    def settings(self) -> dict[str, Any]:
        return {"task": self.name, "model": self.model.name, "mode": self.mode}

    def rows(self, items: Sequence[Item], pictures: Pictures) -> list[list[Row]]:
        texts = None if self.mode == "image" else [text_of(item, "text") for item in items]
        found = self.model.embed(list(pictures) if self.needs_images else None, texts, self.mode)
        return [[self._row(item, at, found, texts)] for at, item in enumerate(items)]

    def _row(self, item: Item, at: int, found: Features, texts: list[str] | None) -> Row:
        row: Row = {"image": item.name} if self.needs_images else {}
        if texts is not None:
            row["text"] = texts[at]
        row["raw"] = _numbers(found.raw[at])
        if found.projected is not None:
            row["projected"] = _numbers(found.projected[at])
        return row


def told(answer: Answer, name: str) -> Row:
    """An answer as JSON values, its text under `name`."""
    return {
        name: answer.text,
        "tokens": list(answer.tokens),
        "logprobs": [round(each, 5) for each in answer.logprobs],
        "usage": {"input_tokens": answer.usage.input_tokens, "output_tokens": answer.usage.output_tokens},
        "finish": answer.finish,
        "trace_id": answer.trace_id,
    }


def text_of(item: Item, column: str) -> str:
    """A text column of the item's row; raises `InputError` when the row has none."""
    text = item.field(column)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{item.place} has no {column!r}: give one in the call, or a table with such a column")
    return text


def _answered(item: Item, question: str, answer: Answer) -> Row:
    return {"image": item.name, "question": question, **told(answer, "answer")}


def _numbers(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
