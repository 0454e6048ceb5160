"""What is written under faults, as registers: a key is given values, and reads answer one of those that may stand.

After the last acknowledged value only values that were tried later, and not acknowledged, may stand in its place.
"""

import base64
import hashlib
import json
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from benchmarks.faults.served import ORGANIZATION, PROJECT, UNANSWERED, Server

OLD_TRACES = 6
"""Traces of the template, whose days are over in `retention` and which `delete` deletes."""
RETENTION_DAYS = 7
WEIGHT = 120_000
"""Characters of noise in a span: a few fill what a disk has left."""
MOST_VALUES = 12
"""Values of a key in one run, `v0` to this."""
NOTHING = "nothing"
"""What a read answers where a key is not there."""


@dataclass
class Registers:
    """What was tried, in order, and whether it was acknowledged."""

    tried: dict[str, list[tuple[str, bool]]] = field(default_factory=lambda: defaultdict(list))
    statuses: list[int] = field(default_factory=list)

    def note(self, key: str, value: str, status: int) -> None:
        self.tried[key].append((value, 200 <= status < 300))
        self.statuses.append(status)

    @property
    def acknowledged(self) -> int:
        return sum(was for each in self.tried.values() for _, was in each)

    def may_stand(self, key: str, before: str) -> set[str]:
        """The values that a read may answer; `before` is what stood there first."""
        standing = {before}
        for value, was_acknowledged in self.tried[key]:
            standing = {value} if was_acknowledged else standing | {value}
        return standing


class Subject(Protocol):
    name: str
    patches: tuple[str, ...]

    def value(self, number: int) -> str:
        """The value of a round."""
        ...

    def put(self, server: Server, key: str, value: str) -> int:
        """The status of the answer."""
        ...

    def get(self, server: Server, key: str) -> str:
        """What stands under the key; one that stands twice answers `twice`."""
        ...

    def before(self, key: str) -> str:
        """What stands there in the template."""
        ...


def identity(text: str, characters: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:characters]


def span(trace_id: str, span_id: str, name: str, start_ns: int, weight: int = WEIGHT) -> bytes:
    export = ExportTraceServiceRequest()
    one = (
        export.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            trace_id=bytes.fromhex(trace_id),
            span_id=bytes.fromhex(span_id),
            name=name,
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + 1_000_000,
        )
    )
    noise = AnyValue(string_value=secrets.token_hex(weight // 2))
    one.attributes.append(KeyValue(key="langfuse.observation.input", value=noise))
    body: bytes = export.SerializeToString()
    return body


class Numbered:
    """A register that holds nothing in the template."""

    patches: tuple[str, ...] = ()

    def value(self, number: int) -> str:
        return f"v{number}"

    def before(self, _: str) -> str:
        return NOTHING


class Spans(Numbered):
    """Upserts of spans over OTLP."""

    name = "spans"

    def __init__(self) -> None:
        self._start_ns = time.time_ns() - 3600 * 1_000_000_000

    def put(self, server: Server, key: str, value: str) -> int:
        body = span(identity(f"t{key}", 32), identity(f"s{key}", 16), f"{key} {value}", self._start(key))
        return server.ask("POST", "/v1/traces", body, {**PROJECT, "Content-Type": "application/x-protobuf"})[0]

    def get(self, server: Server, key: str) -> str:
        trace = server.read(f"/api/public/traces/{identity(f't{key}', 32)}")
        named = [each["name"] for each in trace["observations"]] if trace else []
        if len(named) > 1:
            return "twice"
        listed = server.read(f"/api/public/traces?limit=50&name={quote(named[0])}") if named else None
        if listed is not None and len(listed["data"]) != 1:
            return f"{named[0]} listed {len(listed['data'])} times"
        return named[0].removeprefix(f"{key} ") if named else NOTHING

    def _start(self, key: str) -> int:
        """Every other key lies in another month."""
        return self._start_ns - (40 * 86_400 * 1_000_000_000 if key.endswith("1") else 0)


class Scores(Numbered):
    name = "scores"

    def put(self, server: Server, key: str, value: str) -> int:
        body = {"id": key, "traceId": "t" * 32, "name": "n", "value": value, "comment": secrets.token_hex(20_000)}
        return server.ask("POST", "/api/public/scores", body)[0]

    def get(self, server: Server, key: str) -> str:
        found = server.read(f"/api/public/v2/scores/{key}")
        return found["stringValue"] if found else NOTHING


class Changes(Numbered):
    """Events of the older ingestion, dated by the server."""

    name = "changes"

    def put(self, server: Server, key: str, value: str) -> int:
        body = {"id": f"legacy-{key}", "name": value, "input": secrets.token_hex(20_000)}
        return server.ask("POST", "/api/public/traces", body)[0]

    def get(self, server: Server, key: str) -> str:
        trace = server.read(f"/api/public/traces/legacy-{key}")
        return trace["name"] if trace else NOTHING


class Prompts(Numbered):
    name = "prompts"

    def put(self, server: Server, key: str, value: str) -> int:
        config = {"noise": secrets.token_hex(30_000)}
        body = {"name": key, "type": "text", "prompt": value, "labels": ["production"], "config": config}
        return server.ask("POST", "/api/public/v2/prompts", body)[0]

    def get(self, server: Server, key: str) -> str:
        found = server.read(f"/api/public/v2/prompts/{key}")
        return found["prompt"] if found else NOTHING


class MediaFiles(Numbered):
    """A file is announced and uploaded; each value is a file of its own."""

    name = "media"

    def put(self, server: Server, key: str, value: str) -> int:
        content = self._content(key, value)
        announced = {
            "contentType": "application/octet-stream",
            "contentLength": len(content),
            "sha256Hash": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            "traceId": identity(key, 32),
            "field": "input",
        }
        status, body = server.ask("POST", "/api/public/media", announced)
        if status != 201:
            return status
        url = json.loads(body)["uploadUrl"]
        return 200 if url is None else server.ask("PUT", "/" + url.split("/", 3)[3], content, {})[0]

    def get(self, server: Server, key: str) -> str:
        """The newest value whose file comes back byte by byte."""
        for number in range(MOST_VALUES, -1, -1):
            content = self._content(key, f"v{number}")
            media_id = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()[:22]
            found = server.read(f"/api/public/media/{media_id}")
            if found and server.ask("GET", "/" + found["url"].split("/", 3)[3], headers={}) == (200, content):
                return f"v{number}"
        return NOTHING

    def _content(self, key: str, value: str) -> bytes:
        return hashlib.shake_256(f"{key} {value}".encode()).digest(60_000)


class Deletions(Numbered):
    """Old traces are deleted; gone once acknowledged."""

    name = "delete"

    def value(self, _: int) -> str:
        return NOTHING

    def put(self, server: Server, key: str, _: str) -> int:
        return server.ask("DELETE", f"/api/public/traces/{old_trace(key)}")[0]

    def get(self, server: Server, key: str) -> str:
        return NOTHING if server.read(f"/api/public/traces/{old_trace(key)}") is None else "old"

    def before(self, key: str) -> str:
        return "old" if int(key.removeprefix("k")) < OLD_TRACES else NOTHING


class Retention(Spans):
    """New spans stay while old ones go: the job runs every moment, and the fault strikes it too."""

    name = "retention"
    patches = ("jobs",)

    def put(self, server: Server, key: str, value: str) -> int:
        body: dict[str, Any] = {"name": "here", "retention": RETENTION_DAYS, "metadata": {}}
        server.ask("PUT", "/api/public/projects/here", body, ORGANIZATION)
        return super().put(server, key, value)

    def _start(self, _: str) -> int:
        return self._start_ns


class Migration(Spans):
    """A folder of an older version is opened, and written to."""

    name = "migration"


def old_trace(key: str) -> str:
    return identity(f"old{key.removeprefix('k')}", 32)


def old_spans() -> list[bytes]:
    """The spans of the template's traces, ten days old."""
    start_ns = time.time_ns() - 10 * 86_400 * 1_000_000_000
    return [
        span(old_trace(f"k{number}"), identity(f"old{number}", 16), "old", start_ns, weight=2_000)
        for number in range(OLD_TRACES)
    ]


SUBJECTS: tuple[type[Any], ...] = (
    Spans,
    Scores,
    Changes,
    Prompts,
    MediaFiles,
    Deletions,
    Retention,
    Migration,
)
REFUSALS = (429, 503, UNANSWERED)
"""Statuses that a fault may have: a client sends again. Anything else than success is a wrong answer."""
