"""One file inside an archive, unread: where it lies, so that a million of them cost their names only."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 64 * 2**20
"""Largest member that is unpacked (limit against decompression bombs)."""


class PackedError(OSError):
    """A member that cannot be taken out; the message says why."""


@dataclass(frozen=True)
class Packed:
    """A member of a zip (by name) or of a tar (by place)."""

    archive: Path
    name: str
    at: int | None = None
    """Where its bytes begin in an uncompressed tar; none: it is a zip's."""
    size: int = 0

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"

    def body(self) -> bytes:
        """Its bytes; raises `OSError` when they cannot be had."""
        if self.size > MOST_BYTES:
            raise PackedError(f"it has {self.size:,} bytes, the limit is {MOST_BYTES:,}")
        if self.at is not None:
            with self.archive.open("rb") as file:
                file.seek(self.at)
                return file.read(self.size)
        try:
            with zipfile.ZipFile(self.archive) as packed, packed.open(self.name) as file:
                body = file.read(MOST_BYTES + 1)
        except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
            raise PackedError(str(error)) from error
        if len(body) > MOST_BYTES:
            raise PackedError(f"it unpacks to more than {MOST_BYTES:,} bytes")
        return body
