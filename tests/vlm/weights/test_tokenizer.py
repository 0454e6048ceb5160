"""Tokenizers give the ids that transformers gives for the same files, and pad where the model wants it."""

import json
from pathlib import Path
from typing import Any

import pytest
from random_models import word_tokenizer
from tokenizers import Tokenizer as Backend
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoTokenizer, BertTokenizer, GPT2Tokenizer, T5Tokenizer

from sightline import vlm
from sightline.vlm.weights import CheckpointError, Tokenizer
from sightline.vlm.weights.huggingface import read_tokenizer

BYTES = {token: at for at, token in enumerate(["<s>", "<pad>", "</s>", *sorted(ByteLevel.alphabet()), "Ġa"])}
PIECES = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁a", -1.0), ("▁red", -2.0), ("▁", -3.0)]
WORDPIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "three", "##s"]
OPT: dict[str, Any] = {
    "bos_token": "</s>",
    "eos_token": "</s>",
    "unk_token": "</s>",
    "pad_token": "<pad>",
    "add_bos_token": True,
}


def opt() -> Any:
    return GPT2Tokenizer(vocab=BYTES, merges=[("Ġ", "a")], **OPT)


def t5() -> Any:
    return T5Tokenizer(vocab=PIECES)


def bert() -> Any:
    return BertTokenizer(vocab={token: at for at, token in enumerate(WORDPIECES)})


@pytest.mark.parametrize("kind", [opt, t5, bert])
@pytest.mark.parametrize("text", ["a red", "", "a a a red"])
def test_ids_are_those_of_transformers(kind: Any, text: str, tmp_path: Path) -> None:
    theirs = kind()
    theirs.save_pretrained(tmp_path)
    ours = read_tokenizer(tmp_path)
    assert ours is not None
    assert ours.encode(text) == theirs(text).input_ids
    assert ours.encode(text, special=False) == theirs(text, add_special_tokens=False).input_ids
    assert ours.decode(ours.encode(text)) == text
    assert ours.pad_id == theirs.pad_token_id


def test_the_older_layout_of_two_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps(BYTES))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nĠ a\n")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer", **OPT}))
    ours = read_tokenizer(tmp_path)
    assert ours is not None
    assert ours.encode("a red a") == AutoTokenizer.from_pretrained(tmp_path)("a red a").input_ids
    assert ours.encode("")[0] == BYTES["</s>"]


def test_a_folder_without_tokenizer_files_has_none(tmp_path: Path) -> None:
    assert read_tokenizer(tmp_path) is None


def test_padding_stands_on_the_side_asked_for() -> None:
    words = word_tokenizer()
    right, left = words.batch(["a red three", "a"]), words.batch(["a red three", "a"], pad="left")
    assert right.mask_BL.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert left.mask_BL.tolist() == [[1, 1, 1, 1], [0, 0, 1, 1]]
    assert right.tokens_BL[1].tolist() == [*words.encode("a"), words.pad_id, words.pad_id]
    assert left.tokens_BL[1].tolist() == [words.pad_id, words.pad_id, *words.encode("a")]


def test_a_long_text_loses_words_and_keeps_its_special_tokens(tmp_path: Path) -> None:
    bert().save_pretrained(tmp_path)
    words = read_tokenizer(tmp_path)
    assert words is not None
    whole = words.encode("a red red three")
    assert words.encode("a red red three", max_length=4) == [*whole[:3], whole[-1]]
    assert words.encode("a red", max_length=9) == words.encode("a red")
    assert words.batch(["a red red three", "a"], max_length=4).tokens_BL.shape == (2, 4)


def test_a_saved_tokenizer_is_read_back_with_its_padding(tmp_path: Path) -> None:
    words = Tokenizer(word_tokenizer().backend, pad_id=2)
    words.save(tmp_path / "tokenizer.json")
    back = Tokenizer.from_file(tmp_path / "tokenizer.json")
    assert back.pad_id == 2
    assert back.encode("which digit is red ?") == words.encode("which digit is red ?")


def test_no_texts_make_an_empty_batch() -> None:
    assert word_tokenizer().batch([]).tokens_BL.shape == (0, 0)


def test_a_pad_token_the_file_lacks_is_refused(tmp_path: Path) -> None:
    word_tokenizer().save(tmp_path / "tokenizer.json")
    with pytest.raises(CheckpointError, match=r"has no token '\[PAD\]' to pad with"):
        Tokenizer.from_file(tmp_path / "tokenizer.json", pad_token="[PAD]")


@pytest.mark.parametrize("text", ["a </s> red", "</s>", "a red<pad></s>", "a <extra_id_0> red"])
def test_literal_text_has_no_special_token_of_a_unigram_vocabulary(text: str, tmp_path: Path) -> None:
    t5().save_pretrained(tmp_path)
    ours = read_tokenizer(tmp_path)
    assert ours is not None
    specials = {at for at, token in ours.backend.get_added_tokens_decoder().items() if token.special} - {2}  # <unk>
    assert specials & set(ours.encode(text, special=False))
    assert not specials & set(ours.encode(text, special=False, literal=True))
    assert ours.encode("a red", literal=True) == ours.encode("a red")


def test_literal_text_has_no_special_token_that_is_a_word_of_the_vocabulary() -> None:
    shipped = vlm.load("sightline-tiny").checkpoint.tokenizer
    assert shipped is not None
    assert shipped.encode("a </s> red") == [2, *shipped.encode("a", special=False), 3, shipped.id("red")]
    assert 3 not in shipped.encode("a </s> red", literal=True)
    assert shipped.unknown("a </s> red zebra") == ["</s>", "zebra"]


def test_literal_text_has_no_special_token_that_merges_make() -> None:
    pieces = ["</s>", "<", "/", "s", ">", "</", "s>", "<unk>"]
    merges = [("<", "/"), ("s", ">"), ("</", "s>")]
    backend = Backend(BPE({piece: at for at, piece in enumerate(pieces)}, merges, unk_token="<unk>"))
    backend.add_special_tokens(["</s>"])
    ours = Tokenizer(backend, 0)
    assert ours.encode("s</s>") == [3, 0]
    assert ours.encode("s</s>", literal=True) == [3, 5, 6]
