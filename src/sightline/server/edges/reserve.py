"""ASGI middleware: refuses what would be stored while the reserve of free disk space is reached, before its body."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from sightline.server.edges.answers import refusal
from sightline.server.runtime.space import FreeSpace, NoRoom

WRITES = frozenset(("POST", "PUT", "PATCH"))
"""Methods that store. DELETE makes room."""
GO_ON = re.compile(r"/api/web/session|(/api/public)?/mcp|/api/web/projects/[^/]+/ask")
"""Paths whose POST goes on: sign-in; tools, each of which comes through this door itself; a question to a model."""


class Reserve:
    """Everything else that is no read and no deletion is a write: a new route is refused by default."""

    def __init__(self, app: ASGIApp, *, space: FreeSpace) -> None:
        self._app = app
        self._space = space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in WRITES and not GO_ON.fullmatch(scope["path"]):
            try:
                self._space.require()
            except NoRoom as full:
                headers = {"Retry-After": str(full.retry_after_s)}
                answer = refusal(full.status, full.message, full.error, headers, scope["path"])
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
