"""Answers of the page API, compressed; the built page comes precompressed, see `web.static`."""

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/api/web/"
SMALLEST_BYTES = 1024
"""Smaller answers travel in one packet anyway."""
LEVEL = 5
"""JSON of spans is within a few per cent of level 9, in a third of its time."""
PACKED_TYPES = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf", "application/octet-stream")
"""What is compressed already, and event streams, which must not wait for a full block."""


class PageCompression:
    """No secret leaks by the length of an answer: other sites' requests come without the cookie, `SameSite=Lax`."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressed = GZipMiddleware(app, SMALLEST_BYTES, LEVEL, exclude_content_types=PACKED_TYPES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page_api = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._compressed if is_page_api else self._plain)(scope, receive, send)
