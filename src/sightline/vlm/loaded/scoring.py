"""Scores and features from the first stage's heads: matching, contrast, and embeddings.

Shapes: N images, M texts, P patches of width D, Q queries of width Z, K contrast width, L tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.vlm.bridges import QFormer, Text
from sightline.vlm.data.preprocess import Preprocess
from sightline.vlm.loaded.answers import Classes, Features, Matches
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
        bridge, words = self._bridge(), self._tokens(texts)
        images, words_MK = self.embed_images(patches_NPD).projected, self.embed_texts(texts).projected
        if images is None or words_MK is None:
            raise InputError("this checkpoint has no contrastive heads: load a retrieval checkpoint")
        itc_NM = torch.einsum("nqk,mk->nmq", images, words_MK).amax(2)
        with torch.no_grad():
            itm_NM = torch.stack([self._match_one(bridge, patches_PD, words) for patches_PD in patches_NPD])
        return Matches(itm_NM, itc_NM)

    def _match_one(self, bridge: QFormer, patches_PD: Tensor, words: Text) -> Tensor:
        """Match probabilities `[M]` of one image with all texts; its keys and values are made once for them."""
        rows = [
            bridge.match(patches_PD[None], Text(tokens, mask)).float().softmax(1)[:, 1]
            for tokens, mask in zip(
                torch.split(words.tokens_BL, PAIRS_AT_ONCE), torch.split(words.mask_BL, PAIRS_AT_ONCE), strict=True
            )
        ]
        return torch.cat(rows)

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
            words_MZ = bridge.text_features(self._tokens(texts))
            return Features(words_MZ, bridge.contrast_texts(words_MZ) if bridge.text_contrast is not None else None)

    def embed_pairs(self, patches_BPD: Tensor, texts: list[str]) -> Features:
        """Query outputs after reading image and text together."""
        with torch.no_grad():
            return Features(self._bridge()(patches_BPD, self._tokens(texts)), None)

    def classify(self, patches_NPD: Tensor, labels: list[str]) -> Classes:
        """Soft-max of image-text cosines over the learned temperature."""
        bridge = self._bridge()
        images, words_MK = self.embed_images(patches_NPD).projected, self.embed_texts(labels).projected
        if images is None or words_MK is None or bridge.temperature is None:
            raise InputError("this checkpoint has no contrastive heads: load a retrieval checkpoint")
        cosines_NM = torch.einsum("nqk,mk->nmq", images, words_MK).amax(2)
        return Classes(tuple(labels), (cosines_NM / bridge.temperature.detach()).softmax(1))

    def _bridge(self) -> QFormer:
        if not isinstance(self.model.bridge, QFormer):
            kind = type(self.model.bridge).__name__
            raise InputError(f"a {kind} has no text side: matching and text features need a Q-Former checkpoint")
        return self.model.bridge

    def _tokens(self, texts: list[str]) -> Text:
        if self.tokenizer is None:
            raise InputError("this checkpoint has no text side in its Q-Former: load a retrieval checkpoint to match")
        text = self.tokenizer.batch(texts)
        device = self.model.spot("bridge").device
        return Text(text.tokens_BL.to(device), text.mask_BL.to(device))
