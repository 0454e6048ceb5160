"""Repairs protobuf with invalid UTF-8: a sender that truncates a text by bytes loses that character, not the export.

The runtime refuses such a message whole, as the specification wants; this walks it by its descriptor and replaces what
is not UTF-8 in its texts.
"""

import io
from typing import IO

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from sightline.server.edges.large.protobuf import Field, fields, message, whole_file
from sightline.server.runtime.errors import InvalidRequest

DEEPEST = 100
"""Nesting limit of messages, the runtime's own."""


def with_texts_mended(body: bytes, of: Descriptor) -> bytes:
    """The same message with U+FFFD for what is not UTF-8 in its texts; InvalidRequest where it is no such message."""
    file = io.BytesIO(body)
    return _mended(file, whole_file(file), of, DEEPEST)


def _mended(file: IO[bytes], parent: Field, of: Descriptor, depth: int) -> bytes:
    if not depth:
        raise InvalidRequest(f"the body is not an OTLP trace export: messages are nested more than {DEEPEST} deep")
    return b"".join(_field(file, field, of, depth) for field in fields(file, parent))


def _field(file: IO[bytes], field: Field, of: Descriptor, depth: int) -> bytes:
    known = of.fields_by_number.get(field.number)
    if known and known.message_type and field.is_message(known.number):
        return message(field.number, _mended(file, field, known.message_type, depth - 1))
    is_text = known is not None and known.type == FieldDescriptor.TYPE_STRING and field.is_message(field.number)
    start = field.content if is_text else field.start
    file.seek(start)
    raw = file.read(field.end - start)
    return message(field.number, raw.decode("utf-8", "replace").encode()) if is_text else raw
