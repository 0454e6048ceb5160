"""ASGI middleware: refuses what would be stored while the reserve of free disk space is reached, before its body."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from sightline.server.edges.answers import refusal
from sightline.server.runtime.space import FreeSpace, NoRoom

WRITES = frozenset(("POST", "PUT", "PATCH"))
"""Methods that store. DELETE makes room."""
GO_ON = re.compile(
    r"/api/web/session|/api/web/account/password|/api/web/links/(look|password|decline)"
    r"|(/api/public)?/mcp|/api/web/projects/[^/]+/ask"
)
"""Paths that go on: sign-in, sign-out and what replaces a password, few bytes each; tools, which come through this door
themselves; a question to a model."""


class Reserve:
    """Everything else that is no read and no deletion is a write: a new route is refused by default."""

    def __init__(self, app: ASGIApp, *, space: FreeSpace) -> None:
        self._app = app
        self._space = space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
        except NoRoom as full:
            headers = {"Retry-After": str(full.retry_after_s)}
            await refusal(full.status, full.message, full.error, headers, scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if scope["type"] != "http" or GO_ON.fullmatch(scope["path"]):
            return
        if scope["method"] in WRITES:
            self._space.require()
        elif scope["method"] == "DELETE":
            self._space.require_to_delete()
