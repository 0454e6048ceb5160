"""Rows that cannot run together, as groups that can: of equal length without padding, or each row alone.

Shapes: B rows, L new positions, T target tokens, E embedding width, V vocabulary, R rows after a selection.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Part:
    """One group: which of the B rows it holds, and the state of each."""

    rows: tuple[int, ...]
    state: Any


@dataclass(frozen=True)
class Grouped:
    """The states of B rows, group by group. Immutable."""

    parts: tuple[Part, ...]
    alone: bool
    """Whether every row is a group."""

    def select(self, rows_R: Tensor) -> "Grouped":
        """The states of these rows, in this order, repeats allowed (beam reordering)."""
        wanted = rows_R.tolist()
        parts = []
        for part in self.parts:
            place = {row: at for at, row in enumerate(part.rows)}
            found = [(at, place[row]) for at, row in enumerate(wanted) if row in place]
            for some in [[each] for each in found] if self.alone else [found] if found else []:
                chosen = torch.tensor([local for _, local in some], device=rows_R.device)
                parts.append(Part(tuple(at for at, _ in some), part.state.select(chosen)))
        return Grouped(tuple(parts), self.alone)


def joined(gave: Sequence[Tensor], rows: Sequence[Sequence[int]]) -> Tensor:
    """Groups of rows in the rows' order."""
    order = torch.tensor([row for some in rows for row in some], device=gave[0].device)
    return torch.cat(list(gave))[order.argsort()]


def grouped(keys: Sequence[Any], alone: bool) -> Iterator[list[int]]:
    """Rows of the same key together, or each alone."""
    if alone:
        yield from ([row] for row in range(len(keys)))
        return
    groups: dict[Any, list[int]] = {}
    for row, key in enumerate(keys):
        groups.setdefault(key, []).append(row)
    yield from groups.values()


def stripped(inputs_BLE: Tensor, mask_BL: Tensor, rows: Sequence[int]) -> Tensor:
    """The positions `[R, real, E]` that are no padding of rows that have equally many."""
    return torch.stack([inputs_BLE[row][mask_BL[row].bool()] for row in rows])
