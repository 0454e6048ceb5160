"""Routes that answer with a stream of events declare it here, to be bounded."""

from collections.abc import AsyncIterator

from fastapi import Depends

from sightline.server.edges.access import Member
from sightline.server.edges.services import Served


async def _streaming(who: Member, services: Served) -> AsyncIterator[None]:
    """Counted before the answer begins, 429 in time, and until it ends."""
    with services.streams.one(str(who.user_id)):
        yield


Streaming = Depends(_streaming)
