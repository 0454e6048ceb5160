"""What a model's results depend on, in few digits: rows of two models must not meet in one table or index."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from torch import nn

from sightline.vlm.loaded import Loaded

SEEING = ("encoder", "norm", "bridge")
"""Parts that make an image's vectors."""
ALL = (*SEEING, "project", "language")
SAMPLED = 64
"""Numbers of each tensor that are read: training changes nearly all of them."""


def fingerprint(model: Loaded, parts: Sequence[str] = SEEING) -> str:
    """Sixteen hexadecimal digits of the weights of these parts, a sample of each tensor."""
    found = hashlib.sha256()
    for part in parts:
        module: nn.Module | None = getattr(model.model, part)
        for name, tensor in {} if module is None else module.state_dict().items():
            flat = tensor.detach().flatten()
            found.update(f"{part}.{name}{tuple(tensor.shape)}".encode())
            found.update(flat[:: max(1, len(flat) // SAMPLED)].float().cpu().numpy().tobytes())
    return found.hexdigest()[:16]


def digest(model: Loaded) -> dict[str, Any]:
    """What an unfinished job is resumed with only: the weights, and what the checkpoint says beside them."""
    beside = model.checkpoint
    return {"weights": fingerprint(model, ALL), "prompts": asdict(beside.prompts), "decoding": dict(beside.decoding)}
