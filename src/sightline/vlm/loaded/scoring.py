"""Scores and features from the first stage's heads: matching, contrast, and embeddings.

Shapes: N images, M texts, P patches of width D, Q queries of width Z, K contrast width, L tokens.
"""

from collections.abc import Sequence
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
        """Patch features `[N, P, D]`."""
        where, some = self.model.spot("encoder"), range(0, len(pictures), PAIRS_AT_ONCE)
        pixels = (to_pixels(pictures[at : at + PAIRS_AT_ONCE], self.preprocess) for at in some)
        with torch.no_grad():
            return torch.cat([self.model.see(each.to(where.device, where.dtype)) for each in pixels])

    def match(self, patches_NPD: Tensor, texts: list[str]) -> Matches:
        """Every image with every text."""
        bridge, words = self._bridge(), self.tokens(texts)
        itc_NM = self.cosines(patches_NPD, words)
        with torch.no_grad():
            logits_NM2 = torch.stack([self._match(bridge, patches_PD[None], words) for patches_PD in patches_NPD])
        return Matches(logits_NM2.softmax(2)[:, :, 1], itc_NM)

    def similarity(self, patches_NPD: Tensor, words: Text, k: int) -> Similarity:
        """Matching logit plus cosine for the `k` best of each image and of each text by cosine (paper, section 4.4)."""
        if k < 1:
            raise InputError(f"k={k}: re-rank at least one")
        bridge = self._bridge()
        itc_NM = self.cosines(patches_NPD, words)
        to_text_NM, to_image_MN = torch.full_like(itc_NM, UNSEEN), torch.full_like(itc_NM.T, UNSEEN)
        with torch.no_grad():
            for image, cosines_M in enumerate(itc_NM):
                best_K = cosines_M.topk(min(k, len(cosines_M))).indices
                logits_K = self._match(bridge, patches_NPD[image : image + 1], _rows(words, best_K))[:, 1]
                to_text_NM[image, best_K] = logits_K + cosines_M[best_K]
            for text, cosines_N in enumerate(itc_NM.T):
                best_K = cosines_N.topk(min(k, len(cosines_N))).indices
                logits_K = self._match(bridge, patches_NPD[best_K], _rows(words, best_K.new_full(best_K.shape, text)))
                to_image_MN[text, best_K] = logits_K[:, 1] + cosines_N[best_K]
        return Similarity(to_text_NM, to_image_MN)

    def cosines(self, patches_NPD: Tensor, words: Text) -> Tensor:
        """Best cosine `[N, M]` over an image's queries of every image with every text."""
        bridge = self._bridge()
        images = self.embed_images(patches_NPD).projected
        if images is None or bridge.text_contrast is None:
            raise InputError("this checkpoint has no contrastive heads: load a retrieval checkpoint")
        with torch.no_grad():
            words_MK = bridge.contrast_texts(bridge.text_features(words))
        return torch.einsum("nqk,mk->nmq", images, words_MK).amax(2)

    def _match(self, bridge: QFormer, patches_BPD: Tensor, words: Text) -> Tensor:
        """Matching logits `[M, 2]` of M texts with one image, whose keys and values are made once, or with M images."""
        return torch.cat(
            [
                bridge.match(
                    patches_BPD if len(patches_BPD) == 1 else patches_BPD[at : at + PAIRS_AT_ONCE],
                    Text(words.tokens_BL[at : at + PAIRS_AT_ONCE], words.mask_BL[at : at + PAIRS_AT_ONCE]),
                ).float()
                for at in range(0, len(words.tokens_BL), PAIRS_AT_ONCE)
            ]
        )

    def embed_images(self, patches_NPD: Tensor) -> Features:
        """Query outputs, and their unit vectors where the checkpoint has the head."""
        with torch.no_grad():
            queries_NQZ = self.model.bridge(patches_NPD)
            bridge = self.model.bridge
            has_head = isinstance(bridge, QFormer) and bridge.image_contrast is not None
            return Features(queries_NQZ, self._bridge().contrast_images(queries_NQZ) if has_head else None)

    def embed_texts(self, texts: list[str]) -> Features:
        """First-token outputs, and their unit vectors where the checkpoint has the head."""
        bridge = self._bridge()
        with torch.no_grad():
            words_MZ = bridge.text_features(self.tokens(texts))
            return Features(words_MZ, bridge.contrast_texts(words_MZ) if bridge.text_contrast is not None else None)

    def embed_pairs(self, patches_BPD: Tensor, texts: list[str]) -> Features:
        """Query outputs after reading image and text together."""
        with torch.no_grad():
            return Features(self._bridge()(patches_BPD, self.tokens(texts)), None)

    def classify(self, patches_NPD: Tensor, labels: list[str]) -> Classes:
        """Soft-max of image-text cosines over the learned temperature."""
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
        text = self.tokenizer.batch(texts)
        device = self.model.spot("bridge").device
        return Text(text.tokens_BL.to(device), text.mask_BL.to(device))


def _rows(text: Text, rows_R: Tensor) -> Text:
    return Text(text.tokens_BL[rows_R], text.mask_BL[rows_R])
