"""The Q-Former's three masks leak nothing, its heads are where the config puts them, and misuse says what to do."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sightline.vlm.bridges import Attention, QFormer, QFormerConfig, Text
from sightline.vlm.bridges.qformer import causal_mask

CONFIG = QFormerConfig(
    patch_width=20,
    width=24,
    layers=4,
    heads=4,
    mlp_width=48,
    queries=6,
    vocab_size=40,
    positions=16,
    contrast_width=8,
    matching=True,
    captioning=True,
)
QUERIES_ONLY = replace(CONFIG, vocab_size=None, contrast_width=None, matching=False, captioning=False)


@pytest.fixture
def qformer() -> QFormer:
    model = CONFIG.build().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.2)
    return model


@pytest.fixture
def patches_BPD() -> Tensor:
    return torch.randn(2, 9, 20)


@pytest.fixture
def text() -> Text:
    tokens_BL = torch.randint(1, 40, (2, 7))
    mask_BL = torch.ones_like(tokens_BL)
    mask_BL[1, 5:] = 0
    return Text(tokens_BL, mask_BL)


def changed(text: Text, at: int) -> Text:
    """The same text with another word at one place."""
    tokens_BL = text.tokens_BL.clone()
    tokens_BL[:, at] = (tokens_BL[:, at] + 1) % 40
    return Text(tokens_BL, text.mask_BL)


def joint(qformer: QFormer, patches_BPD: Tensor, text: Text) -> Tensor:
    """All positions of a captioning pass, queries first."""
    mask = causal_mask(qformer.queries, text.mask_BL)
    return qformer._run(qformer._join(patches_BPD, text), qformer.queries, patches_BPD, mask, None)


def test_a_caption_word_cannot_see_the_words_after_it(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    before = qformer.caption_logits(patches_BPD, text)
    after = qformer.caption_logits(patches_BPD, changed(text, 3))
    torch.testing.assert_close(before[:, :3], after[:, :3], atol=1e-5, rtol=0)
    assert (before[:, 3:] - after[:, 3:]).abs().amax((0, 2)).min() > 1e-3


def test_queries_cannot_see_the_caption(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    alone = qformer(patches_BPD)
    torch.testing.assert_close(joint(qformer, patches_BPD, text)[:, :6], alone, atol=1e-5, rtol=0)


def test_a_caption_word_sees_the_image(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    seen = qformer.caption_logits(patches_BPD, text)
    other = qformer.caption_logits(patches_BPD.flip(0), text)
    assert (seen - other).abs().max() > 1e-3


def test_captioning_equals_continuing_word_by_word(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    whole = qformer.caption_logits(patches_BPD, text)
    for length in range(1, 8):
        shorter = Text(text.tokens_BL[:, :length], text.mask_BL[:, :length])
        torch.testing.assert_close(qformer.caption_logits(patches_BPD, shorter), whole[:, :length], atol=1e-5, rtol=0)


def test_matching_sees_everything_both_ways(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    before = qformer(patches_BPD, text)
    assert (before - qformer(patches_BPD, changed(text, 4))).abs().max() > 1e-3
    assert (before - qformer(patches_BPD.flip(0), text)).abs().max() > 1e-3
    assert qformer.match(patches_BPD, text).shape == (2, 2)


def test_contrastive_features_come_from_separate_passes(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    images_BQK = qformer.contrast_images(qformer(patches_BPD))
    texts_BK = qformer.contrast_texts(qformer.text_features(text))
    torch.testing.assert_close(images_BQK.norm(dim=-1), torch.ones(2, 6))
    torch.testing.assert_close(texts_BK.norm(dim=-1), torch.ones(2))
    alone = qformer.text_features(Text(text.tokens_BL[1:], text.mask_BL[1:]))
    torch.testing.assert_close(qformer.contrast_texts(alone), texts_BK[1:], atol=1e-5, rtol=0)


def test_padding_is_never_seen(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    short = Text(text.tokens_BL[1:, :5], text.mask_BL[1:, :5])
    one = patches_BPD[1:]
    torch.testing.assert_close(qformer.text_features(text)[1:], qformer.text_features(short), atol=1e-5, rtol=0)
    torch.testing.assert_close(qformer.match(patches_BPD, text)[1:], qformer.match(one, short), atol=1e-5, rtol=0)
    captions = qformer.caption_logits(patches_BPD, text)
    torch.testing.assert_close(captions[1:, :5], qformer.caption_logits(one, short), atol=1e-5, rtol=0)


def test_attention_of_every_crossing_layer_is_collected(qformer: QFormer, patches_BPD: Tensor) -> None:
    attention = Attention()
    queries_BQZ = qformer(patches_BPD, attention=attention)
    torch.testing.assert_close(queries_BQZ, qformer(patches_BPD), atol=1e-5, rtol=0)
    assert [tuple(layer.shape) for layer in attention.layers] == [(2, 4, 6, 9)] * 2
    gradients = torch.autograd.grad(queries_BQZ.square().sum(), attention.layers)
    assert all(gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize(("every", "crossing"), [(1, [0, 1, 2, 3]), (2, [0, 2]), (3, [0, 3])])
def test_cross_attention_is_in_every_so_manieth_layer(every: int, crossing: list[int]) -> None:
    layers = replace(CONFIG, cross_every=every).build().layers
    assert [index for index, layer in enumerate(layers) if layer.cross is not None] == crossing


def test_a_second_stage_bridge_holds_no_text_weights() -> None:
    names = QUERIES_ONLY.build().state_dict()
    assert not [name for name in names if "text" in name or "captioning" in name or "matching" in name]


def test_dropout_acts_while_training_only(qformer: QFormer, patches_BPD: Tensor) -> None:
    assert torch.equal(qformer(patches_BPD), qformer(patches_BPD))
    qformer.train()
    assert not torch.equal(qformer(patches_BPD), qformer(patches_BPD))


def test_weights_start_small() -> None:
    fresh = replace(CONFIG, width=192, heads=4, mlp_width=384).build()
    assert fresh.query_tokens.std().item() == pytest.approx(0.02, rel=0.1)
    assert fresh.layers[0].attention.qkv.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert fresh.temperature is not None
    assert fresh.temperature.item() == pytest.approx(0.07)


def test_one_image_serves_many_texts(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    seen = Attention()
    shared = qformer(patches_BPD[:1], text)
    torch.testing.assert_close(shared, qformer(patches_BPD[:1].repeat(2, 1, 1), text))
    torch.testing.assert_close(shared, qformer(patches_BPD[:1], text, seen))
    assert len(seen.layers[0]) == 2


def test_misuse_says_what_does_not_fit(qformer: QFormer, patches_BPD: Tensor, text: Text) -> None:
    bare = QUERIES_ONLY.build()
    with pytest.raises(ValueError, match="patch features are 21 wide, this Q-Former reads 20"):
        qformer(torch.randn(2, 9, 21))
    with pytest.raises(ValueError, match="3 images but 2 texts"):
        qformer(patches_BPD[:1].repeat(3, 1, 1), text)
    with pytest.raises(ValueError, match="no text side"):
        bare.text_features(text)
    with pytest.raises(ValueError, match="no matching head"):
        bare.match(patches_BPD, text)
    with pytest.raises(ValueError, match="no captioning head"):
        bare.caption_logits(patches_BPD, text)
    with pytest.raises(ValueError, match="no contrastive head"):
        bare.contrast_images(bare(patches_BPD))
    with pytest.raises(ValueError, match="text of 17 tokens, but the Q-Former has 16 positions"):
        qformer.text_features(Text(torch.ones(1, 17, dtype=torch.long), torch.ones(1, 17)))
    with pytest.raises(ValueError, match="a text of no tokens has no feature"):
        qformer.text_features(Text(torch.ones(1, 0, dtype=torch.long), torch.ones(1, 0)))


def test_rows_of_ids_are_padded_on_the_side_that_is_asked_for() -> None:
    right, left = Text.padded([[5, 6, 7], [8]], 0), Text.padded([[5, 6, 7], [8]], 0, left=True)
    assert right.tokens_BL.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert left.tokens_BL.tolist() == [[5, 6, 7], [0, 0, 8]]
    assert (right.mask_BL.tolist(), left.mask_BL.tolist()) == ([[1, 1, 1], [1, 0, 0]], [[1, 1, 1], [0, 0, 1]])
    assert right.rows(torch.tensor([1, 1])).tokens_BL.tolist() == [[8, 0, 0]] * 2
    assert Text.padded([], 0).tokens_BL.shape == (0, 0)
