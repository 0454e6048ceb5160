"""SentencePiece's `tokenizer.model`, as folders of Llama and Vicuna have it that nobody converted: read without its
library, as the protobuf it is, into the same BPE.

Only what a language model's folder needs: BPE with byte fallback. Unigram models (T5's) come with a `tokenizer.json`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import AddedToken, decoders, models, normalizers, processors
from tokenizers import Tokenizer as Backend

from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.tokenizer import Tokenizer

FILE = "tokenizer.model"
PIECES, TRAINER, NORMALIZER = 1, 2, 3
"""Fields of the model: its pieces, how it was trained, how it normalises."""
UNKNOWN, CONTROL, USER = 2, 3, 4
"""Types of a piece that is not written as its text."""
BPE = 2
"""Type of a model that merges pairs."""
SPACE = "▁"
"""What SentencePiece writes for a space."""


@dataclass
class Pieces:
    """What a file says."""

    texts: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    model: int = 1
    byte_fallback: bool = False
    bos: int = 1
    unknown: int = 0
    leads_with_space: bool = True


def read_sentencepiece(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.model`, BOS in front of every text; raises `CheckpointError` for what is no BPE."""
    try:
        pieces = _pieces(path.read_bytes())
    except (OSError, ValueError, IndexError, struct.error) as problem:
        raise CheckpointError(f"{path} cannot be read as a SentencePiece model: {problem}") from problem
    if not pieces.texts or pieces.model != BPE:
        raise CheckpointError(f"{path} is no SentencePiece model of type BPE: put the model's tokenizer.json beside it")
    return Tokenizer(_backend(pieces), pieces.unknown)


def _backend(pieces: Pieces) -> Backend:
    ids = {text: at for at, text in enumerate(pieces.texts)}
    unknown, bos = pieces.texts[pieces.unknown], pieces.texts[pieces.bos]
    backend = Backend(
        models.BPE(ids, _merges(pieces, ids), unk_token=unknown, fuse_unk=True, byte_fallback=pieces.byte_fallback)
    )
    spaces: list[normalizers.Normalizer] = [normalizers.Prepend(SPACE)] if pieces.leads_with_space else []
    backend.normalizer = normalizers.Sequence([*spaces, normalizers.Replace(" ", SPACE)])
    strip = [decoders.Strip(" ", 1, 0)] if pieces.leads_with_space else []
    backend.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    special = [text for text, kind in zip(pieces.texts, pieces.kinds, strict=True) if kind in (UNKNOWN, CONTROL, USER)]
    backend.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in special])
    backend.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, pieces.bos)]
    )
    return backend


def _merges(pieces: Pieces, ids: dict[str, int]) -> list[tuple[str, str]]:
    """Every way to make a piece of two others, the best-scored piece first: what BPE merges in turn."""
    found: list[tuple[float, int, int, str, str]] = []
    for text, score in zip(pieces.texts, pieces.scores, strict=True):
        for at in range(1, len(text)):
            left, right = text[:at], text[at:]
            if left in ids and right in ids:
                found.append((-score, ids[left], ids[right], left, right))
    return [(left, right) for *_, left, right in sorted(found)]


def _pieces(body: bytes) -> Pieces:
    pieces = Pieces()
    for number, value in _fields(body):
        if number == PIECES and isinstance(value, bytes):
            told = dict(_fields(value))
            text, score, kind = told.get(1, b""), told.get(2, b"\0\0\0\0"), told.get(3, 1)
            if isinstance(text, bytes) and isinstance(score, bytes) and isinstance(kind, int):
                pieces.texts.append(text.decode())
                pieces.scores.append(struct.unpack("<f", score)[0])
                pieces.kinds.append(kind)
        elif number == TRAINER and isinstance(value, bytes):
            told = dict(_fields(value))
            pieces.model, pieces.byte_fallback = _number(told.get(3, 1)), bool(_number(told.get(35, 0)))
            pieces.unknown, pieces.bos = _number(told.get(40, 0)), _number(told.get(41, 1))
        elif number == NORMALIZER and isinstance(value, bytes):
            pieces.leads_with_space = bool(_number(dict(_fields(value)).get(3, 1)))
    return pieces


def _number(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0


def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: numbers as they are, all else as bytes."""
    at = 0
    while at < len(body):
        key, at = _varint(body, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(body, at)
            yield key >> 3, value
            continue
        size, at = _varint(body, at) if kind == 2 else ({5: 4, 1: 8}.get(kind, 0), at)
        if not size and kind != 2:
            raise ValueError(f"a field of wire type {kind}")
        if at + size > len(body):
            raise ValueError("it ends in the middle of a field")
        yield key >> 3, body[at : at + size]
        at += size


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
