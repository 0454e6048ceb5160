"""A bounded cache with a TTL; a value may be None, so misses are cached too (negative caching)."""

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ExpiringCache(Generic[Key, Value]):
    """At most `size` entries with a TTL of `keep_s` seconds; evicts the least recently written (FIFO, not LRU)."""

    def __init__(self, *, size: int, keep_s: float) -> None:
        self._size = size
        self._keep_s = keep_s
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> tuple[Value] | None:
        """The value in a 1-tuple, or None on a miss or an expired entry."""
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
