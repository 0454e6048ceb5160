"""A Q-Former that writes, token by token, what one joint pass over the whole caption says."""

import pytest
import torch

from sightline.vlm.bridges import CaptionWriter, QFormerConfig, Text
from sightline.vlm.config import ModelError
from sightline.vlm.decoding import Decoding, decode

CONFIG = QFormerConfig(
    patch_width=24, width=32, layers=3, heads=4, mlp_width=48, queries=5, vocab_size=20, positions=16, captioning=True
)
START, END, PAD = 1, 2, 0


@pytest.fixture
def writer() -> CaptionWriter:
    bridge = CONFIG.build().eval().requires_grad_(False)
    for parameter in bridge.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return CaptionWriter(bridge, start_id=START, eos_id=END, pad_id=PAD)


def jointly(writer: CaptionWriter, patches_BPD: torch.Tensor, tokens_BL: torch.Tensor) -> torch.Tensor:
    return writer.bridge.caption_logits(patches_BPD, Text(tokens_BL, torch.ones_like(tokens_BL)))[:, -1]


@torch.no_grad()
def test_each_step_gives_the_logits_of_one_joint_pass(writer: CaptionWriter) -> None:
    patches_BPD, tokens_BL = torch.randn(2, 7, 24), torch.randint(3, 20, (2, 6))
    logits_BV, state = writer.begin(patches_BPD)
    so_far = torch.full((2, 1), START)
    for tokens_B in tokens_BL.T:
        torch.testing.assert_close(logits_BV, jointly(writer, patches_BPD, so_far), atol=1e-5, rtol=1e-5)
        logits_BV, state = writer.step(tokens_B, state)
        so_far = torch.cat([so_far, tokens_B[:, None]], 1)


@torch.no_grad()
def test_first_words_are_read_at_once(writer: CaptionWriter) -> None:
    patches_BPD = torch.randn(2, 7, 24)
    logits_BV, state = writer.begin(patches_BPD, (5, 6))
    torch.testing.assert_close(
        logits_BV, jointly(writer, patches_BPD, torch.tensor([[START, 5, 6]] * 2)), atol=1e-5, rtol=1e-5
    )
    assert state.words == 3


@torch.no_grad()
def test_beams_find_a_caption_at_least_as_likely_as_greedy_search(writer: CaptionWriter) -> None:
    patches_BPD = torch.randn(3, 7, 24)
    found = {}
    for beams in (1, 4):
        how = Decoding(num_beams=beams, max_new_tokens=8, length_penalty=0.0)
        found[beams] = [row[0] for row in decode(writer, *writer.begin(patches_BPD), how)]
    for greedy, beam in zip(found[1], found[4], strict=True):
        assert sum(beam.logprobs) >= sum(greedy.logprobs) - 1e-4


@torch.no_grad()
def test_the_image_is_projected_once_however_long_the_caption(writer: CaptionWriter) -> None:
    projected: list[int] = []
    for layer in writer.layers:
        if layer.cross is not None:
            layer.cross.kv.register_forward_pre_hook(lambda _, given: projected.append(len(given[0])))
    decode(writer, *writer.begin(torch.randn(1, 7, 24)), Decoding(max_new_tokens=6, min_new_tokens=6))
    assert projected == [1, 1]


def test_a_q_former_without_the_head_says_so() -> None:
    bare = QFormerConfig(patch_width=24, width=32, layers=1, heads=4, mlp_width=48, queries=5).build()
    with pytest.raises(ModelError, match="no captioning head: Hugging Face checkpoints drop it"):
        CaptionWriter(bare, start_id=START, eos_id=END, pad_id=PAD)


@torch.no_grad()
def test_a_caption_longer_than_the_positions_is_refused(writer: CaptionWriter) -> None:
    with pytest.raises(ModelError, match="17 tokens, but the Q-Former has 16 positions"):
        writer.begin(torch.randn(1, 7, 24), tuple(range(3, 19)))
