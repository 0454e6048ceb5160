"""Streaming (SAX-style) parser for large JSON documents, under the same rules as small ones."""

import codecs
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

import ijson
from ijson.common import ObjectBuilder

from sightline.server.edges.large.spool import BATCH_BYTES
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import DEEPEST, too_deep, whole

Event = tuple[str, str, Any]
"""A parse event of ijson: prefix (path), event, value."""
LARGEST_WHOLE = 2**64
"""Integers from here on become floats, as orjson reads them."""
NESTING = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
"""What a parse event changes of the depth."""
VALUE_BYTES = 100
"""Approximate memory overhead of one value beside its text."""
CUT_ESCAPE = re.compile(r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?))?\Z")
"""A JSON escape cut at the end of a block, or a high surrogate whose low one may be in the next block."""


def events(file: IO[bytes]) -> Iterator[Event]:
    """All events of the document; InvalidRequest where it is no JSON, or too deep. Numbers are as orjson reads them."""
    file.seek(0)
    depth = 0
    try:
        for prefix, event, value in ijson.parse(_Mended(file)):
            depth += NESTING.get(event, 0)
            if depth > DEEPEST:
                raise too_deep()
            yield prefix, event, _plain(value) if event == "number" else value
    except ijson.JSONError as problem:
        first_line = str(problem).strip("b'\"").split("\\n")[0].split("\n")[0]
        raise InvalidRequest(f"the body is not JSON: {first_line}") from problem


def has_list(file: IO[bytes], name: str) -> bool:
    """Whether the document, read to its end, is an object with a list of this name."""
    return sum(event == "start_array" and prefix == name for prefix, event, _ in events(file)) > 0


def listed(file: IO[bytes], name: str, batch_bytes: int = BATCH_BYTES) -> Iterator[list[Any]]:
    """The items of the document's list of this name, in batches of about `batch_bytes`."""
    place = f"{name}.item"
    inside = f"{place}."
    builder, found, held = ObjectBuilder(), [], 0
    for prefix, event, value in events(file):
        if prefix != place and not prefix.startswith(inside):
            continue
        builder.event(event, value)
        held += VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
        if prefix == place and event not in ("start_map", "start_array", "map_key"):
            found.append(builder.value)
            builder = ObjectBuilder()
            if held >= batch_bytes:
                yield found
                found, held = [], 0
    yield found


def _plain(number: int | Decimal) -> int | float:
    if isinstance(number, int) and abs(number) < LARGEST_WHOLE:
        return number
    try:
        plain = float(number)
    except OverflowError:
        plain = math.inf
    if math.isinf(plain):
        raise InvalidRequest("the body is not JSON: a number is infinity when parsed as double")
    return plain


class _Mended:
    """A file-like wrapper that replaces lone surrogates and invalid UTF-8 by U+FFFD while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def read(self, size: int = -1) -> bytes:
        if size == 0:  # How ijson asks whether this is a file of bytes.
            return b""
        while True:
            block = self._file.read(size)
            text = self._rest + self._decoder.decode(block, final=not block)
            self._rest = ""
            if block and (cut := _cut_escape(text)) is not None:
                text, self._rest = text[:cut], text[cut:]
            if text or not block:
                return whole(text).encode()


def _cut_escape(text: str) -> int | None:
    """Offset of an escape that the end of the text may have truncated."""
    start = max(0, len(text) - 12)
    while found := CUT_ESCAPE.search(text, start):
        before = text[: found.start()]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return found.start()
        start = found.start() + 1  # That backslash is escaped itself.
    return None
