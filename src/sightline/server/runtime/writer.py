"""The one way rows reach the analytics engine: a named thread that groups what is waiting into durable inserts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.server.runtime.observations import ObservationsEngine

INBOX_ROWS = 20_000
BATCH_ROWS = 5_000
GATHER_S = 0.02


@dataclass(frozen=True, slots=True)
class Row:
    """One row on its way: `line` is its JSON object, `partition` the partition it will land in."""

    table: str
    partition: str
    line: bytes


class SpanWriter:
    """Group commit: callers wait in `write` until their rows are inserted and synced to disk."""

    def __init__(self, engine: ObservationsEngine, *, inbox_rows: int = INBOX_ROWS) -> None:
        self._engine = engine
        self._inbox_rows = inbox_rows

    def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def write(self, rows: Sequence[Row]) -> None:
        raise NotImplementedError
