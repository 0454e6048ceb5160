"""Statements that rewrite parts (DELETE, ALTER): only where the disk has room for them.

The embedded engine does not survive a mutation that runs out of space: it aborts, or waits for ever, and leaves an
empty file of the statement that it cannot read at its next start.
"""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sightline.server.runtime.errors import Unavailable
from sightline.server.runtime.observations.engine import MIB, SESSION_SETTINGS, TIMEOUT_CODE

CHANGE = re.compile(r"\s*(?:DELETE FROM|ALTER TABLE)\s+(\w+)")
"""A statement that rewrites parts, and its table."""
SPARE_BYTES = 32 * MIB
"""Room for a mutation's small files, and for what else is written meanwhile."""
MILLION = 1_000_000
"""Bytes of a megabyte."""


class NoRoomToChange(Unavailable):
    """Refused before anything was changed."""

    def __init__(self, needed: int, free: int) -> None:
        super().__init__(
            f"the disk of the data folder has {free // MILLION:,} MB free, and to delete or change rows takes "
            f"{needed // MILLION:,} MB, as the part they are in is written anew: make room, then do it again"
        )


def changed_by(sql: str) -> str | None:
    """The table whose parts a statement rewrites."""
    found = CHANGE.match(sql)
    return found[1] if found else None


def require_room(table: str, folder: Path, ask: Callable[[str], list[dict[str, Any]]]) -> None:
    """NoRoomToChange unless the largest part of the table fits once more."""
    largest = ask(
        "SELECT max(bytes_on_disk) AS largest FROM system.parts "  # noqa: S608  (a name of our own statement)
        f"WHERE database = currentDatabase() AND active AND table = '{table}'"
    )
    needed, free = largest[0]["largest"] + SPARE_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoomToChange(needed, free)


def told(failure: RuntimeError, sql: str) -> Exception:
    """A mutation that takes long goes on: what the engine says of a query would be untrue."""
    if changed_by(sql) and TIMEOUT_CODE in str(failure):
        return Unavailable(
            f"this took longer than {SESSION_SETTINGS['max_execution_time']} s: the store of observations goes on with "
            "it by itself"
        )
    return failure


def clear_unwritten(folder: Path) -> None:
    """Delete empty files of statements that failed: the next start could not read them."""
    for path in folder.glob("store/*/*/*mutation_*.txt"):
        with suppress(OSError):
            if path.stat().st_size == 0:
                path.unlink()
