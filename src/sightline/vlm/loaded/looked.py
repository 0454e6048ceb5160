"""Where the model looked for each word of an answer, as a user holds it: maps, pictures, JSON."""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.vlm.data.images import ImageSource, read
from sightline.vlm.decoding import LookedError, Method, check_method
from sightline.vlm.decoding.overlay import overlay, sheet

WHOLE = "(all words)"
"""Label of the whole text's map on a contact sheet."""
DIGITS = 5
"""Decimals kept in spans and JSON."""


@dataclass(frozen=True, eq=False)
class WordMap:
    """One word and how much each patch mattered for it."""

    text: str
    grid: NDArray[np.float32]
    """`[rows, cols]`, not negative, sums to 1."""

    @property
    def peak(self) -> tuple[int, int]:
        """Row and column of the patch that mattered most."""
        row, column = divmod(int(self.grid.argmax()), self.grid.shape[1])
        return row, column


@dataclass(frozen=True, eq=False)
class Looked:
    """Where the model looked, word by word."""

    method: Method
    words: tuple[WordMap, ...]
    whole: NDArray[np.float32] | None = None
    """Of the text as a whole, where it is more than its words: a matched text. `[rows, cols]`, sums to 1."""
    image: Image.Image | None = field(default=None, repr=False)
    """What the model looked at: the part of the picture that its encoder sees."""

    def map(self, word: int | str | None = None) -> NDArray[np.float32]:
        """The grid of a word, by place or by text (its first occurrence); without one, of the whole or of all words."""
        if word is None and self.whole is not None:
            return self.whole
        if not self.words:
            raise LookedError("the answer has no words, so there is no map")
        if word is None:
            mean: NDArray[np.float32] = np.mean([each.grid for each in self.words], axis=0)
            return mean
        if isinstance(word, int) and -len(self.words) <= word < len(self.words):
            return self.words[word].grid
        for each in self.words:
            if each.text == word:
                return each.grid
        raise LookedError(f"no word {word!r} in the answer: it has {', '.join(each.text for each in self.words)}")

    def overlay(
        self, image: ImageSource | None = None, word: int | str | None = None, opacity: float = 0.6
    ) -> Image.Image:
        """The image, of its own size, under the heat of a word or the whole answer; none: what the model looked at."""
        return overlay(self._picture(image), self.map(word), opacity)

    def sheet(self, image: ImageSource | None = None, opacity: float = 0.6) -> Image.Image:
        """One picture with an overlay for every word, the whole first where there is one."""
        picture = self._picture(image)
        whole = [] if self.whole is None else [(WHOLE, overlay(picture, self.whole, opacity))]
        return sheet([*whole, *((each.text, overlay(picture, each.grid, opacity)) for each in self.words)])

    def _picture(self, image: ImageSource | None) -> Image.Image:
        if image is not None:
            return read(image)
        if self.image is None:
            raise LookedError("these maps came without their image: give it, overlay(image)")
        return self.image

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The maps as arrays: `words` `[W]`, `grids` `[W, rows, cols]`, and `whole` if there is one."""
        grids = np.stack([each.grid for each in self.words]) if self.words else np.zeros((0, 0, 0), np.float32)
        whole = {} if self.whole is None else {"whole": self.whole}
        return {"words": np.array([each.text for each in self.words]), "grids": grids, **whole}

    def save_arrays(self, path: str | PathLike[str]) -> None:
        """Writes `arrays()` as one .npz file."""
        with Path(path).open("wb") as file:
            np.savez(file, allow_pickle=False, **self.arrays())

    def to_dict(self) -> dict[str, Any]:
        """As JSON values: `{"method", "words": [{"text", "grid"}]}`, rounded."""
        words = [{"text": each.text, "grid": np.round(each.grid.astype(float), DIGITS).tolist()} for each in self.words]
        whole = {} if self.whole is None else {"whole": np.round(self.whole.astype(float), DIGITS).tolist()}
        return {"method": self.method, "words": words, **whole}


def method_of(looked: str | bool | None) -> Method | None:
    """The method that `looked` asks for: True is "gradient", False and None are none.

    Raises `LookedError` for a method that is not there.
    """
    if looked is None or looked is False:
        return None
    return check_method("gradient" if looked is True else looked)
