"""ASGI middleware: security headers (CSP, HSTS), CSRF protection, and CORS for the public API."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.server.edges.answers import refusal

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods without side effects (RFC 9110), which need no CSRF check."""
PUBLIC_PREFIXES = ("/api/public/", "/v1/")
"""Paths that CORS opens to every origin."""

SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Defaults where a response sets none: a response is private data unless it is the page or a file."""


class SecurityHeaders:
    """Adds `SECURITY_HEADERS`, and HSTS over HTTPS."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self._app = app
        self._headers = dict(SECURITY_HEADERS)
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class SameOrigin:
    """CSRF protection of the page API by `Sec-Fetch-Site` or `Origin`: other sites' requests carry the cookie too."""

    def __init__(self, app: ASGIApp, *, public_url: str | None = None) -> None:
        self._app = app
        self._public_host = urlsplit(public_url).netloc if public_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and scope["path"].startswith("/api/web"):
            problem = self._problem(Headers(scope=scope))
            if problem:
                await refusal(403, problem, "ForbiddenError")(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _problem(self, headers: Headers) -> str | None:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            return None if site == "same-origin" else f"This request comes from another site (Sec-Fetch-Site: {site})"
        if origin is not None:
            hosts = {headers.get("host"), self._public_host}
            same = urlsplit(origin).netloc in hosts
            return None if same else f"This request comes from another site (Origin: {origin})"
        # Neither header: no current browser. Without a cookie there is no ambient authority to misuse.
        if "cookie" in headers:
            return "A request with a session cookie needs an Origin or Sec-Fetch-Site header"
        return None


class PlainText:
    """Refuses a NUL in a URL: PostgreSQL stores none, so nothing can be named by one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            problem = "the address holds the character NUL (%00), which nothing here is named by: leave it out"
            await refusal(400, problem, "InvalidRequestError", path=scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)


class PublicCors:
    """CORS: any origin may call the public API with keys of its own; the page API stays same-origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(app, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], max_age=86_400)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        public = scope["type"] == "http" and scope["path"].startswith(PUBLIC_PREFIXES)
        await (self._open if public else self._app)(scope, receive, send)
