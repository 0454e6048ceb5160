"""Dtype and device of each part, from what a user wrote; parts are built where they are to lie."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeVar

import torch

from sightline.vlm.config import Config, ConfigError, closest
from sightline.vlm.placement.precision import Dtypes, by_part
from sightline.vlm.placement.split import Device, Split, device_of

PARTS = ("encoder", "bridge", "language")
"""What can have a dtype and a device of its own; the projection goes with the language model, the LayerNorm before the
bridge with the bridge."""

T = TypeVar("T")

Devices = Device | Mapping[str, Device | Mapping[str, Any] | Split]
"""One device for the whole model, or one for each part that is named; a part that is not goes to the CPU. The language
model may be split: "auto", a device by layer (transformers' `device_map`), or a `Split`; "auto" alone also puts the
other parts where it begins."""
AUTO = "auto"
"""The device that stands for "fill the accelerators in order, then the CPU"."""


class Spot(NamedTuple):
    """Dtype and device of one part."""

    dtype: torch.dtype = torch.float32
    device: torch.device = torch.device("cpu")

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Everything built inside gets this dtype and lies on this device."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            with self.device:
                yield
        finally:
            torch.set_default_dtype(before)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where each part lies, and in which precision."""

    encoder: Spot
    bridge: Spot
    language: Spot
    split: Split | None = None
    """How the language model is spread; then it is built on the CPU, and moves before its weights are read."""

    @classmethod
    def of(cls, dtype: Dtypes | None, device: Devices = "cpu", usual: torch.dtype = torch.float32) -> Self:
        """A layout from what a user wrote; `usual` is the frozen parts' dtype where none is given.

        Bridge and norm stay in float32 unless named, as in the published half-precision models: they are small, and
        what is trained. Raises `ConfigError` for a part that does not exist.
        """
        dtypes = _known(by_part(usual if dtype is None else dtype))
        widest = {"encoder": usual, "bridge": torch.float32, "language": usual}
        devices: dict[str, Any] = dict(_known(device)) if isinstance(device, Mapping) else _everywhere(device)
        split = _split(devices.get("language"))
        if split is not None:
            devices["language"] = "cpu"
        spots = {part: Spot(dtypes.get(part, widest[part]), device_of(devices.get(part, "cpu"))) for part in PARTS}
        return cls(**spots, split=split)

    @property
    def language_on_cpu(self) -> bool:
        """Whether the language model is computed on the CPU, which has no fast float16."""
        return self.language.device.type == "cpu" if self.split is None else not torch.cuda.is_available()

    def check_language(self, outline: Callable[[], Any]) -> None:
        """Plans the split of what `outline` builds, on the meta device, so that nothing is read or allocated for it.

        Raises `ConfigError` for a split that this language model or this machine cannot have.
        """
        if self.split is not None:
            with Spot(self.language.dtype, torch.device("meta"))():
                self.split.plan(outline())

    def build_language(self, config: Config) -> tuple[Any, Spot]:
        """A language model by its config, any split checked before; and where what is joined to it must lie."""
        self.check_language(getattr(config, "outline", config.build))
        with self.language():
            language = config.build()
        if self.split is None:
            return language, self.language
        return language, Spot(self.language.dtype, self.split.place(language))

    def move_language(self, language: Any) -> Any:
        """A language model that is in memory, moved to where it belongs."""
        if self.split is None:
            return language.to(self.language.device)
        self.split.place(language)
        return language


def limited(device: Devices, max_memory: Mapping[str | int | torch.device, int | str]) -> Devices:
    """Devices in which the language model, placed "auto", keeps to these sizes; raises `ConfigError` if it is not."""
    devices = dict(device) if isinstance(device, Mapping) else _everywhere(device)
    if devices.get("language") != AUTO:
        raise ConfigError(f"max_memory goes with device='auto', or {{'language': 'auto'}}, not with {device!r}")
    return {**devices, "language": Split(max_memory=max_memory)}


def _everywhere(device: Device) -> dict[str, Any]:
    """The same device for every part; "auto" is the first accelerator, for the language model as many as it needs."""
    if device != AUTO:
        return dict.fromkeys(PARTS, device)
    first = "cuda:0" if torch.cuda.is_available() else "cpu"
    return {**dict.fromkeys(PARTS, first), "language": AUTO}


def _split(device: Any) -> Split | None:
    if device == AUTO:
        return Split()
    if isinstance(device, Mapping):
        return Split(places=device)
    return device if isinstance(device, Split) else None


def _known(values: Mapping[str, T]) -> Mapping[str, T]:
    if unknown := sorted(set(values) - set(PARTS)):
        raise ConfigError(f"a model has no part {unknown[0]!r}: {closest(unknown[0], PARTS)}")
    return values
