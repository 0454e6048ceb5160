"""The protocol of analytics engines, embedded or a server: one SQL text, one set of limits, one family of errors."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import orjson
import structlog

from sightline.server.runtime.errors import SightlineError, Unavailable

log = structlog.get_logger()

MIB = 1024 * 1024
"""Bytes of a mebibyte."""
SESSION_SETTINGS: Mapping[str, int | str] = {
    "async_insert": 0,
    "date_time_input_format": "best_effort",
    # Merges build the skip indexes; until then a read scans those few parts.
    "materialize_skip_indexes_on_insert": 0,
    # No column has a default expression.
    "input_format_defaults_for_omitted_fields": 0,
    "input_format_parallel_parsing": 0,
    "max_partitions_per_insert_block": 1,
    "max_insert_block_size": 1_000_000,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
    "max_memory_usage": 1536 * MIB,
    "max_bytes_before_external_group_by": 512 * MIB,
    "max_bytes_before_external_sort": 512 * MIB,
    "max_execution_time": 30,
    "max_threads": 2,
    "output_format_json_quote_64bit_integers": 0,
    "use_skip_indexes_on_data_read": 0,
}
"""Settings of every statement: limits of memory, time and threads, and the formats. Times in rows are ISO-8601.

Parallel parsing is off because it splits an insert into several parts, which is not atomic in a crash. Skip indexes
are evaluated before reading: on data read they took up to twice as long at ten million rows."""

INSERT_SETTINGS = "max_block_size = 1000000, max_execution_time = 0"
"""Settings of an insert from a file: one block, hence one part and all or nothing, and no deadline of queries."""

TIMEOUT_CODE, MEMORY_CODE = "Code: 159.", "Code: 241."
"""Error codes in ClickHouse's messages: TIMEOUT_EXCEEDED and MEMORY_LIMIT_EXCEEDED."""


FAILING_DISK = re.compile(
    r"Code: (?:23|24|33|7[4-6]|88|9[6-9]|164|236|243|252|341|432|1001)\.|No space left on device|Too many open files"
    r"|Input/output error|Read-only file system"
)
"""Codes and words of a failing disk or system: files that cannot be read, written, opened or synced, no space, too
many parts, a mutation that did not finish."""
DISK_RETRY_AFTER_S = 10
"""Seconds of Retry-After then."""


class EngineFailed(SightlineError):  # noqa: N818 - named like the rest of its family
    """The engine refused a statement: a bug of ours, or a full disk. Its words are for the log, not for clients."""

    @property
    def message(self) -> str:
        return "the store of observations could not do this; the server's log says why"


class NotStored(Unavailable):
    """An insert failed for a reason that may pass: none of its rows are stored, and sending them again is right.

    Its words are the engine's, for the log; `message` is for clients.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason, retry_after_s=5)

    @property
    def message(self) -> str:
        text = str(self)
        reason = next((said for sign, said in REASONS.items() if sign in text), "the server's log says why")
        return f"this could not be stored: {reason}. Send it again in a moment"


REASONS: Mapping[str, str] = {
    "NOT_ENOUGH_SPACE": "the disk of the data folder is full",
    "No space left on device": "the disk of the data folder is full",
    "Too many open files": "the server has too many files open (raise its limit, `ulimit -n`)",
    "Too many parts": "inserts are faster than merges",
    MEMORY_CODE: "the store of observations is out of memory",
    "a write to the disk failed": "the disk of the data folder could not be written to",
    "Read-only file system": "the disk of the data folder is read-only",
}
"""Signs in the engine's words to what a client is told."""

UNREADABLE_ROWS = re.compile(r"Code: (6|16|2[5-7]|38|41|53|60|62|72|117|130)\.")
"""Codes of rows or statements that the engine cannot parse: sending them again cannot help."""


class ObservationsEngine(Protocol):
    """`await open()` before use, `await close()` at the end."""

    is_shared: bool
    """Whether other processes may write to the same database."""

    async def open(self) -> None:
        """Be ready for statements; the database exists afterwards."""
        ...

    async def close(self) -> None:
        """Wait for running queries and let go of everything."""
        ...

    async def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a SELECT, each a dict by column name. `params` fill `{name:Type}` places."""
        ...

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """A statement without an answer: DDL, DELETE."""
        ...

    def insert(self, table: str, lines: Iterable[bytes]) -> None:
        """Insert JSON rows as one part, on the calling thread; returns once they are durable (fsync) and readable.

        Atomic: all lines must belong to one partition, and on an error none is stored. Whatever fails up to and
        including the commit raises: `NotStored` where a retry may help, `EngineFailed` where the rows are at fault.
        """
        ...


def plain_name(database: str) -> str:
    """Validate an identifier that is interpolated into SQL; raises `ValueError` for anything but a plain name."""
    if not database.isidentifier():
        raise ValueError(f"database {database!r} is not a plain name: use letters, digits and underscores")
    return database


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """Rows of an answer in the format JSONEachRow."""
    return [orjson.loads(line) for line in body.splitlines()]


def translated(failure: Exception) -> SightlineError:
    """Map an exception of the engine's driver to a `SightlineError`."""
    text = str(failure)
    if TIMEOUT_CODE in text:
        return Unavailable(
            f"the query took longer than {SESSION_SETTINGS['max_execution_time']} s: narrow its time range or filters"
        )
    if MEMORY_CODE in text:
        return Unavailable("the query needed more memory than it may use: narrow its time range or filters")
    if FAILING_DISK.search(text):
        log.error("the engine could not use its disk", problem=text.partition("\n")[0])
        return Unavailable(
            "the store of observations cannot use its disk just now: send it again in a moment; the server's log says "
            "why, and `sightline doctor` helps if it lasts",
            retry_after_s=DISK_RETRY_AFTER_S,
        )
    return EngineFailed(text)


def not_stored(failure: Exception) -> SightlineError:
    """Map an exception of an insert to a `SightlineError`."""
    text = str(failure)
    return EngineFailed(text) if UNREADABLE_ROWS.search(text) else NotStored(text)
