"""How a benchmark says how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Hears what is being measured, how much of it is done, and of how much."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Hears nothing."""
