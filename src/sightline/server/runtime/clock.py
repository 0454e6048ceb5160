"""The wall clock, injectable for tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system_time() -> datetime:
    return datetime.now(UTC)


_source: list[Callable[[], datetime]] = [_system_time]


def now() -> datetime:
    """The current time in UTC."""
    return _source[-1]()


@contextmanager
def clock(source: Callable[[], datetime]) -> Iterator[None]:
    """Override the clock within the block; blocks nest."""
    _source.append(source)
    try:
        yield
    finally:
        _source.remove(source)
