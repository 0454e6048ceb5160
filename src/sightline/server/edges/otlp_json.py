"""OTLP's JSON form. It is protobuf's JSON except that ids are hexadecimal, not base64; some exporters send base64."""

import base64
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import NotJson, guarded

ID_LENGTHS = {"traceId": 16, "spanId": 8, "parentSpanId": 8, "trace_id": 16, "span_id": 8, "parent_span_id": 8}
ID_LISTS = (
    *("resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "spans", "links"),
    *("resourceLogs", "resource_logs", "scopeLogs", "scope_logs", "logRecords", "log_records"),
)
"""What holds ids, and what holds that. Metrics have ids in their exemplars only, which nobody reads here."""

Export = TypeVar("Export", bound=Message)


def signal_of(export: Message) -> str:
    """`trace`, `logs` or `metrics`."""
    return type(export).__name__.removeprefix("Export").removesuffix("ServiceRequest").lower()


def parse_json(body: bytes, export: Export) -> Export:
    """The given export, empty before, after what the JSON says; InvalidRequest says what is wrong with it."""
    try:
        document = guarded(body)
    except NotJson as problem:
        raise InvalidRequest(f"the body is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        wanted = export.DESCRIPTOR.fields[0].json_name
        raise InvalidRequest(f"the body is a JSON {type(document).__name__}, an export is an object with {wanted}")
    return filled(document, export)


def filled(document: dict[str, Any], export: Export) -> Export:
    """The given export, empty before, after its parsed JSON, which is used up; InvalidRequest says what is wrong."""
    _base64_ids(document)
    try:
        ParseDict(document, export, ignore_unknown_fields=True)
        return export
    except (ParseError, RecursionError, TypeError, ValueError) as problem:
        raise InvalidRequest(f"the body is not an OTLP {signal_of(export)} export: {problem}") from problem


def _base64_ids(node: dict[str, Any]) -> None:
    """Rewrite hexadecimal ids in place, where ids can be: spans, their links, log records."""
    for key, length in ID_LENGTHS.items():
        if isinstance(value := node.get(key), str):
            node[key] = base64.b64encode(_id_bytes(value, length)).decode()
    for key in ID_LISTS:
        children = node.get(key)
        for child in children if isinstance(children, list) else ():
            if isinstance(child, dict):
                _base64_ids(child)


def _id_bytes(written: str, length: int) -> bytes:
    """Hexadecimal of the right length, else base64, else the bytes of whatever was written: refused further on."""
    if len(written) == 2 * length:
        try:
            return bytes.fromhex(written)
        except ValueError:
            pass  # Not hexadecimal: base64 has the same alphabet and more.
    try:
        return base64.b64decode(written, validate=True)
    except ValueError:  # Neither: characters beyond ASCII, or of no alphabet.
        return written.encode()
