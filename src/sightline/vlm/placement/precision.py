"""Dtypes as users write them: torch's own or their names, one for the model or one for each part (mixed precision)."""

from collections.abc import Mapping

import torch

from sightline.vlm.config import ConfigError

Dtypes = torch.dtype | Mapping[str, torch.dtype]
"""One dtype for encoder and language model, or one for each part that is named; the others keep their usual one."""

Precision = Dtypes | str | Mapping[str, str]
"""The same, where torch's names for its dtypes will do."""

FROZEN = ("encoder", "language")
"""The frozen parts, which one dtype for the whole model is meant for; what is trained stays in float32."""


def precision_of(given: Precision | None) -> Dtypes | None:
    """Dtypes from what a user wrote; raises `ConfigError` for what torch has no floating dtype of."""
    if given is None:
        return None
    return dtypes_of(given) if isinstance(given, Mapping) else dtype_of(given)


def dtypes_of(named: Mapping[str, str | torch.dtype]) -> dict[str, torch.dtype]:
    """Dtypes by part from torch's names for them; raises `ConfigError` for another name."""
    return {part: dtype_of(name, f"precision of the {part}") for part, name in named.items()}


def dtype_of(name: str | torch.dtype, what: str = "dtype") -> torch.dtype:
    """A dtype from torch's name for it; raises `ConfigError` for another."""
    dtype = getattr(torch, name, None) if isinstance(name, str) else name
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ConfigError(f"{what}: torch has no floating dtype {name!r}, try float32 or bfloat16")
    return dtype


def by_part(dtype: Dtypes | None) -> dict[str, torch.dtype]:
    """Dtypes by part: one for all is that of the frozen parts, none is of no part."""
    if dtype is None:
        return {}
    return dict(dtype) if isinstance(dtype, Mapping) else dict.fromkeys(FROZEN, dtype)
