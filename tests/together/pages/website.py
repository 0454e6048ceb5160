"""A site for the page tests: a running server, spans to send to it, and how a test opens its pages."""

import base64
import hashlib
import io
import json
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
STATIC = Path(__file__).parents[3] / "src/sightline/server/edges/web/static"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-color-profile=srgb"
).split()
PUBLIC_KEY, SECRET_KEY = "pk-lf-pages", "sk-lf-pages-0123456789abcdef0123456789abcdef"
EMAIL, PASSWORD = "ada@example.org", "a long enough password"
PATIENCE_MS = 60_000
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 360, "height": 740}
MAP = "document.querySelector('[data-testid=looked-map]').toDataURL()"
"""The map over the picture, as the browser painted it."""


OpenPage = Callable[..., Page]


@dataclass(frozen=True)
class Sightline:
    """A running server and the folder of its data."""

    address: str
    folder: Path

    def reset_link(self, email: str) -> str:
        """A one-time link for a new password, as whoever runs the server makes it."""
        command = [sys.executable, "-m", "sightline.cli", "reset-password", email, "--json"]
        given = ["--data-dir", str(self.folder), "--address", self.address]
        ran = subprocess.run([*command, *given], capture_output=True, text=True, check=True)
        return str(json.loads(ran.stdout)[0]["url"])

    def send(self, spans: list[dict[str, Any]]) -> None:
        """OTLP as JSON, as any exporter would post it; returns when the spans are stored."""
        body = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "tests"}, "spans": spans}]}]}
        self.post("/api/public/otel/v1/traces", body)

    def ingest(self, kind: str, **body: Any) -> None:
        """One event, as the Langfuse SDKs of old would post it."""
        event = {"id": secrets.token_hex(8), "type": kind, "timestamp": now(), "body": body}
        self.post("/api/public/ingestion", {"batch": [event]}, status=207)

    def post(self, path: str, body: dict[str, Any], *, status: int = 200) -> Any:
        """With the project's key; the answer must have this status."""
        key = base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {key}"}
        request = urllib.request.Request(f"{self.address}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_MS / 1000) as response:
            assert response.status == status
            return json.loads(response.read() or "null")

    def upload(self, content_type: str, content: bytes, trace_id: str) -> str:
        """A file as the Langfuse SDKs send it, and the token that names it."""
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        about = {"contentType": content_type, "contentLength": len(content), "sha256Hash": digest}
        told = self.post("/api/public/media", {**about, "traceId": trace_id, "field": "input"}, status=201)
        headers = {"Content-Type": content_type}
        request = urllib.request.Request(told["uploadUrl"], content, headers, method="PUT")
        with urllib.request.urlopen(request, timeout=PATIENCE_MS / 1000) as response:
            assert response.status == 200
        return f"@@@langfuseMedia:type={content_type}|id={told['mediaId']}|source=bytes@@@"


def now() -> str:
    return datetime.now(UTC).isoformat()


def span(name: str, trace_id: str, parent_id: str = "", **attributes: str | int) -> dict[str, Any]:
    """A span of 80 ms that has just ended."""
    now_ns = time.time_ns()
    values = [
        {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}
        for key, value in attributes.items()
    ]
    return {
        "traceId": trace_id,
        "spanId": secrets.token_hex(8),
        "parentSpanId": parent_id,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(now_ns - 80_000_000),
        "endTimeUnixNano": str(now_ns),
        "attributes": values,
        "status": {},
    }


def scene() -> str:
    """A small picture with a bright left half, as base64 of a PNG."""
    picture = Image.new("RGB", (64, 64), (20, 24, 28))
    picture.paste((230, 70, 60), (6, 20, 26, 44))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def grid(row: int, column: int) -> list[list[float]]:
    """All attention on one of 8 × 8 patches."""
    return [[float((y, x) == (row, column)) for x in range(8)] for y in range(8)]


def answer(words: str, question: str = "what is on the left?") -> list[dict[str, Any]]:
    """The spans of one answer: a generation with its picture and its maps, and a step under it of the same 80 ms."""
    trace_id = secrets.token_hex(16)
    parts = [
        {"type": "blob", "mime_type": "image/png", "modality": "image", "content": scene()},
        {"type": "text", "content": question},
    ]
    maps = [{"text": word, "grid": grid(3, place % 8)} for place, word in enumerate(re.findall(r"\s?\S+", words))]
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "sightline-tiny",
        "gen_ai.usage.input_tokens": 21,
        "gen_ai.usage.output_tokens": len(maps),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": parts}]),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": words}], "finish_reason": "stop"}]
        ),
        "sightline.looked": json.dumps({"method": "gradient", "words": maps}),
    }
    generation = span("chat sightline-tiny", trace_id, **attributes)
    step = span("encode", trace_id, generation["spanId"])
    return [generation, step | {each: generation[each] for each in ("startTimeUnixNano", "endTimeUnixNano")}]


def rows(page: Page) -> Any:
    return page.locator("[role=row][id^=trace-]")
