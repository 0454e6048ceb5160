"""Sessions through Langfuse's legacy paths: read only, they come from the traces that name them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from sightline.server.accounts.records import Access
from sightline.server.edges.access import key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.langfuse.traces.shapes import trace_row
from sightline.server.edges.params import Moment, Paged, window
from sightline.server.edges.services import Served
from sightline.server.tracing.records import Session

router = APIRouter(prefix="/api/public/sessions")

Reader = Annotated[Access, key_for("traces.read")]

OF_LISTS = ("observations", "scores", "latency", "totalCost", "htmlPath")
"""Fields of a trace that are omitted in a session."""


class SessionParams(Paged):
    from_timestamp: Moment | None = None
    to_timestamp: Moment | None = None
    environment: list[str] = Field(default_factory=list)


@router.get("")
async def list_sessions(who: Reader, services: Served, params: Annotated[SessionParams, Query()]) -> Json:
    during = window(params.from_timestamp, params.to_timestamp, params.environment)
    page = await services.tracing.sessions(who.project_id, during, params.limit, params.offset)
    return Json(params.paged([_session(each) for each in page.items], page.total))


@router.get("/{sessionId:path}")
async def read(sessionId: str, who: Reader, services: Served) -> Json:
    """One session with all its traces."""
    session, traces = await services.tracing.session(who.project_id, sessionId)
    rows = [trace_row(trace, ()) for trace in traces]
    kept = [{name: value for name, value in row.items() if name not in OF_LISTS} for row in rows]
    return Json(_session(session) | {"traces": kept})


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "projectId": session.project_id,
        "createdAt": iso(session.created_at),
        "environment": session.environment,
    }
