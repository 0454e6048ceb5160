"""Splits a large OTLP/protobuf trace export into a stream of small ones by its length-delimited fields, unheld."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from sightline.server.edges.large.spool import BATCH_BYTES
from sightline.server.runtime.errors import InvalidRequest, TooLarge

RESOURCE_SPANS, SCOPE_SPANS, SPANS = 1, 2, 2
"""Field numbers of what is walked: in the export, in a ResourceSpans, in a ScopeSpans."""
VARINT, EIGHT_BYTES, MESSAGE, FOUR_BYTES = 0, 1, 2, 5
"""Wire types."""
LONGEST_VARINT = 10
"""Bytes of a varint of 64 bits."""
LARGEST_HEAD_BYTES = 1024 * 1024
"""Limit of a resource or scope, since every batch repeats it."""
LARGEST_SPAN_BYTES = 64 * 1024 * 1024
"""Limit of one span, which is held in memory whole."""
SPAN_OVERHEAD_BYTES = 500
"""Approximate memory overhead of a span beside its texts."""


@dataclass(frozen=True, slots=True)
class Field:
    number: int
    wire_type: int
    start: int
    """Where its tag begins."""
    content: int
    """Where its content begins, after tag and length."""
    end: int

    def is_message(self, number: int) -> bool:
        return self.number == number and self.wire_type == MESSAGE


def protobuf_batches(file: IO[bytes], batch_bytes: int = BATCH_BYTES) -> Iterator[bytes]:
    """Exports of about `batch_bytes` that together equal the file, each span with its resource and scope."""
    export: list[bytes] = []
    held = 0
    for resource in _messages(file, whole_file(file), RESOURCE_SPANS):
        resource_head = _head(file, resource, SCOPE_SPANS)
        scopes: list[bytes] = []
        for scope in _messages(file, resource, SCOPE_SPANS):
            scope_head = _head(file, scope, SPANS)
            spans: list[bytes] = []
            for span in _messages(file, scope, SPANS):
                spans.append(_bytes(file, span.start, span.end, LARGEST_SPAN_BYTES, "a span"))
                held += len(spans[-1]) + SPAN_OVERHEAD_BYTES
                if held >= batch_bytes:
                    scopes.append(message(SCOPE_SPANS, scope_head, *spans))
                    yield b"".join([*export, message(RESOURCE_SPANS, resource_head, *scopes)])
                    export, scopes, spans, held = [], [], [], 0
            scopes.append(message(SCOPE_SPANS, scope_head, *spans))
            held += len(scope_head)
        export.append(message(RESOURCE_SPANS, resource_head, *scopes))
        held += len(resource_head)
    yield b"".join(export)


def whole_file(file: IO[bytes]) -> Field:
    """The file as if it were a field."""
    return Field(0, MESSAGE, 0, 0, file.seek(0, io.SEEK_END))


def _messages(file: IO[bytes], parent: Field, number: int) -> Iterator[Field]:
    return (field for field in fields(file, parent) if field.is_message(number))


def _head(file: IO[bytes], parent: Field, walked: int) -> bytes:
    """All fields of a message but the repeated one that is streamed."""
    others = (field for field in fields(file, parent) if not field.is_message(walked))
    parts: list[bytes] = []
    size = 0
    for field in others:
        parts.append(_bytes(file, field.start, field.end, LARGEST_HEAD_BYTES - size, "a resource or scope"))
        size += len(parts[-1])
    return b"".join(parts)


def _bytes(file: IO[bytes], start: int, end: int, most: int, what: str) -> bytes:
    if end - start > most:
        raise TooLarge(f"{what} of the export has {end - start:,} bytes, more than can be stored: cut its texts")
    file.seek(start)
    return file.read(end - start)


def fields(file: IO[bytes], parent: Field) -> Iterator[Field]:
    """Iterate the fields of a message in order; seeks before each read, so callers may move the file position."""
    place = parent.content
    while place < parent.end:
        file.seek(place)
        header = file.read(min(2 * LONGEST_VARINT, parent.end - place))
        tag, content = _varint(header, 0)
        wire_type = tag & 7
        if wire_type == MESSAGE:
            length, content = _varint(header, content)
            end = place + content + length
        elif wire_type == VARINT:
            end = place + _varint(header, content)[1]
        elif wire_type in (EIGHT_BYTES, FOUR_BYTES):
            end = place + content + (8 if wire_type == EIGHT_BYTES else 4)
        else:
            raise InvalidRequest(f"the body is not an OTLP trace export: wire type {wire_type} at byte {place:,}")
        if end > parent.end:
            raise InvalidRequest(f"the body is not an OTLP trace export, or is cut off: a field at byte {place:,}")
        yield Field(tag >> 3, wire_type, place, place + content, end)
        place = end


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """The number, and where it ends."""
    value = 0
    for shift, byte in enumerate(data[place : place + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, place + shift + 1
    raise InvalidRequest("the body is not an OTLP trace export, or is cut off: a number has no end")


def message(number: int, *parts: bytes) -> bytes:
    """Encode a length-delimited field of these parts."""
    return b"".join((_written(number << 3 | MESSAGE), _written(sum(map(len, parts))), *parts))


def _written(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))
