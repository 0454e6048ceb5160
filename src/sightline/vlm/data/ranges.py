"""Pictures of more than 8 bits: which part of their range becomes 0…255, and a word where it is not all of it.

A 12-bit X-ray in a 16-bit file would come out black, a float TIFF of thousands white: integers count by the bits that
their brightest value needs, other numbers by their own darkest and brightest.

Shapes: H × W pixels.
"""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOG = logging.getLogger(__name__)
ROWS_AT_ONCE = 256
"""Rows scaled at a time: bounds the memory of wide numbers."""


def to_8_bit(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Values `[H, W]` or `[H, W, C]` of integers or floats, scaled to 0…255 and rounded."""
    low, high = _window(values, name)
    scale = 255.0 / (high - low) if high > low else 0.0
    out = np.empty(values.shape, np.uint8)
    for at in range(0, len(values), ROWS_AT_ONCE):
        some = values[at : at + ROWS_AT_ONCE].astype(np.float64)
        if some.dtype.kind == "f":
            some = np.nan_to_num(some, nan=low, posinf=high, neginf=low)
        out[at : at + ROWS_AT_ONCE] = np.round((some.clip(low, high) - low) * scale)
    return out


def _window(values: NDArray[Any], name: str) -> tuple[float, float]:
    """What becomes black and what white."""
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        if low >= 0 and high <= 255.0:
            return 0.0, 1.0 if high <= 1.0 else 255.0
        return _said(name, low, high)
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > 65535:
        return _said(name, float(values.min()), float(high))
    bits = max(8, high.bit_length())
    if bits < 16:
        _say_once(f"{bits} bits", f"image {name} needs {bits} of its 16 bits: only these are scaled to 8")
    return 0.0, float(2**bits - 1)


def _said(name: str, low: float, high: float) -> tuple[float, float]:
    _say_once("window", f"image {name} has values from {low:g} to {high:g}: read with these as black and white")
    return low, high


_SAID: set[str] = set()
"""Kinds of ranges that a word was said about in this process: a folder of X-rays is no line an image."""


def _say_once(kind: str, told: str) -> None:
    if kind not in _SAID:
        _SAID.add(kind)
        LOG.warning(told)
