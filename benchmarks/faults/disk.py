"""A disk of the campaign's own: a small tmpfs that can be filled to the last byte, or a folder where none can be."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024
SIZE_MIB = 192
BLOCK = 64 * 1024


class Disk:
    """`is_real` says whether it can be filled."""

    def __init__(self, folder: Path, *, wants_real: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(folder)]
        self.is_real = wants_real and subprocess.run(mounting, capture_output=True, check=False).returncode == 0
        self._filler = folder / "filler"

    def leave(self, free_bytes: int) -> None:
        """Fill it until so many bytes are free."""
        while (more := self._free() - free_bytes) > 0:
            size = self._filler.stat().st_size if self._filler.exists() else 0
            handle = os.open(self._filler, os.O_WRONLY | os.O_CREAT)
            try:
                os.posix_fallocate(handle, size, min(more, 32 * MIB) if more > BLOCK else more)
            except OSError:
                return
            finally:
                os.close(handle)

    def heal(self) -> None:
        with suppress(FileNotFoundError):
            self._filler.unlink()

    def close(self) -> None:
        if self.is_real:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)

    def _free(self) -> int:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize
