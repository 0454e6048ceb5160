"""A small bounded cache whose entries expire; a value may be None, so that misses are remembered too."""

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ExpiringCache(Generic[Key, Value]):
    """Keeps at most `size` entries for `keep_s` seconds each; the oldest go first."""

    def __init__(self, *, size: int, keep_s: float) -> None:
        self._size = size
        self._keep_s = keep_s
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> tuple[Value] | None:
        """The value in a 1-tuple, or None when it is not known (any more)."""
        entry = self._entries.get(key)
        if entry is None or entry[0] < time.monotonic():
            return None
        return (entry[1],)

    def put(self, key: Key, value: Value) -> None:
        self._entries.pop(key, None)
        self._entries[key] = (time.monotonic() + self._keep_s, value)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        self._entries.clear()
