"""Large PNGs decoded a strip of rows at a time: whole, one of 39 megapixels takes 156 MB in Pillow.

Pillow decodes a file or nothing, so each strip becomes a small PNG. Filters refer to the row above, which is put on top
of the strip as it was decoded.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""PNG's colour types to samples a pixel."""
FROM_PIXELS = 2_000_000
"""Smaller pictures are decoded whole."""
STRIP_PIXELS = 1_000_000
"""About how many pixels are decoded at once."""
WIDEST = 100_000
"""Pixels of a row that still make a strip."""
REFINED = 4
"""How much larger than the thumbnail the picture is reduced to by averaging (box filter) before it is resampled."""
BLOCK_BYTES = 64 * 1024
"""Read buffer."""


@dataclass
class Header:
    width: int
    height: int
    colour: int
    kept: bytes
    """The chunks that every strip needs: palette and transparency."""

    @property
    def row_bytes(self) -> int:
        return self.width * CHANNELS[self.colour]


def reduced_png(file: IO[bytes], side: int, mode: str) -> Image.Image | None:
    """The picture at a fraction of its size; None for one that is small, or of a kind that cannot be cut."""
    file.seek(0)
    header = _header(file)
    if header is None:
        return None
    factor = max(1, max(header.width, header.height) // (side * REFINED))
    rows = max(factor, STRIP_PIXELS // header.width // factor * factor)
    size = -(-header.width // factor), -(-header.height // factor)
    small = Image.new(mode, size)
    above, done = bytes(header.row_bytes), 0
    lines = _scanlines(file, header)
    while done < header.height:
        count = min(rows, header.height - done)
        strip = _decoded(header, above, b"".join(next(lines) for _ in range(count)), count)
        above = strip.crop((0, count, header.width, count + 1)).tobytes()
        below = strip.crop((0, 1, header.width, count + 1)).convert(mode)
        small.paste(below.reduce(factor), (0, done // factor))
        done += count
    return small


def _header(file: IO[bytes]) -> Header | None:
    """What precedes the pixels; the file stands at the first of their chunks then."""
    if file.read(8) != SIGNATURE:
        return None
    kept, found = b"", None
    while True:
        place = file.tell()
        head = file.read(8)
        if len(head) < 8:
            return None
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            file.seek(place)
            return None if found is None else Header(*found, kept)
        body = file.read(length) if kind in (b"IHDR", b"PLTE", b"tRNS") else b""
        file.seek(place + 12 + length)
        if kind == b"IHDR":
            width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", body)
            if depth != 8 or interlaced or width > WIDEST or width * height < FROM_PIXELS or colour not in CHANNELS:
                return None
            found = width, height, colour
        elif body:
            kept += _chunk(kind, body)


def _scanlines(file: IO[bytes], header: Header) -> Iterator[bytes]:
    """Rows with their filter bytes, as they are compressed. ValueError where the file ends too soon."""
    inflater = zlib.decompressobj()
    length = header.row_bytes + 1
    rest = bytearray()
    for block in _compressed(file):
        packed = block
        while packed:
            try:
                rest += inflater.decompress(packed, max(BLOCK_BYTES, length))
            except zlib.error as problem:
                raise ValueError(str(problem)) from problem
            packed = inflater.unconsumed_tail
            place = 0
            while len(rest) - place >= length:
                yield bytes(rest[place : place + length])
                place += length
            del rest[:place]
    raise ValueError("it is cut off")


def _compressed(file: IO[bytes]) -> Iterator[bytes]:
    """The contents of the IDAT chunks."""
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind != b"IDAT":
            return
        while length:
            block = file.read(min(length, BLOCK_BYTES))
            if not block:
                return
            length -= len(block)
            yield block
        file.seek(4, io.SEEK_CUR)


def _decoded(header: Header, above: bytes, lines: bytes, count: int) -> Image.Image:
    """The row above, which has no filter, and the rows of the strip."""
    about = struct.pack(">IIBBBBB", header.width, count + 1, 8, header.colour, 0, 0, 0)
    pixels = zlib.compress(b"\0" + above + lines, 0)
    file = SIGNATURE + _chunk(b"IHDR", about) + header.kept + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    strip = Image.open(io.BytesIO(file), formats=("PNG",))
    strip.load()
    return strip


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
