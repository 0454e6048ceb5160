"""A parsed log record."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from sightline.server.tracing.mapping.values import python_attributes, python_value

NAME_KEY = "event.name"
"""Goes before the field `event_name`: Codex writes the place in its source into the field."""
WARNING_SEVERITY, ERROR_SEVERITY, DEFAULT_SEVERITY = 13, 17, 9
"""OpenTelemetry severity numbers: WARN, ERROR, and INFO where none is set."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A log record read."""

    raw: LogRecord
    name: str
    """The event's; empty for a line of a program's log."""
    body: Any
    attributes: Mapping[str, Any]
    nanoseconds: int
    digest: bytes
    """Content hash of what was logged, where and when: deduplicates a record that is sent again."""

    @property
    def in_trace(self) -> bool:
        return _is_id(self.raw.trace_id, 16)

    @property
    def in_span(self) -> bool:
        return self.in_trace and _is_id(self.raw.span_id, 8)

    @property
    def level(self) -> str:
        severity = self.raw.severity_number
        if severity >= ERROR_SEVERITY:
            return "ERROR"
        if severity >= WARNING_SEVERITY:
            return "WARNING"
        return "DEBUG" if 0 < severity < DEFAULT_SEVERITY else "DEFAULT"


def record_of(raw: LogRecord, scope: str, service: str | None, received_ns: int) -> Record:
    """`received_ns` stands in for the time of a record that has none."""
    attributes = python_attributes(raw.attributes)
    named = attributes.pop(NAME_KEY, None)
    return Record(
        raw=raw,
        name=str(named or raw.event_name),
        body=python_value(raw.body),
        attributes=attributes,
        nanoseconds=raw.time_unix_nano or raw.observed_time_unix_nano or received_ns,
        digest=_digest(raw, scope, service),
    )


def _digest(raw: LogRecord, scope: str, service: str | None) -> bytes:
    said = raw
    if raw.time_unix_nano and raw.observed_time_unix_nano:
        said = LogRecord()
        said.CopyFrom(raw)
        said.ClearField("observed_time_unix_nano")
    beside = f"{scope}\0{service or ''}\0".encode()
    return hashlib.sha256(beside + said.SerializeToString(deterministic=True)).digest()


def _is_id(raw: bytes, length: int) -> bool:
    return len(raw) == length and any(raw)
