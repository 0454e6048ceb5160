"""The page's own API under /api/web, and the page itself."""

from typing import Any

from fastapi import APIRouter

from sightline.server.edges.web import ask, keys, live, media, models, session, static, traces
from sightline.server.edges.web.shapes import Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (400, 401, 403, 404, 429)}

router = APIRouter(prefix="/api/web", responses=PROBLEMS)
for part in (session, traces, media, live, models, ask, keys):
    router.include_router(part.router)

pages = static.router
"""Last of all routes: it answers every other GET."""

__all__ = ["pages", "router"]
