# ruff: noqa: S608  (names in statements are those of tables and parts, as the engine lists them)
"""Writes that failed without an error of the embedded engine, and the parts that they damaged.

When the operating system refuses to write to a part's file (ENOSPC, EIO, EFBIG), the engine counts it and goes on as if
all had been written; only opening and fsync raise. So the counter is read after every statement that writes, before
anything is acknowledged. It is the process': what a merge in the background fails to write is found by the next
statement, which then reports a failure of its own. That is harmless, as rows may be written again.
"""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from sightline.server.runtime.observations.engine import NotStored

log = structlog.get_logger()

COUNTER = "WriteBufferFromFileDescriptorWriteFailed"
RECENT_S = 120
"""Parts written for so long are checked: longer than any statement takes, and as replaced parts are kept."""

Ask = Callable[[str], list[dict[str, Any]]]


class FailedWrites:
    """`ask` runs a statement on the calling thread's connection, in the engine's database."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._mending = threading.Lock()
        self.seen = 0
        """How many were dealt with: to be looked up before a statement."""

    def open(self) -> None:
        """Once, before the first statement that writes: other folders of this process may have failed before."""
        self.seen = self._count()

    def check(self, seen: int) -> None:
        """After a statement that wrote: NotStored where a write failed since `seen` was looked up.

        What was damaged is out of the tables by then.
        """
        count = self._count()
        if count == seen:
            return
        with self._mending:
            # All are secured first: DETACH deletes every replaced part of its table.
            for part, sources in [(part, self._secured(part)) for part in self._damaged()]:
                self._set_aside(part, sources)
            self.seen = max(self.seen, count)
        raise NotStored("a write to the disk failed")

    def _count(self) -> int:
        rows = self._ask(f"SELECT value FROM system.events WHERE event = '{COUNTER}'")
        return int(rows[0]["value"]) if rows else 0

    def _damaged(self) -> list[dict[str, Any]]:
        recent = self._ask(
            "SELECT table, name, partition_id, path, rows, min_block_number AS first, max_block_number AS last, "
            "level > 0 OR data_version > min_block_number AS is_made_of_parts FROM system.parts "
            f"WHERE database = currentDatabase() AND active AND modification_time >= now() - {RECENT_S}"
        )
        return [part for part in recent if not self._is_whole(part)]

    def _is_whole(self, part: dict[str, Any]) -> bool:
        statement = f"CHECK TABLE {part['table']} PART '{part['name']}' SETTINGS check_query_single_value_result = 0"
        return all(row["is_passed"] for row in self._ask(statement))

    def _secured(self, part: dict[str, Any]) -> list[str]:
        """The names of the parts that a damaged one was merged or mutated from, with links to their files."""
        folder = Path(part["path"]).parent
        sources = self._sources(part) if part["is_made_of_parts"] else []
        for source in sources:
            copy = folder / "detached" / source
            shutil.rmtree(copy, ignore_errors=True)  # Of an attempt that failed.
            shutil.copytree(folder / source, copy, copy_function=os.link)
        return sources

    def _set_aside(self, part: dict[str, Any], sources: list[str]) -> None:
        """Detach a damaged part; what it was made of takes its place."""
        self._ask(f"ALTER TABLE {part['table']} DETACH PART '{part['name']}'")
        for source in sources:
            self._ask(f"ALTER TABLE {part['table']} ATTACH PART '{source}'")
        said = {key: part[key] for key in ("table", "name", "rows")}
        if part["is_made_of_parts"] and not sources:
            log.error("a damaged part is set aside, and what it was made of is gone: its rows are lost", **said)
        else:
            log.error("a damaged part is set aside: nothing that was acknowledged is lost", **said, restored=sources)

    def _sources(self, part: dict[str, Any]) -> list[str]:
        """The parts that a part replaced, as long as they are kept; of those that replaced each other the latest."""
        found = self._ask(
            "SELECT name, min_block_number AS first, max_block_number AS last, level, data_version FROM system.parts "
            f"WHERE database = currentDatabase() AND table = '{part['table']}' AND NOT active AND rows > 0 "
            f"AND partition_id = '{part['partition_id']}' AND min_block_number >= {part['first']} "
            f"AND max_block_number <= {part['last']} AND name != '{part['name']}' "
            "ORDER BY level DESC, data_version DESC"
        )
        kept: list[dict[str, Any]] = []
        for each in found:
            if not any(other["first"] <= each["first"] and each["last"] <= other["last"] for other in kept):
                kept.append(each)
        return [each["name"] for each in kept]
