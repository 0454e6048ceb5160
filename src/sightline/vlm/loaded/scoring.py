"""Scores and features from the first stage's heads: matching (ITM), contrast (ITC), embeddings, re-ranked retrieval.

Shapes: N images, M texts, P patches of width D, Q queries of width Z, K contrast width, L tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.vlm.bridges import QFormer, Text
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.loaded.answers import UNSEEN, Classes, Features, Matches, Similarity
from sightline.vlm.loaded.inputs import InputError, Picture, to_pixels
from sightline.vlm.model import Blip2
from sightline.vlm.weights import Tokenizer

PAIRS_AT_ONCE = 64
"""Batch size: images, texts or pairs in one pass through encoder or bridge."""
COSINES_AT_ONCE = 2**22
"""Numbers (image × text × query) held at a time while the best query of each pair is found."""
TEXTS_AT_ONCE = 1024
"""Of them, columns at a time."""


@dataclass(frozen=True)
class Scorer:
    """The encoder and the bridge with its own text side."""

    model: Blip2
    preprocess: Preprocess
    tokenizer: Tokenizer | None

    @property
    def can_embed_texts(self) -> bool:
        """Whether the checkpoint has the contrastive heads and a text side."""
        bridge = self.model.bridge
        return isinstance(bridge, QFormer) and bridge.text_contrast is not None and self.tokenizer is not None

    def see(self, pictures: Sequence[Picture]) -> Tensor:
        """Patch features `[N, P, D]`, of more than one batch kept on the CPU."""
        where, some = self.model.spot("encoder"), range(0, len(pictures), PAIRS_AT_ONCE)
        pixels = (to_pixels(pictures[at : at + PAIRS_AT_ONCE], self.preprocess) for at in some)
        with torch.no_grad():
            seen = (self.model.see(each.to(where.device, where.dtype)) for each in pixels)
            return torch.cat([each.cpu() if len(some) > 1 else each for each in seen])

    def match(self, patches_NPD: Tensor, texts: list[str]) -> Matches:
        """Every image with every text."""
        bridge, words = self._bridge(), self.tokens(texts)
        itc_NM = self.cosines(patches_NPD, words)
        with torch.no_grad():
            logits_NM2 = torch.stack([self._match(bridge, patches_PD[None], words) for patches_PD in patches_NPD])
        return Matches(logits_NM2.softmax(2)[:, :, 1], itc_NM)

    def similarity(self, patches_NPD: Tensor, words: Text, k: int) -> Similarity:
        """Two-stage retrieval (paper, section 4.4): the `k` best by ITC cosine, re-ranked by ITM logit plus cosine.

        Raises `InputError` for `k` below 1, and without the heads.
        """
        if k < 1:
            raise InputError(f"k={k}: re-rank at least one")
        bridge = self._bridge()
        itc_NM = self.cosines(patches_NPD, words)
        to_text_NM, to_image_MN = torch.full_like(itc_NM, UNSEEN), torch.full_like(itc_NM.T, UNSEEN)
        with torch.no_grad():
            for image, cosines_M in enumerate(itc_NM):
                best_K = cosines_M.topk(min(k, len(cosines_M))).indices
                logits_K = self._match(bridge, patches_NPD[image : image + 1], words.rows(best_K))[:, 1]
                to_text_NM[image, best_K] = logits_K + cosines_M[best_K]
            for text, cosines_N in enumerate(itc_NM.T):
                for best_K in _split(cosines_N.topk(min(k, len(cosines_N))).indices):
                    same = words.rows(best_K.new_full(best_K.shape, text))
                    logits_K = self._match(bridge, patches_NPD[best_K.to(patches_NPD.device)], same)[:, 1]
                    to_image_MN[text, best_K] = logits_K + cosines_N[best_K]
        return Similarity(to_text_NM, to_image_MN)

    def cosines(self, patches_NPD: Tensor, words: Text) -> Tensor:
        """Best cosine `[N, M]` over an image's queries of every image with every text."""
        bridge = self._bridge()
        if bridge.image_contrast is None or bridge.text_contrast is None:
            raise InputError("this checkpoint has no contrastive heads: load a retrieval checkpoint")
        with torch.no_grad():
            words_MK = torch.cat([bridge.contrast_texts(bridge.text_features(some)) for some in _batches(words)])
            images_NQK = torch.cat([bridge.contrast_images(bridge(some)) for some in self._moved(patches_NPD)])
        return best_cosines(images_NQK, words_MK)

    def _match(self, bridge: QFormer, patches_BPD: Tensor, words: Text) -> Tensor:
        """Matching logits `[M, 2]` of M texts with one image, or with as many images: then `PAIRS_AT_ONCE` at most."""
        patches_BPD = patches_BPD.to(self.model.spot("bridge").device)
        return torch.cat([bridge.match(patches_BPD, some).float() for some in _batches(words)])

    def _moved(self, patches_NPD: Tensor) -> Iterator[Tensor]:
        """Patch features a batch at a time, where the bridge is."""
        device = self.model.spot("bridge").device
        return (some.to(device) for some in _split(patches_NPD))

    def embed_images(self, patches_NPD: Tensor) -> Features:
        """Query outputs, and their unit vectors where the checkpoint has the head."""
        with torch.no_grad():
            queries_NQZ = torch.cat([self.model.bridge(some) for some in self._moved(patches_NPD)])
            bridge = self.model.bridge
            has_head = isinstance(bridge, QFormer) and bridge.image_contrast is not None
            return Features(queries_NQZ, self._bridge().contrast_images(queries_NQZ) if has_head else None)

    def embed_texts(self, texts: list[str]) -> Features:
        """First-token outputs, and their unit vectors where the checkpoint has the head."""
        bridge = self._bridge()
        with torch.no_grad():
            words_MZ = torch.cat([bridge.text_features(some) for some in _batches(self.tokens(texts))])
            return Features(words_MZ, bridge.contrast_texts(words_MZ) if bridge.text_contrast is not None else None)

    def embed_pairs(self, patches_BPD: Tensor, texts: list[str]) -> Features:
        """Multimodal features: query outputs after reading image and text together."""
        bridge, batches = self._bridge(), _batches(self.tokens(texts))
        with torch.no_grad():
            pairs = zip(self._moved(patches_BPD), batches, strict=True)
            return Features(torch.cat([bridge(some, words) for some, words in pairs]), None)

    def classify(self, patches_NPD: Tensor, labels: list[str]) -> Classes:
        """Zero-shot classification: softmax of ITC cosines over the learned temperature."""
        cosines_NM = self.cosines(patches_NPD, self.tokens(labels))
        temperature = self._bridge().temperature
        if temperature is None:
            raise InputError("this checkpoint has no contrastive heads: load a retrieval checkpoint")
        return Classes(tuple(labels), (cosines_NM / temperature.detach()).softmax(1))

    def _bridge(self) -> QFormer:
        if not isinstance(self.model.bridge, QFormer):
            kind = type(self.model.bridge).__name__
            raise InputError(f"a {kind} has no text side: matching and text features need a Q-Former checkpoint")
        return self.model.bridge

    def tokens(self, texts: list[str]) -> Text:
        """Texts for the bridge, `[M, L]`."""
        if self.tokenizer is None:
            raise InputError("this checkpoint has no text side in its Q-Former: load a retrieval checkpoint to match")
        return self.tokenizer.batch(texts, literal=True).to(self.model.spot("bridge").device)


def best_cosines(images_NQK: Tensor, texts_MK: Tensor) -> Tensor:
    """Cosine `[N, M]` of the best of each image's queries with each text, a block of both at a time."""
    best_NM = images_NQK.new_empty(len(images_NQK), len(texts_MK))
    images_at_once = max(1, COSINES_AT_ONCE // (images_NQK.shape[1] * min(TEXTS_AT_ONCE, max(1, len(texts_MK)))))
    for left in range(0, len(texts_MK), TEXTS_AT_ONCE):
        texts = texts_MK[left : left + TEXTS_AT_ONCE]
        for top in range(0, len(images_NQK), images_at_once):
            cosines_nmQ = torch.einsum("nqk,mk->nmq", images_NQK[top : top + images_at_once], texts)
            best_NM[top : top + images_at_once, left : left + TEXTS_AT_ONCE] = cosines_nmQ.amax(2)
    return best_NM


def _batches(text: Text) -> Iterator[Text]:
    return map(Text, _split(text.tokens_BL), _split(text.mask_BL))


def _split(rows: Tensor) -> Iterator[Tensor]:
    return (rows[at : at + PAIRS_AT_ONCE] for at in range(0, len(rows), PAIRS_AT_ONCE))
