"""What a generation gives back."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """One answer in tokens."""

    tokens: tuple[int, ...]
    """New tokens without padding; the last is the ending token unless the answer was cut."""
    logprobs: tuple[float, ...]
    """The model's own log-probability of each token, before penalties and temperature."""
    score: float
    """What ranked it: beam search's length-normalised score, else the sum of `logprobs`."""


OnToken = Callable[[int, int, float], None]
"""Called with (row, token, log-probability) the moment a token is chosen."""
