"""One process per data folder: an OS file lock, released when its holder dies, with the holder's pid in the file."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from sightline.server.runtime.errors import FolderInUse

LOCK_NAME = "sightline.lock"
"""Lock file in the data folder."""


class FolderLock:
    """The lock of one folder. Reentrant within a process (reference-counted)."""

    _held: ClassVar[dict[Path, tuple[int, int]]] = {}
    """Folder to (file handle, reference count): a lock belongs to the process, not to one engine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._mine = False

    def acquire(self) -> None:
        """Take the folder, or raise FolderInUse with the holder's pid."""
        handle, holders = self._held.get(self._folder, (None, 0))
        if handle is None:
            handle = self._lock_file()
        self._held[self._folder] = (handle, holders + 1)
        self._mine = True

    def release(self) -> None:
        if not self._mine:
            return
        self._mine = False
        handle, holders = self._held.pop(self._folder)
        if holders > 1:
            self._held[self._folder] = (handle, holders - 1)
        else:
            os.close(handle)

    def _lock_file(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            written = os.read(handle, 32).decode(errors="replace").strip()
            os.close(handle)
            raise FolderInUse(str(self._folder), int(written) if written.isdigit() else None) from None
        with suppress(OSError):  # On a full disk the lock holds all the same; only its error says less.
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        return handle
