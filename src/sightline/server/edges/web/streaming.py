"""Routes that answer with a stream of events declare it here, to be bounded."""

from collections.abc import AsyncIterator

from fastapi import Depends, Request

from sightline.server.edges.access import person_asking
from sightline.server.edges.services import Served


async def _streaming(request: Request, services: Served) -> AsyncIterator[None]:
    """Counted before the answer begins, 429 in time, and until it ends. Who may have it at all, the route declares."""
    user = await person_asking(request, services)
    if user is None:
        yield
        return
    with services.streams.one(user.id):
        yield


Streaming = Depends(_streaming)
