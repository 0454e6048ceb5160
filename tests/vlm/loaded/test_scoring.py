"""Retrieval scores and features of a loaded model: re-ranked by matching, batched, bounded in memory."""

from typing import Any

import pytest
import torch
from loaded_models import TEXTS, picture
from PIL import Image
from random_models import checkpoint, opt, t5

from sightline.vlm.loaded import Loaded
from sightline.vlm.loaded.scoring import COSINES_AT_ONCE, best_cosines


@pytest.fixture(params=["opt", "t5"])
def model(request: pytest.FixtureRequest) -> Loaded:
    return Loaded(checkpoint(opt() if request.param == "opt" else t5(), seed=3))


def test_retrieval_reranks_the_best_by_matching(model: Loaded) -> None:
    images = [picture(at) for at in range(3)]
    matches = model.match(images, TEXTS)
    logits = torch.stack([logit_of(model, image) for image in images])
    scores = model.similarity(images, TEXTS, k=2)
    for image in range(3):
        best = matches.itc[image].topk(2).indices
        expected = torch.full((5,), -100.0)
        expected[best] = logits[image, best] + matches.itc[image, best]
        torch.testing.assert_close(scores.image_to_text[image], expected, atol=1e-5, rtol=1e-5)
    for text in range(5):
        best = matches.itc[:, text].topk(2).indices
        expected = torch.full((3,), -100.0)
        expected[best] = logits[best, text] + matches.itc[best, text]
        torch.testing.assert_close(scores.text_to_image[text], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def logit_of(model: Loaded, image: Image.Image) -> torch.Tensor:
    """Matching logits of an image with every text, each pair in a pass of its own."""
    tokenizer = model.checkpoint.text_tokenizer
    assert tokenizer is not None
    patches = model.model.see(model.preprocess([image]))
    return torch.cat([model.model.bridge.match(patches, tokenizer.batch([text]))[:, 1] for text in TEXTS])


def test_reranking_more_than_there_are_is_reranking_all(model: Loaded) -> None:
    scores = model.similarity([picture(1), picture(2)], TEXTS, k=128)
    torch.testing.assert_close(scores.image_to_text, scores.text_to_image.T, atol=1e-5, rtol=1e-5)
    assert scores.image_to_text.min() > -100


def test_many_pairs_in_batches_score_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pictures = Loaded(checkpoint(None)), [picture(seed) for seed in range(5)]

    def scores() -> list[torch.Tensor]:
        match, both = model.match(pictures, TEXTS), model.similarity(pictures, TEXTS, k=3)
        pairs = model.embed(pictures, TEXTS, mode="multimodal").raw
        images, words = model.embed(pictures), model.embed(texts=TEXTS, mode="text")
        assert images.projected is not None
        assert words.projected is not None
        whole = torch.einsum("nqk,mk->nmq", images.projected, words.projected).amax(2)
        torch.testing.assert_close(match.itc, whole)
        return [match.itc, match.itm, both.image_to_text, both.text_to_image, images.raw, words.raw, pairs]

    together = scores()
    for name, few in (("PAIRS_AT_ONCE", 2), ("TEXTS_AT_ONCE", 3), ("COSINES_AT_ONCE", 24)):
        monkeypatch.setattr(f"sightline.vlm.loaded.scoring.{name}", few)
    for one, other in zip(scores(), together, strict=True):
        torch.testing.assert_close(one, other)


def test_a_block_of_cosines_is_bounded() -> None:
    images_NQK, texts_MK = torch.randn(300, 32, 8), torch.randn(1500, 8)
    blocks: list[int] = []
    einsum = torch.einsum

    def counted(*given: Any) -> torch.Tensor:
        made = einsum(*given)
        blocks.append(made.numel())
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "einsum", counted)
        best_NM = best_cosines(images_NQK, texts_MK)
    assert max(blocks) <= COSINES_AT_ONCE
    torch.testing.assert_close(best_NM, einsum("nqk,mk->nmq", images_NQK, texts_MK).amax(2))
