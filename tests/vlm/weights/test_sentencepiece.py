"""A folder with SentencePiece's `tokenizer.model` only, as Vicuna's is published, is read without its library."""

import struct
from pathlib import Path

import pytest

from sightline.vlm.weights import CheckpointError
from sightline.vlm.weights.huggingface import read_tokenizer

SPECIAL = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
BYTES = [(f"<0x{byte:02X}>", 6) for byte in range(256)]
MERGED = ["▁a", "re", "▁re", "▁red", "ed"]
LETTERS = ["▁", "a", "r", "e", "d"]


def varint(value: int) -> bytes:
    body = bytearray()
    while value > 127:
        body.append(value & 127 | 128)
        value >>= 7
    return bytes([*body, value])


def message(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def model(kind: int = 2) -> bytes:
    """A small BPE: its best merge first, then letters, as SentencePiece numbers them."""
    ordered = [*SPECIAL, *BYTES, *((text, 1) for text in [*MERGED, *LETTERS])]
    pieces = [
        message(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", -at) + varint(3 << 3) + varint(each)
        for at, (text, each) in enumerate(ordered)
    ]
    trainer = varint(3 << 3) + varint(kind) + varint(35 << 3) + varint(1)
    return (
        b"".join(message(1, piece) for piece in pieces) + message(2, trainer) + message(3, varint(3 << 3) + varint(1))
    )


def test_words_are_merged_best_first_and_the_rest_is_bytes(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(model())
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer is not None
    pieces = [tokenizer.backend.id_to_token(each) for each in tokenizer.encode("a red é")]
    assert pieces == ["<s>", "▁a", "▁red", "▁", "<0xC3>", "<0xA9>"]
    assert tokenizer.decode(tokenizer.encode("a red é")) == "a red é"
    assert tokenizer.encode("a") == [1, tokenizer.id("▁a")]


@pytest.mark.parametrize(
    ("body", "words"),
    [(model(kind=1), "no SentencePiece model of type BPE"), (b"", "type BPE"), (model()[:-3], "cannot be read")],
)
def test_what_is_no_such_model_is_refused(tmp_path: Path, body: bytes, words: str) -> None:
    (tmp_path / "tokenizer.model").write_bytes(body)
    with pytest.raises(CheckpointError, match=words):
        read_tokenizer(tmp_path)
