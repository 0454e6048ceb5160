"""The single-page app: fingerprinted assets are immutable, index.html has a CSP nonce; precompressed variants."""

import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Match

from sightline.server.edges.access import Anyone
from sightline.server.runtime.errors import NotFound

STATIC = Path(__file__).parent / "static"
"""Where the build of the page lies in the package."""
NONCE_PLACEHOLDER = "__CSP_NONCE__"
"""In index.html, replaced by the CSP nonce of each response."""
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""Precompressed variants, best first: content encoding and file ending."""
PAGES = frozenset(("", "index.html", "sign-in", "link", "account", "project", "gallery"))
"""First segments of the page's routes, as `web/src/router.tsx` has them. Any other path is a 404: what probes for
`/metrics` must not take the page for an answer. A browser is shown the page with it, which says that nothing is there."""
API = ("api/", "v1/", ".well-known/")
"""Prefixes where a browser is told in JSON too."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Built:
    """The listing of one build. Only listed paths are served, so no path traversal."""

    stamp: float
    files: Mapping[str, Path]
    index: str


class Page:
    """The build in a folder, cached; the mtime of index.html invalidates it."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._built: Built | None = None

    def built(self) -> Built | None:
        """None where the page was never built."""
        index = self._folder / "index.html"
        try:
            stamp = index.stat().st_mtime
        except FileNotFoundError:
            return None
        if self._built is None or self._built.stamp != stamp:
            files = {str(path.relative_to(self._folder)): path for path in self._folder.rglob("*") if path.is_file()}
            self._built = Built(stamp, files, index.read_text())
        return self._built


PAGE = Page()
"""The build inside the installed package."""


def the_page() -> Page:
    return PAGE


@router.api_route("/{path:path}", methods=["GET", "HEAD"], dependencies=[Anyone])
async def serve(path: str, request: Request, page: Annotated[Page, Depends(the_page)]) -> Response:
    """A file of the build, or index.html for client-side routes."""
    built = page.built()
    is_page = path.partition("/")[0] in PAGES
    if not is_page and not (built and path in built.files) and not _is_shown(path, request):
        _refuse_other_methods(request)
        raise NotFound(f"{request.method} /{path}: there is nothing at this address")
    if built is None:
        return HTMLResponse(NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})
    if path in built.files and path != "index.html":
        return _file(path, built, request.headers.get("accept-encoding", ""))
    if path.startswith("assets/"):
        raise NotFound(f"/{path} is not part of this build: reload the page")
    return _index(built, 200 if is_page else 404)


def _is_shown(path: str, request: Request) -> bool:
    """Whether a person looks at what is missing, in a browser."""
    return "text/html" in request.headers.get("accept", "") and not path.startswith(API)


def _refuse_other_methods(request: Request) -> None:
    """405 for a path that other methods have: the page's catch-all GET route hides it from the router."""
    partly = [route for route in request.app.routes if route.matches(request.scope)[0] is Match.PARTIAL]
    if partly:
        raise HTTPException(status_code=405)


def _index(built: Built, status: int) -> Response:
    nonce = secrets.token_urlsafe(16)
    return HTMLResponse(
        built.index.replace(NONCE_PLACEHOLDER, nonce),
        status,
        headers={"Content-Security-Policy": content_security_policy(nonce), "Cache-Control": "no-cache"},
    )


def content_security_policy(nonce: str) -> str:
    """CSP: nothing from other origins, no inline script; inline styles only with the nonce, which the editor needs."""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            f"style-src-elem 'self' 'nonce-{nonce}'",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _file(path: str, built: Built, accepted: str) -> Response:
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    hashed = path.startswith("assets/")
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache"}
    for encoding, suffix in ENCODINGS:
        if f"{path}{suffix}" in built.files:
            headers["Vary"] = "Accept-Encoding"
            if encoding in accepted:
                headers["Content-Encoding"] = encoding
                return Response(built.files[f"{path}{suffix}"].read_bytes(), media_type=kind, headers=headers)
    return Response(built.files[path].read_bytes(), media_type=kind, headers=headers)


NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sightline</title>
<h1>The page is not built yet</h1>
<p>The server runs, and its API answers. To build the page: <code>npm ci &amp;&amp; npm run build</code> in
<code>web/</code>, then reload. Installed wheels carry it ready-made.</p></html>
"""
"""Shown where the package has no build of the page."""
