"""Copies and selections of what transformers keeps between steps: KV caches, recurrent states, tuples of tensors."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

GROWS = ("keys", "values", "indexer_keys")
"""Tensors of a cache's layer that appending replaces and never writes into, so that copies may share them."""


def copied(cache: Any, everything: bool = False) -> Any:
    """A copy that steps may write into while the original stays as it is.

    Keys and values are shared (copy-on-write) unless `everything` is asked for; recurrent and convolution states, which
    models update in place, never are.
    """
    return _walked(cache, lambda tensor: tensor.clone(), () if everything else GROWS)


def selected(cache: Any, rows_R: Tensor, rows: int, reorders: bool = True) -> Any:
    """The cache of these of its `rows` rows (beam reordering); each tensor may lie on a device of its own.

    `reorders`: by the cache's own method, if it has one; otherwise rows are the first dimension of every tensor.
    """

    if reorders and hasattr(cache, "reorder_cache"):
        twin = copied(cache)
        twin.reorder_cache(rows_R)
        return twin

    def select(tensor: Tensor) -> Tensor:
        if tensor.dim() == 0 or tensor.shape[0] != rows:
            return tensor
        return tensor[rows_R.to(tensor.device)]

    return _walked(cache, select, ())


def _walked(value: Any, change: Callable[[Tensor], Tensor], shared: tuple[str, ...]) -> Any:
    """The same structure with every tensor changed, but those under a `shared` name."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping) and not hasattr(value, "__dataclass_fields__"):
        twin = copy.copy(value)
        for key, each in value.items():
            twin[key] = _walked(each, change, shared)  # type: ignore[index]
        return twin
    if type(value) in (list, tuple):
        return type(value)(_walked(each, change, shared) for each in value)
    if not hasattr(value, "__dict__") or isinstance(value, type | torch.dtype | torch.device | torch.nn.Module):
        return value
    return _object(value, change, shared)


def _object(value: Any, change: Callable[[Tensor], Tensor], shared: tuple[str, ...]) -> Any:
    if type(value).__module__.partition(".")[0] not in ("transformers",):
        return value
    twin = copy.copy(value)
    for name, each in vars(value).items():
        if name not in shared and not name.startswith("__") and not _of_config(each):
            setattr(twin, name, _walked(each, change, shared))
    return twin


def _of_config(value: Any) -> bool:
    return hasattr(value, "model_type")
