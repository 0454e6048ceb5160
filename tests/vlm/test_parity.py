"""The same weights in transformers and here give the same numbers (float32)."""

from pathlib import Path

import foreign_models as foreign
import pytest
import torch
from foreign_models import LANGUAGES, SHAPES, Shape
from torch import Tensor

from sightline.vlm.bridges import Text
from sightline.vlm.weights import read

TOLERANCE = 1e-5


def assert_same(ours: Tensor, theirs: Tensor) -> None:
    """Equal to 1e-5, a tenth of what is promised."""
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max().item() <= TOLERANCE


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def shape(request: pytest.FixtureRequest) -> Shape:
    return request.param


@torch.no_grad()
def test_every_stage_of_the_forward_pass_gives_the_same_features(shape: Shape, tmp_path: Path) -> None:
    theirs = foreign.plain(shape)
    ours = read(foreign.saved(theirs, tmp_path)).model
    pixels_BCHW = foreign.pixels(shape)
    patches_BPD = ours.see(pixels_BCHW)
    assert_same(patches_BPD, theirs.get_image_features(pixels_BCHW).last_hidden_state)
    queries_BQZ = ours.bridge(patches_BPD)
    assert_same(queries_BQZ, theirs.get_qformer_features(pixels_BCHW))
    assert_same(ours.speak(queries_BQZ), theirs.language_projection(theirs.get_qformer_features(pixels_BCHW)))


@pytest.mark.parametrize("language", LANGUAGES)
@torch.no_grad()
def test_a_model_that_writes_gives_the_same_logits(shape: Shape, language: str, tmp_path: Path) -> None:
    theirs = foreign.writing(shape, language)
    ours = read(foreign.saved(theirs, tmp_path)).model
    pixels_BCHW, prompt_BL, targets_BT = foreign.pixels(shape), foreign.prompt(shape), foreign.prompt(shape, 6)
    logits_BTV = ours(pixels_BCHW, targets_BT, Text(prompt_BL, torch.ones_like(prompt_BL)))
    if ours.writer.is_encoder_decoder:
        starts_B1 = torch.zeros(shape.batch, 1, dtype=torch.long)
        out = theirs(
            pixel_values=pixels_BCHW,
            input_ids=foreign.foreign_prompt(shape, prompt_BL),
            decoder_input_ids=torch.cat([starts_B1, targets_BT[:, :-1]], 1),
        )
        assert_same(logits_BTV, out.logits)
    else:
        words_BL = torch.cat([prompt_BL, targets_BT], 1)
        out = theirs(pixel_values=pixels_BCHW, input_ids=foreign.foreign_prompt(shape, words_BL))
        assert_same(logits_BTV, out.logits[:, -7:-1])


@pytest.mark.parametrize("language", ["opt", "t5"])
@torch.no_grad()
def test_the_plain_model_class_gives_the_same_logits(shape: Shape, language: str, tmp_path: Path) -> None:
    theirs = foreign.plain(shape, language)
    ours = read(foreign.saved(theirs, tmp_path)).model
    pixels_BCHW, targets_BT = foreign.pixels(shape), foreign.prompt(shape, 6)
    logits_BTV = ours(pixels_BCHW, targets_BT, Text(targets_BT[:, :2], torch.ones(shape.batch, 2)))
    asked = {"pixel_values": pixels_BCHW, "input_ids": foreign.foreign_prompt(shape, targets_BT[:, :2])}
    if language == "opt":
        asked["input_ids"] = torch.cat([asked["input_ids"], targets_BT], 1)
        assert_same(logits_BTV, theirs(**asked).logits[:, -7:-1])
    else:
        starts_B1 = torch.zeros(shape.batch, 1, dtype=torch.long)
        out = theirs(**asked, decoder_input_ids=torch.cat([starts_B1, targets_BT[:, :-1]], 1))
        assert_same(logits_BTV, out.logits)


@torch.no_grad()
def test_padded_prompts_of_different_length_give_the_same_logits_as_each_alone(tmp_path: Path) -> None:
    shape = Shape(batch=2)
    theirs = foreign.writing(shape)
    ours = read(foreign.saved(theirs, tmp_path)).model
    pixels_BCHW, prompt_BL, targets_BT = foreign.pixels(shape), foreign.prompt(shape, 5), foreign.prompt(shape, 3)
    mask_BL = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 0, 1, 1]])
    together = ours(pixels_BCHW, targets_BT, Text(prompt_BL, mask_BL))
    words_BL = torch.cat([prompt_BL[1:, 3:], targets_BT[1:]], 1)
    alone = foreign.foreign_prompt(Shape(batch=1), words_BL)
    out = theirs(pixel_values=pixels_BCHW[1:], input_ids=alone)
    assert_same(together[1:], out.logits[:, -4:-1])


@torch.no_grad()
def test_contrastive_and_matching_scores_are_the_same(shape: Shape, tmp_path: Path) -> None:
    theirs = foreign.retrieval(shape)
    ours = read(foreign.saved(theirs, tmp_path)).model
    pixels_BCHW, tokens_BL = foreign.pixels(shape), foreign.prompt(shape, 7)
    mask_BL = torch.ones_like(tokens_BL)
    mask_BL[-1, 4:] = 0
    text = Text(tokens_BL, mask_BL)
    asked = {"pixel_values": pixels_BCHW, "input_ids": tokens_BL, "attention_mask": mask_BL}
    patches_BPD = ours.see(pixels_BCHW)
    itc = theirs(**asked)
    images_BQK = ours.bridge.contrast_images(ours.bridge(patches_BPD))
    texts_BK = ours.bridge.contrast_texts(ours.bridge.text_features(text))
    assert_same(images_BQK, itc.image_embeds)
    assert_same(texts_BK, itc.text_embeds)
    assert_same((images_BQK @ texts_BK.t()).amax(1), itc.logits_per_image)
    itm = theirs(**asked, use_image_text_matching_head=True)
    assert_same(ours.bridge.match(patches_BPD, text), itm.logits_per_image)


@pytest.mark.parametrize("side", [28, 56, 90, 112])
@torch.no_grad()
def test_positions_stretch_to_other_image_sizes_as_theirs_do(side: int, tmp_path: Path) -> None:
    theirs = foreign.plain(Shape())
    ours = read(foreign.saved(theirs, tmp_path)).model
    pixels_BCHW = foreign.pixels(Shape(), side)
    out = theirs.get_image_features(pixels_BCHW, interpolate_pos_encoding=True)
    assert_same(ours.see(pixels_BCHW), out.last_hidden_state)
