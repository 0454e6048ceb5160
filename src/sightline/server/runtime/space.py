"""The reserve of free disk space: below it nothing new is taken, so that what was acknowledged can still be kept.

Deletions, merges, sign-in and the databases' own files need room too: they go on inside the reserve.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from sightline.server.runtime.errors import Unavailable

log = structlog.get_logger()

MIB = 1024 * 1024
LEAST_RESERVE_BYTES = 256 * MIB
SHARE = 100
"""The default reserve is a hundredth of the disk, or `LEAST_RESERVE_BYTES` where that is more."""
MARGIN = 16
"""Writes go on once the reserve and a sixteenth of it are free: hysteresis against a door that flaps."""
LOOK_AGAIN_S = 1.0
"""TTL of a look at the disks (statvfs)."""
DELETING_BYTES = 8 * MIB
"""A deletion writes too, and the engine waits half a minute for room before it gives up."""
RETRY_AFTER_S = 30
"""Seconds of Retry-After: somebody has to make room."""


class NoRoom(Unavailable):
    """The reserve is reached. 503 and not 507: OTLP counts only 429, 502, 503 and 504 as retryable."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on the fullest of the disks, and how much of it is kept free."""

    free_bytes: int
    reserve_bytes: int
    folder: Path
    is_low: bool

    @property
    def message(self) -> str:
        return (
            f"the server's disk is nearly full ({_megabytes(self.free_bytes)} free, "
            f"{_megabytes(self.reserve_bytes)} are kept free), so nothing new is stored: delete what is not needed or "
            "make room on the disk, and send it again"
        )


class FreeSpace:
    """Watches the disks of these folders; `reserve_bytes` None for the default of each disk, 0 for no reserve."""

    def __init__(self, folders: Sequence[Path], reserve_bytes: int | None = None) -> None:
        self._folders = folders
        self._reserve_bytes = reserve_bytes
        self._looked_at_s = -LOOK_AGAIN_S
        self._room: Room | None = None

    def require(self, more_bytes: int = 0) -> None:
        """NoRoom when the reserve is reached, or would be by so many bytes."""
        room = self.look()
        if room and (room.is_low or (room.reserve_bytes and room.free_bytes - more_bytes < room.reserve_bytes)):
            raise NoRoom(room.message, retry_after_s=RETRY_AFTER_S)

    def require_to_delete(self) -> None:
        """NoRoom when others have filled the disk so far that not even a deletion can be written."""
        room = self.look()
        if room and room.free_bytes < DELETING_BYTES:
            raise NoRoom(
                f"the server's disk is full ({_megabytes(room.free_bytes)} free), and a deletion needs some room to be "
                "written: make room on the disk by other means, and send it again",
                retry_after_s=RETRY_AFTER_S,
            )

    def look(self) -> Room | None:
        """The fullest disk, at most `LOOK_AGAIN_S` old; None where no disk can be asked. Changes are logged."""
        if time.monotonic() - self._looked_at_s >= LOOK_AGAIN_S:
            self._looked_at_s = time.monotonic()
            was_low = bool(self._room and self._room.is_low)
            rooms = [room for folder in self._folders if (room := self._of(folder, was_low=was_low))]
            self._room = min(rooms, key=lambda room: room.free_bytes - room.reserve_bytes, default=None)
            if self._room and self._room.is_low != was_low:
                _tell(self._room)
        return self._room

    async def watch(self) -> None:
        """A look for its log line, also where nobody writes."""
        self.look()

    def _of(self, folder: Path, *, was_low: bool) -> Room | None:
        with suppress(OSError):
            disk = os.statvfs(_existing(folder))
            free, whole = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
            reserve = self._reserve_bytes
            if reserve is None:
                reserve = max(whole // SHARE, LEAST_RESERVE_BYTES)
            least = reserve + reserve // MARGIN if was_low else reserve
            return Room(free, reserve, folder, free < least)
        return None


def _existing(folder: Path) -> Path:
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)


def _tell(room: Room) -> None:
    told = {"folder": str(room.folder), "free": _megabytes(room.free_bytes), "reserve": _megabytes(room.reserve_bytes)}
    if room.is_low:
        log.error("the disk is nearly full: writes are refused, reads and deletions go on", **told)
    else:
        log.warning("the disk has room again: writes go on", **told)


def _megabytes(size: int) -> str:
    return f"{size // 1_000_000:,} MB"
