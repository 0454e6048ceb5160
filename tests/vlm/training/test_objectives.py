"""The losses of both stages behave as the paper says."""

import pytest
import torch

from sightline.vlm.bridges import QFormer, QFormerConfig, Text
from sightline.vlm.training import (
    captioning_loss,
    contrastive_loss,
    hard_negatives,
    language_loss,
    matching_loss,
    similarities,
)

WIDTH, WORDS = 16, 12


@pytest.fixture
def bridge() -> QFormer:
    config = QFormerConfig(
        patch_width=WIDTH, width=WIDTH, layers=2, heads=2, mlp_width=32, queries=3, vocab_size=WORDS, positions=8,
        contrast_width=8, matching=True, captioning=True, dropout=0.0,
    )  # fmt: skip
    return config.build()


@pytest.fixture
def text() -> Text:
    tokens = torch.tensor([[2, 5, 6, 7], [2, 8, 9, 0], [2, 10, 11, 4]])
    return Text(tokens, (tokens != 0).long())


def test_contrast_falls_when_pairs_agree():
    temperature = torch.tensor(0.07)
    aligned, mixed = torch.eye(6), torch.eye(6).roll(1, 0)
    assert contrastive_loss(aligned, temperature) < contrastive_loss(torch.zeros(6, 6), temperature)
    assert contrastive_loss(torch.zeros(6, 6), temperature) < contrastive_loss(mixed, temperature)


def test_contrast_is_smoothed():
    certain = contrastive_loss(torch.eye(6), torch.tensor(0.001))
    assert certain > 10  # certainty costs: a tenth of the target lies on the other pairs


def test_contrast_teaches_the_temperature():
    temperature = torch.tensor(0.07, requires_grad=True)
    contrastive_loss(torch.eye(4) * 0.2, temperature).backward()
    assert temperature.grad > 0


def test_similarity_is_that_of_the_best_query():
    images = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, -1.0]]])
    texts = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    assert similarities(images, texts).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_negative_is_never_a_match():
    same = torch.eye(5, dtype=torch.bool)
    same[0, 3] = same[3, 0] = True  # two equal captions
    logits = torch.randn(5, 5) + 50 * same
    for _ in range(50):
        drawn = hard_negatives(logits, same)
        assert not same[torch.arange(5), drawn].any()


def test_similar_negatives_are_drawn_more_often():
    logits = torch.tensor([[0.0, 4.0, 0.0]]).expand(300, -1)
    same = torch.tensor([[True, False, False]]).expand(300, -1)
    assert (hard_negatives(logits, same) == 1).float().mean() > 0.9


def test_a_batch_of_equal_pairs_is_refused():
    with pytest.raises(ValueError, match="batch of 2 equal pairs"):
        hard_negatives(torch.zeros(2, 2), torch.ones(2, 2, dtype=torch.bool))


def test_matching_and_captioning_reach_every_part_they_use(bridge, text):
    patches = torch.randn(3, 5, WIDTH)
    loss = matching_loss(bridge, patches, text, torch.zeros(3, 3), torch.eye(3, dtype=torch.bool))
    loss = loss + captioning_loss(bridge, patches, text, decode_id=1)
    loss.backward()
    untouched = {name for name, each in bridge.named_parameters() if each.grad is None}
    assert {name.partition(".")[0] for name in untouched} == {"image_contrast", "text_contrast", "temperature"}


def test_captioning_cannot_see_the_word_it_must_say(bridge, text):
    patches = torch.randn(3, 5, WIDTH)
    before = bridge.caption_logits(patches, text)
    changed = Text(text.tokens_BL.clone(), text.mask_BL)
    changed.tokens_BL[:, 2] = 1
    after = bridge.caption_logits(patches, changed)
    assert torch.allclose(before[:, :2], after[:, :2], atol=1e-6)
    assert not torch.allclose(before[:, 2], after[:, 2], atol=1e-6)


def test_padding_costs_nothing():
    logits = torch.randn(2, 3, WORDS)
    tokens = torch.tensor([[4, 5, 6], [7, 0, 0]])
    short = language_loss(logits, Text(tokens, torch.tensor([[1, 1, 1], [1, 0, 0]])))
    logits[1, 1:] += torch.randn(2, WORDS)
    again = language_loss(logits, Text(tokens, torch.tensor([[1, 1, 1], [1, 0, 0]])))
    assert torch.equal(short, again)
