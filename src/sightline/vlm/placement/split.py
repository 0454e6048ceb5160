"""One language model over several devices: each layer whole and in one place, activations carried from one to the next.

A layer is computed where it lies, on the CPU, too: there activations travel, which are small, and no weights. What lies
between the layers (embeddings, norms, the head) takes and gives tensors of the *main* device, that of the embeddings.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sightline.vlm.config import ConfigError, closest

Device = str | int | torch.device
"""A device a user wrote: torch's own, its name, or the number of an accelerator."""

SIZES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
"""Bytes of each unit that max_memory may be written in; no unit is bytes."""
SHARE = 0.9
"""Of an accelerator's free memory that layers may take, when nobody says how much."""
SHOWN = 4
"""Layers named in a message; the rest is counted."""


@dataclass(frozen=True)
class Plan:
    """Where every unit of a model goes: its layers, and each module with weights between them."""

    places: Mapping[str, torch.device]
    layers: frozenset[str]
    """Those of the units that are layers."""
    main: torch.device
    """Where the embeddings are, and what is given to the model and comes from it."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """How a language model is spread over devices."""

    places: Mapping[str, Device] | None = field(default=None, hash=False)
    """A device by module name, as transformers' `device_map` has it ("model.layers.0", or "model.layers" for all); the
    longest name that fits counts, "" fits everything. None: layers fill the devices in their order."""
    max_memory: Mapping[Device, int | str] | None = field(default=None, hash=False)
    """What may be filled, in this order: bytes or "10GiB" by device. None: every accelerator's free memory, then the
    CPU's without a limit."""

    def plan(self, model: nn.Module) -> Plan:
        """Where each unit of a model goes; its weights are not touched, and may be on the meta device.

        Raises `ConfigError` for names and devices that are not there, layers left out, and too little memory.
        """
        root = _root(model)
        units, layers = _units(root)
        if self.places is not None:
            places = _named(root, units, {name: _holding(each) for name, each in self.places.items()})
        else:
            places = _filled(units, layers, _limits(self.max_memory))
        embeddings = root.get_input_embeddings()  # type: ignore[operator]
        main = next((places[name] for name, unit in units.items() if unit is embeddings), next(iter(places.values())))
        return Plan(places, layers, main)

    def place(self, model: nn.Module) -> torch.device:
        """Moves a model's weights where they belong and lets activations follow; its main device."""
        plan, root = self.plan(model), _root(model)
        units, _ = _units(root)
        inside: set[int] = set()
        for name, unit in units.items():
            for tensor in _tensors(unit):
                inside.add(id(tensor))
                tensor.data = tensor.data.to(plan.places[name])
        for tensor in _tensors(root):
            if id(tensor) not in inside:
                tensor.data = tensor.data.to(plan.main)
        alone = len({plan.main, *plan.places.values()}) == 1
        for name, unit in [] if alone else units.items():
            _follow(unit, plan.places[name], None if name in plan.layers else plan.main)
        return plan.main


def device_of(device: Device) -> torch.device:
    """A device a user wrote (a number is an accelerator's); raises `ConfigError` for one that this machine lacks."""
    try:
        found = torch.device(f"cuda:{device}") if isinstance(device, int) else torch.device(device)
    except RuntimeError as problem:
        raise ConfigError(f"{device!r} is no device: weights stay in memory, name cpu or cuda:0") from problem
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"there is no {found}: this machine has {torch.cuda.device_count()} CUDA devices")
    return found


def _holding(device: Device) -> torch.device:
    found = device_of(device)
    if found.type == "meta":
        raise ConfigError("weights on 'meta' hold no numbers: name cpu or cuda:0")
    return found


def moved(value: Any, device: torch.device) -> Any:
    """The same with every tensor in it (in tuples, lists and dictionaries, too) on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if type(value) in (tuple, list):
        return type(value)(moved(each, device) for each in value)
    if type(value) is dict:
        return {key: moved(each, device) for key, each in value.items()}
    return value


def _root(model: nn.Module) -> nn.Module:
    """The transformers model inside an adapter: whose names a map uses."""
    root: Any = getattr(model, "model", model)
    if not hasattr(root, "get_input_embeddings"):
        raise ConfigError(f"a {type(model).__name__} cannot be split: give the language model one device")
    return root  # type: ignore[no-any-return]


def _units(root: nn.Module) -> tuple[dict[str, nn.Module], frozenset[str]]:
    """What a map can place, in order, and which of it are layers (members of a list of modules)."""
    units: dict[str, nn.Module] = {}
    layers: set[str] = set()
    for name, module in _walk("", root):
        if any(module is known for known in units.values()):
            continue
        units[name.removesuffix("/")] = module
        if name.endswith("/"):
            layers.add(name.removesuffix("/"))
    return units, frozenset(layers)


def _walk(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Units below a module, outermost first; the names of layers end in a slash."""
    for part, child in module.named_children():
        path = f"{name}.{part}" if name else part
        if isinstance(module, nn.ModuleList):
            yield f"{path}/", child
        elif any(True for _ in child.children()):
            yield from _walk(path, child)
        elif any(True for _ in _tensors(child)):
            yield path, child


def _named(
    root: nn.Module, units: Mapping[str, nn.Module], given: Mapping[str, torch.device]
) -> dict[str, torch.device]:
    """Every unit's place by the longest name that fits."""
    known = {name for name, _ in root.named_modules(remove_duplicate=False)}
    for name in given:
        if name not in known:
            raise ConfigError(f"the device map names {name!r}, which the language model lacks: {closest(name, units)}")
        if outer := next((unit for unit in units if name.startswith(f"{unit}.")), None):
            raise ConfigError(f"the device map names {name!r}: a layer stays whole, name {outer!r}")
    fitting = {unit: max((name for name in given if _covers(name, unit)), key=len, default=None) for unit in units}
    if left := [unit for unit, name in fitting.items() if name is None]:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        raise ConfigError(f"the device map leaves out {', '.join(left[:SHOWN])}{more}: give each a device")
    return {unit: given[name] for unit, name in fitting.items() if name is not None}


def _covers(name: str, unit: str) -> bool:
    return name in ("", unit) or unit.startswith(f"{name}.")


def _limits(told: Mapping[Device, int | str] | None) -> dict[torch.device, float]:
    """How many bytes each device may take, in the order in which they are filled."""
    if told is not None:
        if not told:
            raise ConfigError("max_memory names no device: give bytes by device, {'cuda:0': '10GiB', 'cpu': '30GiB'}")
        return {_holding(device): _bytes(size) for device, size in told.items()}
    free = {
        torch.device("cuda", index): SHARE * torch.cuda.mem_get_info(index)[0]
        for index in range(torch.cuda.device_count())
    }
    return {**free, torch.device("cpu"): float("inf")}


def _bytes(size: int | str) -> float:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?I?B?)\s*", str(size), re.IGNORECASE)
    if found is None or found[2].upper() not in SIZES:
        raise ConfigError(f"max_memory of {size!r} is no size: write bytes, '10GiB' or '500MB'")
    return float(found[1]) * SIZES[found[2].upper()]


def _filled(
    units: Mapping[str, nn.Module], layers: frozenset[str], limits: Mapping[torch.device, float]
) -> dict[str, torch.device]:
    """All but the layers on the first device, then the layers in their order, device after device."""
    sizes = {name: sum(tensor.nbytes for tensor in _tensors(unit)) for name, unit in units.items()}
    devices = list(limits)
    room = dict(limits)
    room[devices[0]] -= sum(size for name, size in sizes.items() if name not in layers)
    places = dict.fromkeys(units, devices[0])
    at = 0
    for name in (name for name in units if name in layers):
        while at < len(devices) and room[devices[at]] < sizes[name]:
            at += 1
        if at == len(devices):
            break
        room[devices[at]] -= sizes[name]
        places[name] = devices[at]
    if at == len(devices) or room[devices[0]] < 0:
        given = ", ".join(f"{device} {_gib(size)}" for device, size in limits.items())
        raise ConfigError(
            f"the language model takes {_gib(sum(sizes.values()))}, which does not fit into {given} layer by layer: "
            "raise max_memory, name another device, or load in a lower precision"
        )
    return places


def _gib(size: float) -> str:
    return f"{size / 2**30:.2f} GiB"


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _follow(unit: nn.Module, device: torch.device, back: torch.device | None) -> None:
    """Whatever a unit is called with comes to its device; what it gives goes `back`, if that is named."""

    def come(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return moved(args, device), moved(kwargs, device)

    unit.register_forward_pre_hook(come, with_kwargs=True)
    if back is not None and back != device:
        unit.register_forward_hook(lambda _, __, given: moved(given, back))
