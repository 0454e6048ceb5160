"""Where the model looked to match: a word's map is what hiding the word takes away."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import checkpoint
from torch import Tensor, nn

from sightline.vlm.bridges import QFormer, QFormerConfig
from sightline.vlm.bridges.protocol import Attention, Text
from sightline.vlm.decoding import LookedError, Word, look_at_match
from sightline.vlm.encoders.protocol import PatchGrid
from sightline.vlm.loaded import Loaded

GRID = PatchGrid(rows=3, cols=4, leading=1)
PLACES = {3: 5, 6: 9}
"""Word → the patch it makes the bridge look at."""


class PointingBridge(QFormer):
    """Looks at the patch of every word it sees, and matches the better the more it finds there."""

    def __init__(self) -> None:
        super().__init__(
            QFormerConfig(patch_width=8, width=8, layers=1, heads=1, mlp_width=8, queries=1, vocab_size=10)
        )
        self.matching = nn.Linear(8, 2, bias=False)
        self.matching.weight = nn.Parameter(torch.stack([-torch.ones(8), torch.ones(8)]))
        self.requires_grad_(False)

    def forward(self, patches_BPD: Tensor, text: Text | None = None, attention: Attention | None = None) -> Tensor:
        assert text is not None
        weights_BHQP = (patches_BPD.sum(2) * 0)[:, None, None]
        seen = torch.zeros_like(weights_BHQP)
        for word, place in PLACES.items():
            seen[:, 0, 0, 1 + place] = ((text.tokens_BL == word) * text.mask_BL).sum(1).float()
        weights_BHQP = weights_BHQP + seen
        if attention is not None:
            attention.layers.append(weights_BHQP)
        return weights_BHQP.sum(1) @ patches_BPD


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8))


@pytest.mark.parametrize("method", ["gradient", "attention"])
def test_a_word_is_where_hiding_it_makes_the_bridge_look_away(method: str) -> None:
    text = Text(torch.tensor([[3, 1, 6]]), torch.ones(1, 3, dtype=torch.long))
    words = [Word("three", [0]), Word("and", [1]), Word("six", [2])]
    whole, maps = look_at_match(PointingBridge(), torch.ones(1, 13, 8), text, words, (GRID, method))  # type: ignore[arg-type]
    assert [int(maps[at].argmax()) for at in (0, 2)] == [5, 9]
    assert maps[0].sum() == pytest.approx(1)
    assert sorted(int(at) for at in whole.flatten().argsort()[-2:]) == [5, 9]
    np.testing.assert_allclose(maps[1], np.full((3, 4), 1 / 12), rtol=1e-5)  # nothing is lost with this word


@pytest.mark.parametrize("method", ["gradient", "attention"])
def test_every_pair_has_a_map_for_the_whole_and_for_every_word(method: str) -> None:
    model = Loaded(checkpoint(None, seed=3))
    texts = ["a red one", "two"]
    matches = model.match([picture(1), picture(2)], texts, looked=method)
    assert matches.looked is not None
    assert [[[word.text for word in each.words] for each in row] for row in matches.looked] == [
        [text.split() for text in texts]
    ] * 2
    for looked in (each for row in matches.looked for each in row):
        for grid in (looked.map(), *(word.grid for word in looked.words)):
            assert grid.shape == (4, 4)
            assert grid.sum() == pytest.approx(1, abs=1e-5)
            assert grid.min() >= 0
    torch.testing.assert_close(matches.itm, model.match([picture(1), picture(2)], texts).itm)


def test_maps_of_a_match_become_a_picture_arrays_and_json(tmp_path: Path) -> None:
    looked = Loaded(checkpoint(None, seed=3)).match(picture(1), "a red one", looked="gradient").looked
    assert looked is not None
    assert looked[0][0].overlay(picture(1)).size == (32, 32)
    assert looked[0][0].sheet(picture(1)).size == (4 * 256, 256 + 22)
    looked[0][0].save_arrays(tmp_path / "maps.npz")
    with np.load(tmp_path / "maps.npz") as arrays:
        assert arrays["words"].tolist() == ["a", "red", "one"]
        assert arrays["grids"].shape == (3, 4, 4)
        np.testing.assert_allclose(arrays["whole"], looked[0][0].map())
    assert np.shape(looked[0][0].to_dict()["whole"]) == (4, 4)


def test_no_maps_are_made_unless_asked_for_and_unknown_methods_are_refused() -> None:
    model = Loaded(checkpoint(None, seed=3))
    assert model.match(picture(1), "two").looked is None
    with pytest.raises(LookedError, match="the methods are gradient, attention"):
        model.match(picture(1), "two", looked="saliency")
