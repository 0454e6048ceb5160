"""Loading weights into an uninitialised model, tensor by tensor, with every misfit reported at once; tied weights."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.config import Config
from sightline.vlm.encoders import ConvViTConfig, EvaConfig, ForeignEncoderConfig
from sightline.vlm.language import LanguageConfig, LlamaConfig
from sightline.vlm.model import Blip2, Blip2Config
from sightline.vlm.placement import Layout
from sightline.vlm.weights.errors import CheckpointError
from sightline.vlm.weights.names import NameMap, Place

DRAWS = ("kaiming_uniform_", "normal_", "trunc_normal_", "uniform_", "xavier_uniform_")
"""Functions of `torch.nn.init` that layers of torch and of ours draw from."""
PLAIN = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Dtypes of weights that mean what they say; others (int8, float8) want scales."""
SCALES = (".SCB", ".absmax", ".qweight", ".qzeros", ".scales", ".weight_scale", ".weight_scale_inv", ".weight_packed")
"""Ends of names beside quantised weights."""
SHOWN = 6
"""Names listed of each kind of misfit; the rest is counted."""


def empty(config: Blip2Config, layout: Layout) -> Blip2:
    """The model uninitialised: memory is reserved but not written, so each page is touched once, by its weights.

    Not on the meta device, where buffers that no checkpoint holds (rotary frequencies) would be lost. Raises
    `ModelError` for parts that do not fit together, before anything is read.
    """
    if not any(_foreign(part) for part in (config.encoder, config.language)):
        with _no_draws():
            return config.build(layout)
    from transformers.initialization import no_init_weights, no_tie_weights  # late: takes a second

    for part in (config.encoder, config.language):
        if isinstance(part, ForeignEncoderConfig | LanguageConfig):
            part.prove()  # beforehand: a self-check needs initialised weights
    with no_init_weights(), no_tie_weights():
        return config.build(layout)


def _foreign(part: Config | None) -> bool:
    """Whether transformers builds this part."""
    return part is not None and not isinstance(part, ConvViTConfig | EvaConfig | LlamaConfig)


@contextmanager
def _no_draws() -> Iterator[None]:
    """Without the random initial weights of torch's layers."""
    kept = {name: getattr(nn.init, name) for name in DRAWS}
    for name in DRAWS:
        setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    try:
        yield
    finally:
        for name, draw in kept.items():
            setattr(nn.init, name, draw)


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

    def check(
        self, shapes: Iterable[tuple[str, tuple[int, ...]]], where: str, more: Mapping[str, Tensor] | None = None
    ) -> None:
        """Compares a whole file's names and shapes with the model's before a byte of its tensors is read.

        `more` are tensors beside it, under our names. Raises `CheckpointError` that lists everything missing,
        unexpected or misshapen.
        """
        for key, shape in shapes:
            self._slot(key, shape, ours=False)
        for key, tensor in (more or {}).items():
            self._slot(key, tuple(tensor.shape), ours=True)
        self._raise(where)

    def put(self, key: str, tensor: Tensor, *, ours: bool = False) -> None:
        """Copies one tensor of the file into its place, converted to the place's dtype; `ours`: `key` is our name."""
        slot = self._slot(key, tuple(tensor.shape), ours=ours)
        if slot is not None and slot.is_floating_point() and tensor.dtype not in PLAIN:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise CheckpointError(
                f"{key} holds {kind} numbers: quantised weights are not read, load what they were made of"
            )
        if slot is not None:
            with torch.no_grad():
                slot.copy_(tensor.view(slot.shape))

    def finish(self, where: str) -> None:
        """Ties shared weights; raises `CheckpointError` that lists everything missing, unexpected or misshapen."""
        self._raise(where)
        tie(self.model, self.filled.keys() | self.optional)

    def _slot(self, key: str, shape: tuple[int, ...], *, ours: bool) -> Tensor | None:
        """Where a tensor goes, noted as filled; none for one that is ignored, unexpected or misshapen, noted too."""
        if self.names is None or ours:
            place: Place | None = Place(key, 0, 1, 0)
        elif self.names.ignores(key):
            return None
        else:
            place = self.names.ours(key)
        if place is None or place.name not in self.slots:
            self._note(self.unexpected, key)
            return None
        slot = self.slots[place.name]
        if place.parts > 1:
            slot = slot.tensor_split(place.parts)[place.part]
        self.filled.setdefault(place.name, set()).add(place.part)
        wanted = place.outer(slot.shape)
        if shape != wanted:
            self._note(self.misshapen, f"{key} is {_shape(shape)}, the config asks for {_shape(wanted)}")
            return None
        return slot

    @staticmethod
    def _note(found: list[str], what: str) -> None:
        if what not in found:
            found.append(what)

    def _raise(self, where: str) -> None:
        twins = {name: group for group in tied(self.model) for name in group}
        missing = [
            key
            for name in self.slots
            if name not in self.optional
            and (name in self.filled or not any(twin in self.filled for twin in twins.get(name, ())))
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
            if any(key.endswith(SCALES) for key in self.unexpected):
                hint = "The weights are quantised, which is not read here: load what they were made of."
            raise CheckpointError(
                "\n  ".join([f"the weights in {where} do not fit the config beside them:", *problems, hint])
            )

    def _unfilled(self, name: str) -> list[str]:
        """The file's names of what is still missing of our parameter `name`."""
        have = self.filled.get(name, set())
        if self.names is None:
            return [] if have else [name]
        keys = self.names.theirs(name) or [(name, Place(name, 0, 1, 0))]
        return [key for key, place in keys if place.part not in have]


def tied(model: nn.Module) -> list[list[str]]:
    """Groups of tied weights (input and output embeddings, mostly) of a transformers model; the first is the source."""
    found = []
    for prefix, part in model.named_modules():
        pairs = getattr(part, "get_expanded_tied_weights_keys", None)
        if pairs is None:
            continue
        groups: dict[str, list[str]] = {}
        for target, source in pairs(all_submodels=False).items():
            groups.setdefault(source, [source]).append(target)
        found += [[f"{prefix}.{name}" if prefix else name for name in group] for group in groups.values()]
    return found


def tie(model: nn.Module, filled: Iterable[str]) -> None:
    """Ties weights that a transformers model says are one, unless the checkpoint holds different values for them.

    Decided by what the file holds, not by the config alone: transformers 5 calls every T5 tied, FlanT5 is not.
    """
    present = set(filled)
    for group in tied(model):
        first = next((name for name in group if name in present), None)
        if first is not None:
            _share(model, group, first, present)


def _share(model: nn.Module, group: list[str], first: str, present: set[str]) -> None:
    value = model.get_parameter(first)
    for name in group:
        own = model.get_parameter(name)
        if name == first or (name in present and not torch.equal(own.to(value.device), value)):
            continue
        if own.device != value.device:  # on another device there must be a second one
            with torch.no_grad():
                own.copy_(value)
            continue
        owner, _, leaf = name.rpartition(".")
        module: Any = model.get_submodule(owner)
        setattr(module, leaf, value)


def _shape(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape)) or "a single number"


def _some(names: list[str]) -> str:
    more = f" … and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
