"""The one way rows reach the analytics engine: a named thread that groups what is waiting into durable inserts."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from sightline.server.runtime.errors import SightlineError, TooBusy, Unavailable
from sightline.server.runtime.observations import NotStored, ObservationsEngine

log = structlog.get_logger()

INBOX_ROWS = 20_000
INBOX_BYTES = 256 * 1024 * 1024
BATCH_ROWS = 5_000
BATCH_BYTES = 64 * 1024 * 1024
GATHER_S = 0.02
"""For so long a batch waits for rows that are on their way already."""


class Row(NamedTuple):
    """One row on its way: `line` is its JSON object, `partition` names the partition it will land in."""

    table: str
    partition: str
    line: bytes


@dataclass(eq=False, slots=True)
class _Ticket:
    """The rows of one caller, and where to tell it how they fared."""

    rows: Sequence[Row]
    bytes_: int
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    arrived_s: float = field(default_factory=time.monotonic)
    failure: SightlineError | None = field(default=None)


class SpanWriter:
    """Group commit: callers wait in `write` until their rows are inserted and synced to disk.

    The inbox is bounded by rows and bytes. Full means TooBusy, before anything of that call is taken.
    """

    def __init__(self, engine: ObservationsEngine, *, inbox_rows: int = INBOX_ROWS) -> None:
        self._engine = engine
        self._inbox_rows = inbox_rows
        self._inbox: list[_Ticket] = []
        self._rows_waiting = 0
        self._bytes_waiting = 0
        self._expected = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="span-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def stop(self) -> None:
        """Refuse new rows, store those already taken, end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Around what ends in one `write`: a batch waits a moment for rows that are on their way, and for no others."""
        self._expect(1)
        try:
            yield
        finally:
            self._expect(-1)

    def _expect(self, more: int) -> None:
        with self._changed:
            self._expected += more
            self._changed.notify()

    async def write(self, rows: Sequence[Row]) -> None:
        """Return once all rows are stored. TooBusy when the inbox is full; an error when an insert failed.

        After an error some of the rows may be stored: the same rows may be written again, reads keep one of each id.
        """
        if not rows:
            return
        loop = asyncio.get_running_loop()
        ticket = _Ticket(rows, sum(len(row.line) for row in rows), loop, loop.create_future())
        with self._changed:
            self._admit(ticket)
            self._changed.notify()
        await ticket.done

    def _admit(self, ticket: _Ticket) -> None:
        if self._stopping or not self._thread.is_alive():
            raise Unavailable("the server is stopping and takes no more spans: send them again in a moment")
        full = (
            self._rows_waiting + len(ticket.rows) > self._inbox_rows
            or self._bytes_waiting + ticket.bytes_ > INBOX_BYTES
        )
        if full and self._inbox:  # A request larger than the whole inbox still passes through an empty one.
            raise TooBusy(
                f"{self._rows_waiting} spans wait to be stored and {len(ticket.rows)} more exceed the limit of "
                f"{self._inbox_rows}: send them again in a second, or send fewer at once"
            )
        self._inbox.append(ticket)
        self._rows_waiting += len(ticket.rows)
        self._bytes_waiting += ticket.bytes_

    def _run(self) -> None:
        while batch := self._next_batch():
            self._store(batch)
            _answer(batch)

    def _next_batch(self) -> list[_Ticket]:
        """What waits, and what is expected within a moment of it; empty when stopping and nothing is left."""
        with self._changed:
            while not self._inbox and not self._stopping:
                self._changed.wait()
            until = self._inbox[0].arrived_s + GATHER_S if self._inbox else 0.0
            while len(self._inbox) < self._expected and self._rows_waiting < BATCH_ROWS and not self._stopping:
                if not self._changed.wait(until - time.monotonic()):
                    break
            count = rows = size = 0
            for ticket in self._inbox:
                if count and (rows + len(ticket.rows) > BATCH_ROWS or size + ticket.bytes_ > BATCH_BYTES):
                    break
                count, rows, size = count + 1, rows + len(ticket.rows), size + ticket.bytes_
            batch, self._inbox = self._inbox[:count], self._inbox[count:]
            self._rows_waiting -= rows
            self._bytes_waiting -= size
            return batch

    def _store(self, batch: Sequence[_Ticket]) -> None:
        """Insert a batch, one insert per table and partition. Where that fails, each caller's rows are tried alone."""
        groups: dict[tuple[str, str], dict[_Ticket, list[bytes]]] = defaultdict(lambda: defaultdict(list))
        for ticket in batch:
            for table, partition, line in ticket.rows:
                groups[table, partition][ticket].append(line)
        for (table, _), shares in groups.items():
            if len(shares) > 1 and self._insert(table, [line for lines in shares.values() for line in lines]) is None:
                continue
            for ticket, lines in shares.items():
                ticket.failure = self._insert(table, lines) or ticket.failure

    def _insert(self, table: str, lines: Sequence[bytes]) -> SightlineError | None:
        try:
            self._engine.insert(table, lines)
        except SightlineError as failure:
            log.error("rows could not be stored", table=table, rows=len(lines), reason=str(failure))
            return failure
        except Exception as failure:  # The thread must outlive whatever one batch brings; its callers hear of it.
            log.exception("rows could not be stored", table=table, rows=len(lines))
            return NotStored(str(failure))
        return None


def _answer(batch: Sequence[_Ticket]) -> None:
    """Wake the callers, with one hop to each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Ticket]] = defaultdict(list)
    for ticket in batch:
        by_loop[ticket.loop].append(ticket)
    for loop, tickets in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, tickets)


def _resolve(tickets: Sequence[_Ticket]) -> None:
    for ticket in tickets:
        if ticket.done.done():
            continue
        if ticket.failure is None:
            ticket.done.set_result(None)
        else:
            ticket.done.set_exception(ticket.failure)
