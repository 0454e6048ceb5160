"""Bound on the event streams (SSE) of one person: each holds a connection and a subscription while it is open."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sightline.server.runtime.errors import TooBusy


class Streams:
    """Open streams by person, in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, person: str) -> Iterator[None]:
        """Count one for the time of the block; TooBusy when the person has no more."""
        if self._open[person] >= self._most:
            raise TooBusy(
                f"{self._most} streams of yours are open, as many as one person may have "
                "(SIGHTLINE_STREAMS_PER_PERSON): close a few pages",
                retry_after_s=5,
            )
        self._open[person] += 1
        try:
            yield
        finally:
            self._open[person] -= 1
            if not self._open[person]:
                del self._open[person]
