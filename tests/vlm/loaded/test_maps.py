"""Maps of where the model looked, as a user holds them: by word, on a picture, as arrays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.vlm.decoding import LookedError
from sightline.vlm.loaded import Looked, WordMap
from sightline.vlm.loaded.looked import method_of


def one_hot(at: int) -> np.ndarray:
    grid = np.zeros((2, 3), np.float32)
    grid.flat[at] = 1
    return grid


LOOKED = Looked("attention", (WordMap("red", one_hot(1)), WordMap("three", one_hot(5)), WordMap("red", one_hot(0))))


def test_a_map_is_found_by_place_or_by_the_first_word_of_that_text() -> None:
    assert LOOKED.map(1).argmax() == 5
    assert LOOKED.map(-1).argmax() == 0
    assert LOOKED.map("red").argmax() == 1
    assert LOOKED.words[1].peak == (1, 2)


def test_without_a_word_the_map_is_the_mean_of_all_or_that_of_the_whole() -> None:
    np.testing.assert_allclose(LOOKED.map(), (one_hot(0) + one_hot(1) + one_hot(5)) / 3)
    whole = Looked("gradient", LOOKED.words, one_hot(3))
    assert whole.map().argmax() == 3


@pytest.mark.parametrize("word", ["blue", 3, -4])
def test_a_word_that_is_not_there_is_answered_with_those_that_are(word: int | str) -> None:
    with pytest.raises(LookedError, match="it has red, three, red"):
        LOOKED.map(word)


def test_an_answer_without_words_has_no_map() -> None:
    with pytest.raises(LookedError, match="the answer has no words"):
        Looked("attention", ()).map()


def test_maps_that_came_without_their_image_ask_for_it() -> None:
    with pytest.raises(LookedError, match=r"give it, overlay\(image\)"):
        LOOKED.overlay()
    assert LOOKED.overlay(Image.new("RGB", (30, 20)), "three").size == (30, 20)


def test_saved_arrays_are_read_back_without_pickle(tmp_path: Path) -> None:
    LOOKED.save_arrays(tmp_path / "maps.npz")
    with np.load(tmp_path / "maps.npz", allow_pickle=False) as arrays:
        assert arrays["words"].tolist() == ["red", "three", "red"]
        assert arrays["grids"].shape == (3, 2, 3)
        assert "whole" not in arrays


@pytest.mark.parametrize(("asked", "method"), [(None, None), (False, None), (True, "gradient"), ("attention",) * 2])
def test_true_asks_for_gradients_and_false_for_nothing(asked: str | bool | None, method: str | None) -> None:
    assert method_of(asked) == method
