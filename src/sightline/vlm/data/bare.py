"""Pictures without their metadata: a damaged or huge text, colour profile or EXIF must not condemn good pixels."""

import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
CRITICAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""Chunks of a PNG that pixels are made of."""
KEPT = (0xE0, 0xEE)
"""Application segments of a JPEG that pixels are made of: JFIF's, and Adobe's, which says how colours are coded."""
SCAN, END = 0xDA, 0xD9
"""Markers of a JPEG: where a scan begins, and the end of the image."""


def bare(body: bytes) -> bytes | None:
    """The same PNG or JPEG without metadata; none where there is nothing to leave out, or the rest is broken, too."""
    if body.startswith(PNG):
        kept = b"".join(_chunks(body))
        changed = len(kept) + len(PNG) < len(body)
        return PNG + kept if changed and kept.startswith(b"\0\0\0\rIHDR") else None
    if body.startswith(b"\xff\xd8"):
        return _segments(body)
    return None


def _chunks(body: bytes) -> Iterator[bytes]:
    """The critical chunks whose checksums are right, in their order."""
    at = len(PNG)
    while at + 12 <= len(body):
        size = int.from_bytes(body[at : at + 4])
        chunk = body[at : at + 12 + size]
        kind = chunk[4:8]
        if kind in CRITICAL:
            whole = len(chunk) == 12 + size and zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
            if whole or kind == b"IDAT":
                yield chunk
        at += 12 + size


def _segments(body: bytes) -> bytes | None:
    """A JPEG up to its first scan without application segments and comments, and everything from there."""
    kept, at = [b"\xff\xd8"], 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        if marker in (SCAN, END):
            kept.append(body[at:])
            return b"".join(kept) if len(b"".join(kept)) < len(body) else None
        end = at + 2 + int.from_bytes(body[at + 2 : at + 4])
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in KEPT:
            kept.append(body[at:end])
        at = end
    return None
