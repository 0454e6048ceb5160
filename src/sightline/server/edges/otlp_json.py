"""OTLP's JSON form. It is protobuf's JSON except that ids are hexadecimal, not base64; some exporters send base64."""

import base64
import binascii
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import NotJson, loads

ID_LENGTHS = {"traceId": 16, "spanId": 8, "parentSpanId": 8, "trace_id": 16, "span_id": 8, "parent_span_id": 8}
SPAN_LISTS = ("resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "spans", "links")


def parse_json(body: bytes) -> ExportTraceServiceRequest:
    """An export in JSON; InvalidRequest says what is wrong with it."""
    try:
        document = loads(body)
    except NotJson as problem:
        raise InvalidRequest(f"the body is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise InvalidRequest(f"the body is a JSON {type(document).__name__}, an export is an object with resourceSpans")
    return export_of(document)


def export_of(document: dict[str, Any]) -> ExportTraceServiceRequest:
    """An export from its parsed JSON, which is used up; InvalidRequest says what is wrong with it."""
    _base64_ids(document)
    try:
        export = ExportTraceServiceRequest()
        ParseDict(document, export, ignore_unknown_fields=True)
        return export
    except (ParseError, TypeError, ValueError) as problem:
        raise InvalidRequest(f"the body is not an OTLP trace export: {problem}") from problem


def _base64_ids(node: dict[str, Any]) -> None:
    """Rewrite hexadecimal ids in place, where ids can be: spans and their links."""
    for key, length in ID_LENGTHS.items():
        if isinstance(value := node.get(key), str):
            node[key] = base64.b64encode(_id_bytes(value, length)).decode()
    for key in SPAN_LISTS:
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
    except binascii.Error:
        return written.encode()
