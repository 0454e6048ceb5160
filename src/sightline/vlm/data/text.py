"""Text files as people have them: UTF-8 or UTF-16, with or without a byte order mark, compressed or not."""

import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from sightline.vlm.config import SightlineVlmError

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""Byte order marks, and the encodings they begin."""


class SourceError(SightlineVlmError):
    """A source that is not there, or a table that cannot be read; the message names it and the way out."""


@dataclass(frozen=True)
class TextFile:
    """A text file, or a member of an archive, that can be opened again and again."""

    path: Path
    """What messages call it, and what relative paths in it are beside."""
    suffix: str
    """What says its kind: that before `.gz`."""
    open_bytes: Callable[[], BinaryIO]
    large: bool = False
    """Whether it is walked through again rather than held in memory."""

    @classmethod
    def of(cls, path: Path, most_held: int) -> "TextFile":
        """A file by its path."""
        packed = path.suffix.lower() == ".gz"
        suffix = path.with_suffix("").suffix if packed else path.suffix
        large = path.stat().st_size > most_held // (4 if packed else 1) if path.is_file() else False
        return cls(path, suffix.lower(), lambda: _opened(path, packed), large)

    def open_text(self, newline: str | None = None) -> TextIO:
        """Its text from the beginning, decoded as its first bytes say."""
        file = self.open_bytes()
        head = file.read(4)
        file.close()
        encoding = next((name for mark, name in MARKS if head.startswith(mark)), None)
        if encoding is None:
            encoding = {b"\0": "utf-16-be"}.get(head[:1]) or ("utf-16-le" if head[1:2] == b"\0" else "utf-8")
        return io.TextIOWrapper(self.open_bytes(), encoding=encoding, newline=newline)

    def text(self) -> str:
        """All of it."""
        with self.reading(), self.open_text() as file:
            return file.read()

    def reading(self) -> "Reading":
        """A context in which what goes wrong with the file becomes a `SourceError` that names it."""
        return Reading(self.path)


def _opened(path: Path, packed: bool) -> BinaryIO:
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


@dataclass(frozen=True)
class Reading:
    """Turns what reading a file raises into `SourceError`."""

    path: Path

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, UnicodeDecodeError):
            why = f"byte {error.object[error.start]:#04x} is no {error.encoding}: save it as UTF-8"
            raise SourceError(f"cannot read {self.path}: {why}") from error
        if isinstance(error, OSError | EOFError | zlib.error | lzma.LZMAError):
            raise SourceError(f"cannot read {self.path}: {getattr(error, 'strerror', None) or error}") from error
