"""An empty model, and the filling of it, tensor by tensor, with every misfit reported at once."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.names import NameMap, Place

SHOWN = 6
"""Names listed of each kind of misfit; the rest is counted."""


def empty(config: Blip2Config, dtype: torch.dtype, device: str | torch.device) -> Blip2:
    """The model without weights: memory is reserved but not written, so each page is touched once, by its weights.

    Not on the meta device, where buffers that no checkpoint holds (rotary frequencies) would be lost.
    """
    from transformers.initialization import no_init_weights, no_tie_weights  # late: takes a second

    with no_init_weights(), no_tie_weights(), torch.device(device):
        return config.build(dtype)


class Fill:
    """Puts tensors into a model's parameters, and knows afterwards what did not fit."""

    def __init__(self, model: nn.Module, names: NameMap | None = None, optional: Iterable[str] = ()) -> None:
        """`names` translates a file's names (none: they are ours); `optional` may keep their initial values."""
        self.model = model
        self.names = names
        self.optional = set(optional)
        self.slots: dict[str, Tensor] = model.state_dict(keep_vars=True)
        self.filled: dict[str, set[int]] = {}
        self.unexpected: list[str] = []
        self.misshapen: list[str] = []

    def put(self, key: str, tensor: Tensor, *, ours: bool = False) -> None:
        """Copies one tensor of the file into its place, converted to the place's dtype; `ours`: `key` is our name."""
        if self.names is None or ours:
            place: Place | None = Place(key, 0, 1, 0)
        elif self.names.ignores(key):
            return
        else:
            place = self.names.ours(key)
        if place is None or place.name not in self.slots:
            self.unexpected.append(key)
            return
        slot = self.slots[place.name]
        if place.parts > 1:
            slot = slot.tensor_split(place.parts)[place.part]
        wanted = (1,) * place.lead + tuple(slot.shape)
        if tuple(tensor.shape) != wanted:
            self.misshapen.append(f"{key} is {_shape(tensor.shape)}, the config asks for {_shape(wanted)}")
        else:
            with torch.no_grad():
                slot.copy_(tensor.view(slot.shape))
        self.filled.setdefault(place.name, set()).add(place.part)

    def finish(self, where: str) -> None:
        """Ties what is shared; raises `CheckpointError` that lists everything missing, unexpected or misshapen."""
        tie(self.model, self.filled.keys())
        shared = {id(tensor) for name, tensor in self._now().items() if name in self.filled}
        missing = [
            key
            for name, tensor in self._now().items()
            if name not in self.optional and (name in self.filled or id(tensor) not in shared)
            for key in self._unfilled(name)
        ]
        problems = [
            f"{kind} ({len(found)}): {_some(found)}"
            for kind, found in (
                ("missing", missing),
                ("unexpected", self.unexpected),
                ("misshapen", self.misshapen),
            )
            if found
        ]
        if problems:
            hint = "Is the config of another model, or was the file cut short?"
            raise CheckpointError(
                "\n  ".join([f"the weights in {where} do not fit the config beside them:", *problems, hint])
            )

    def _now(self) -> dict[str, Tensor]:
        return self.model.state_dict(keep_vars=True)

    def _unfilled(self, name: str) -> list[str]:
        """The file's names of what is still missing of our parameter `name`."""
        have = self.filled.get(name, set())
        if self.names is None:
            return [] if have else [name]
        keys = self.names.theirs(name) or [(name, Place(name, 0, 1, 0))]
        return [key for key, place in keys if place.part not in have]


def tie(model: nn.Module, filled: Iterable[str]) -> None:
    """Shares parameters that a transformers model says are one, unless the checkpoint holds different values for them.

    Decided by what the file holds, not by the config alone: transformers 5 calls every T5 tied, FlanT5 is not.
    """
    present = set(filled)
    for prefix, part in model.named_modules():
        pairs = getattr(part, "get_expanded_tied_weights_keys", None)
        if pairs is None:
            continue
        groups: dict[str, list[str]] = {}
        for target, source in pairs(all_submodels=False).items():
            groups.setdefault(source, [source]).append(target)
        for group in groups.values():
            _share(part, group, lambda name, at=prefix: f"{at}.{name}" if at else name, present)


def _share(part: nn.Module, group: list[str], full: Callable[..., str], present: set[str]) -> None:
    first = next((name for name in group if full(name) in present), None)
    if first is None:
        return
    value = part.get_parameter(first)
    for name in group:
        if name != first and (full(name) not in present or torch.equal(part.get_parameter(name), value)):
            owner, _, leaf = name.rpartition(".")
            module: Any = part.get_submodule(owner)
            setattr(module, leaf, value)


def _shape(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape)) or "a single number"


def _some(names: list[str]) -> str:
    more = f" … and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
