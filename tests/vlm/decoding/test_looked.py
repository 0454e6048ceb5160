"""Where the model looked: the patch that carries a word is where its map peaks; words are found in any tokenizer."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sightline.vlm.bridges.protocol import Attention, Text
from sightline.vlm.decoding import LookedError, Replay, Word, check_method, look, split_words
from sightline.vlm.decoding.overlay import colour_scale, overlay, sheet
from sightline.vlm.encoders.protocol import PatchGrid
from sightline.vlm.model import Blip2

WIDTH = 8
GRID = PatchGrid(rows=3, cols=4, leading=1)


class OpenBridge(nn.Module):
    """Two queries, two heads, every patch attended to alike."""

    patch_width = width = WIDTH
    queries = 2

    def forward(self, patches_BPD: Tensor, text: Text | None = None, attention: Attention | None = None) -> Tensor:
        rows, places = patches_BPD.shape[:2]
        weights_BHQP = (patches_BPD.sum(2) * 0)[:, None, None].expand(rows, 2, 2, places).softmax(3)
        if attention is not None:
            attention.layers.append(weights_BHQP)
        return weights_BHQP.mean(1) @ patches_BPD


class PointingBridge(OpenBridge):
    """Each query attends to one place only."""

    places = (5, 9)

    def forward(self, patches_BPD: Tensor, text: Text | None = None, attention: Attention | None = None) -> Tensor:
        weights_BHQP = torch.zeros(len(patches_BPD), 2, 2, patches_BPD.shape[1])
        for query, place in enumerate(self.places):
            weights_BHQP[:, :, query, 1 + place] = 1.0
        if attention is not None:
            attention.layers.append(weights_BHQP)
        return weights_BHQP.mean(1) @ patches_BPD


class ReadingLanguage(nn.Module):
    """Word v is the likelier the more of direction v the prefix holds."""

    width = vocab_size = WIDTH
    is_encoder_decoder, bos_id, eos_ids, pad_id = False, None, (0,), 0

    def embed(self, tokens_BL: Tensor) -> Tensor:
        return torch.eye(WIDTH)[tokens_BL]

    def logits(self, prefix_BLE: Tensor, mask_BL: Tensor, targets_BT: Tensor) -> Tensor:
        return prefix_BLE.mean(1, keepdim=True).expand(-1, targets_BT.shape[1], -1)


class NoEncoder(nn.Module):
    width = WIDTH


def open_model() -> Blip2:
    project = nn.Linear(WIDTH, WIDTH)
    nn.init.eye_(project.weight)
    nn.init.zeros_(project.bias)
    model = Blip2(NoEncoder(), nn.LayerNorm(WIDTH), OpenBridge(), project, ReadingLanguage())
    return model.requires_grad_(False)


def replay() -> Replay:
    """Two images; in the first, word 3 is written in patch 5 and word 6 in patch 9; in the second, 4 in patch 2."""
    patches = torch.zeros(2, 1 + GRID.rows * GRID.cols, WIDTH)
    for row, patch, word in ((0, 5, 3), (0, 9, 6), (1, 2, 4)):
        patches[row, 1 + patch, word] = 1.0
    words = [[Word("three", [0]), Word("six", [1])], [Word("four", [0])]]
    return Replay(patches, None, None, [[3, 6, 0], [4, 0]], words)


def test_the_gradient_map_of_a_word_peaks_where_the_word_is() -> None:
    first, second = look(open_model(), replay(), GRID, "gradient")
    assert [int(each.argmax()) for each in (*first, *second)] == [5, 9, 2]
    assert first[0].shape == (3, 4)
    assert first[0][:, :3] == pytest.approx(np.outer([1, 2, 1], [1, 2, 1]) / 16)  # patch 5, smoothed


def test_the_attention_map_is_what_the_bridge_attended_to() -> None:
    first, _ = look(open_model(), replay(), GRID, "attention")
    even = np.outer([3, 4, 3], [3, 4, 4, 3])  # every patch alike, and nothing beyond the edge
    np.testing.assert_allclose(first[0], even / even.sum(), rtol=1e-5)
    np.testing.assert_allclose(first[0], first[1], rtol=1e-5)


def test_the_attention_map_follows_the_queries_that_resemble_the_word() -> None:
    model = open_model()
    model.bridge = PointingBridge()
    patches = torch.zeros(1, 13, WIDTH)
    for query, word in ((0, 3), (1, 6)):
        patches[0, 1 + PointingBridge.places[query], word] = 1.0
    asked = Replay(patches, None, None, [[3, 6]], [[Word("three", [0]), Word("six", [1])]])
    (maps,) = look(model, asked, GRID, "attention")
    assert [int(each.argmax()) for each in maps] == list(PointingBridge.places)


def test_a_word_that_nothing_mattered_for_gets_an_even_map() -> None:
    nothing = Replay(torch.zeros(1, 13, WIDTH), None, None, [[2]], [[Word("two", [0])]])
    np.testing.assert_allclose(look(open_model(), nothing, GRID, "gradient")[0][0], np.full((3, 4), 1 / 12), rtol=1e-5)


def test_an_answer_without_words_has_no_maps() -> None:
    assert look(open_model(), Replay(torch.zeros(1, 13, WIDTH), None, None, [[0]], [[]]), GRID, "gradient") == [[]]


def test_an_unknown_method_lists_the_known() -> None:
    assert check_method("gradient") == "gradient"
    with pytest.raises(LookedError, match="the methods are gradient, attention"):
        check_method("saliency")


def test_words_are_found_by_what_each_token_adds() -> None:
    pieces = ["un", "believ", "able", " fish", ",", " ", "ok", ""]

    def joined(tokens: list[int]) -> str:
        return "".join(pieces[token] for token in tokens).strip()

    words = split_words(range(8), joined)
    assert [(word.text, word.places) for word in words] == [
        ("unbelievable", [0, 1, 2]),
        ("fish,", [3, 4]),
        ("ok", [5, 6]),
    ]


def test_half_a_character_waits_for_its_other_half() -> None:
    pieces = [b"caf", "é".encode()[:1], "é".encode()[1:], b" noir"]

    def joined(tokens: list[int]) -> str:
        return b"".join(pieces[token] for token in tokens).decode(errors="replace")

    assert [(word.text, word.places) for word in split_words(range(4), joined)] == [("café", [0, 1, 2]), ("noir", [3])]


def test_the_colour_scale_gets_lighter_evenly() -> None:
    linear = ((colour_scale() / 255 + 0.055) / 1.055) ** 2.4
    lightness = np.cbrt(linear @ [0.2126, 0.7152, 0.0722])
    steps = np.diff(lightness).reshape(-1, 15).sum(1)
    assert (steps > 0).all()
    assert steps.max() < 2.5 * steps.min()


def test_an_overlay_colours_the_hot_place_most() -> None:
    grey = Image.new("RGB", (40, 30), (100, 100, 100))
    grid = np.zeros((3, 4), dtype=np.float32)
    grid[0, 3] = 1
    drawn = overlay(grey, grid, opacity=0.8)
    change = np.abs(np.asarray(drawn, float) - 100).sum(2)
    row, column = np.unravel_index(change.argmax(), change.shape)
    assert (row < 10, column >= 30) == (True, True)
    assert overlay(grey, grid, opacity=0).tobytes() == grey.tobytes()
    assert sheet([("a", drawn)] * 7).size == (6 * 256, 2 * (256 + 22))
