"""A web server with one file, that can do what real ones do wrong."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What it serves, how, and what it was asked."""

    body: bytes
    ranges: bool = True
    """Whether it can go on in the middle of the file."""
    cuts: list[int] = field(default_factory=list)
    """After how many bytes the connection breaks, answer by answer; when none is left, answers are whole."""
    hangs: bool = False
    """Whether a connection that would break stays open instead, silent."""
    statuses: list[int] = field(default_factory=list)
    """Refusals, answer by answer."""
    tag: str = '"one"'
    kind: str = "application/octet-stream"
    asked: list[str | None] = field(default_factory=list)
    """The Range of every request."""
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.headers.get("Range"))
        if self.statuses:
            request.send_response(self.statuses.pop(0))
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = self.start(request)
        if start is not None and start >= len(self.body):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.body)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        rest = self.body[start or 0 :]
        request.send_response(200 if start is None else 206)
        if start is not None:
            request.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        request.send_header("ETag", self.tag)
        request.send_header("Content-Type", self.kind)
        request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        request.wfile.write(rest[: self.cuts.pop(0)] if self.cuts else rest)
        while self.hangs:
            time.sleep(0.01)

    def start(self, request: BaseHTTPRequestHandler) -> int | None:
        asked = request.headers.get("Range")
        same = request.headers.get("If-Range", self.tag) == self.tag
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges and same else None


@contextmanager
def serving(server: FileServer, path: str = "/weights/model.pth") -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        server.url = f"http://127.0.0.1:{http.server_port}{path}"
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
