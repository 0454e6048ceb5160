"""Live updates over SSE: hints that invalidate what the page shows; it refetches the data itself."""

from collections.abc import AsyncIterator

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from sightline.server.accounts.permissions import Verb
from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for, still_member
from sightline.server.edges.services import Served
from sightline.server.edges.web.shapes import HintEvent

router = APIRouter(prefix="/projects/{projectId}/live")

VERB: Verb = "project.read"
Reader = Annotated[Access, member_for(VERB)]


@router.get("", response_class=EventSourceResponse)
async def hints(request: Request, who: Reader, services: Served) -> AsyncIterator[ServerSentEvent]:
    """SSE: events named `hint`, coalesced to four a second; a comment every 15 s (keep-alive) holds proxies open.

    The stream ends within seconds of the session's end, or of the member's.
    """

    async def still() -> bool:
        return await still_member(request, services, who.project_id, VERB)

    yield ServerSentEvent(comment="connected")
    async for hint in services.hub.subscribe(who.project_id, still):
        yield ServerSentEvent(event="hint", data=HintEvent(topic=hint.topic, count=hint.count))
