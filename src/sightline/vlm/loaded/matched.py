"""Where the model looked to match: the maps of every image with every text."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from sightline.vlm.bridges import QFormer, Text
from sightline.vlm.decoding import Method, Word, look_at_match, split_words
from sightline.vlm.encoders.protocol import PatchGrid
from sightline.vlm.loaded.inputs import InputError, Picture
from sightline.vlm.loaded.looked import Looked, WordMap
from sightline.vlm.loaded.scoring import Scorer
from sightline.vlm.weights import Tokenizer


def look_at_matches(
    scorer: Scorer, seen: tuple[Tensor, Sequence[Picture]], texts: list[str], place: tuple[PatchGrid, Method]
) -> list[list[Looked]]:
    """N lists of M, a pair at a time.

    `seen` are patches `[N, P, D]` and the N pictures, `place` is how patches lie on them, and how to find out.
    """
    bridge, tokenizer, (patches_NPD, pictures) = scorer.model.bridge, scorer.tokenizer, seen
    if not isinstance(bridge, QFormer) or tokenizer is None:
        raise InputError("this checkpoint has no text side in its Q-Former: load a retrieval checkpoint to match")
    read = [_read(tokenizer, text, patches_NPD) for text in texts]
    shown = [picture.shown(scorer.preprocess) for picture in pictures]
    return [
        [replace(_looked(bridge, patches_PD[None], *each, place), image=image) for each in read]
        for patches_PD, image in zip(patches_NPD, shown, strict=True)
    ]


def _looked(
    bridge: QFormer, patches_1PD: Tensor, text: Text, words: list[Word], place: tuple[PatchGrid, Method]
) -> Looked:
    whole, grids = look_at_match(bridge, patches_1PD, text, words, place)
    return Looked(place[1], tuple(WordMap(word.text, grid) for word, grid in zip(words, grids, strict=True)), whole)


def _read(tokenizer: Tokenizer, text: str, beside: Tensor) -> tuple[Text, list[Word]]:
    """A text's tokens and its words, without the special tokens around them."""
    tokens = tokenizer.batch([text], literal=True)
    ids = tokens.tokens_BL[0].tolist()
    words = [
        Word(word.text, [place for place in word.places if tokenizer.decode([ids[place]]).strip()])
        for word in split_words(ids, tokenizer.decode)
    ]
    return tokens.to(beside.device), words
