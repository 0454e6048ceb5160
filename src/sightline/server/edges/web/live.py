"""Live updates over SSE: hints that invalidate what the page shows; it refetches the data itself."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from sightline.server.edges.access import Member
from sightline.server.edges.services import Served
from sightline.server.edges.web.shapes import HintEvent
from sightline.server.edges.web.streaming import Streaming

router = APIRouter(prefix="/projects/{projectId}/live")


@router.get("", response_class=EventSourceResponse, dependencies=[Streaming])
async def hints(who: Member, services: Served) -> AsyncIterator[ServerSentEvent]:
    """SSE: events named `hint`, coalesced to four a second; a comment every 15 s (keep-alive) holds proxies open."""
    yield ServerSentEvent(comment="connected")
    async for hint in services.hub.subscribe(who.project_id):
        yield ServerSentEvent(event="hint", data=HintEvent(topic=hint.topic, count=hint.count))
