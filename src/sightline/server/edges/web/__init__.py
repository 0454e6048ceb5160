"""The page's own API under /api/web, and the page itself."""

from sightline.server.edges.routers import Responses, joined
from sightline.server.edges.web import ask, audit, keys, labels, live, media, models, session, static, traces
from sightline.server.edges.web.shapes import Problem

PROBLEMS: Responses = {status: {"model": Problem} for status in (400, 401, 403, 404, 429)}
"""Error responses of every route."""

router = joined(
    session.router,
    traces.router,
    media.router,
    live.router,
    models.router,
    ask.router,
    keys.router,
    audit.router,
    labels.router,
    prefix="/api/web",
    responses=PROBLEMS,
)

pages = static.router
"""Last of all routes: it answers every other GET."""

__all__ = ["pages", "router"]
