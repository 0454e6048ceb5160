"""The page of memory that says which calls of the server's process fail, and the clock it is given."""

import mmap
import os
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
WRITE, SYNC, CREATE = 1, 2, 4
"""Kinds of calls, as in `shim.c`."""
HEAD = struct.Struct("=iiqq256s")
CLOCK = struct.Struct("=d")
CLOCK_AT = 1024
"""Where in the page the offset of the clock lies, in seconds."""
PAGE = 4096
VARIABLE = "SIGHTLINE_FAULTS"
"""Names the page's file to the server's process."""


def built(folder: Path) -> Path | None:
    """The library to preload; None where there is no C compiler."""
    library = folder / "shim.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE", "-o", str(library), str(SOURCE), "-ldl"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return library


class Page:
    """Arms and disarms faults of a process that has the library and maps this page."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(PAGE))
        self.path = path
        self._file = path.open("r+b")
        self._memory = mmap.mmap(self._file.fileno(), PAGE)

    def arm(self, error: int, calls: int, prefix: Path, after: int = 0) -> None:
        """Calls of these kinds below `prefix` fail with `error`, once `after` of them have succeeded."""
        self._memory[: HEAD.size] = HEAD.pack(0, 0, 0, 0, b"")
        self._memory[8 : HEAD.size] = HEAD.pack(0, 0, after, 0, str(prefix).encode())[8:]
        self._memory[:8] = struct.pack("=ii", error, calls)

    def disarm(self) -> None:
        self._memory[:8] = struct.pack("=ii", 0, 0)

    @property
    def hits(self) -> int:
        """Calls that failed since it was armed."""
        return int(HEAD.unpack(self._memory[: HEAD.size])[3])

    def set_clock(self, offset_s: float) -> None:
        self._memory[CLOCK_AT : CLOCK_AT + CLOCK.size] = CLOCK.pack(offset_s)

    def clock_offset_s(self) -> float:
        return float(CLOCK.unpack(self._memory[CLOCK_AT : CLOCK_AT + CLOCK.size])[0])

    def close(self) -> None:
        self._memory.close()
        self._file.close()


def opened(path: str) -> mmap.mmap:
    """The page from the server's side."""
    handle = os.open(path, os.O_RDWR)
    try:
        return mmap.mmap(handle, PAGE)
    finally:
        os.close(handle)


def offset_s(memory: mmap.mmap) -> float:
    return float(CLOCK.unpack(memory[CLOCK_AT : CLOCK_AT + CLOCK.size])[0])
