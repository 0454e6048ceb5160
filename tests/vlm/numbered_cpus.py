"""CPUs by number, each taken for a device of its own, so that splits can be tested where there is one CPU only."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

WRITES = ("copy_", "__set__")
"""What may take a tensor of another device: torch copies."""


class NumberedCpus(TorchFunctionMode):
    """Inside, a tensor knows which "cpu:N" it was put on, and an operation over two of them fails, as on accelerators.

    Numbers are free to go along with any: as ever with 0-dimensional tensors, and with what was never put anywhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.of = WeakIdKeyDictionary()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if func == Tensor.device.__get__:  # type: ignore[attr-defined]
            return torch.device("cpu", self.of[args[0]]) if args[0] in self.of else func(*args)
        if name == "__set__" and len(args) == 2 and isinstance(args[1], Tensor):
            return self._set(func, *args)
        mixed = {self.of[each] for each in tensors((args, kwargs)) if each.dim() and each in self.of}
        if len(mixed) > 1 and name not in (*WRITES, "to"):
            raise AssertionError(f"{name} over tensors of CPUs {sorted(mixed)}")
        given = func(*args, **kwargs)
        asked = [each for each in (*args, kwargs.get("device")) if isinstance(each, torch.device | str)]
        number = next((torch.device(each).index for each in asked if str(each).startswith("cpu:")), None)
        if name == "to" and number is not None and given is args[0]:
            given = args[0].detach().clone() if not args[0].requires_grad else args[0].clone()
        if number is None:
            number = next(iter(mixed), None) if name not in WRITES else self.of.get(args[0])
        if number is not None:
            for each in tensors(given):
                self.of[each] = number
        return given

    def _set(self, func: Callable[..., Any], tensor: Tensor, value: Tensor) -> None:
        func(tensor, value)
        if value in self.of:
            self.of[tensor] = self.of[value]


def tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from tensors(each)
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))
