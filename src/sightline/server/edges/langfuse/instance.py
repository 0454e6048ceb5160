"""Health (liveness), readiness, and the project of a key."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from sightline import __version__
from sightline.server.accounts.records import Access
from sightline.server.edges.access import Anyone, key_for
from sightline.server.edges.langfuse.organizations.routes import project_shape
from sightline.server.edges.params import Params
from sightline.server.edges.services import Served
from sightline.server.runtime.errors import Unavailable

router = APIRouter(prefix="/api/public")

Reader = Annotated[Access, key_for("project.read")]

LANGFUSE_VERSION = "4.59.0"
"""The Langfuse server whose public surface this one speaks: what its SDKs compare with."""


class HealthParams(Params):
    fail_if_database_unavailable: bool = False
    fail_if_no_recent_events: bool = False


class ReadyParams(Params):
    fail_if_writes_refused: bool = False


@router.get("/health", dependencies=[Anyone])
async def health(services: Served, params: Annotated[HealthParams, Query()]) -> dict[str, str]:
    """Liveness: 200 while the process answers. Flags add checks: 503 when a database is down, or no data arrives."""
    if params.fail_if_database_unavailable:
        await services.vitals.check_databases()
    if params.fail_if_no_recent_events:
        await services.vitals.check_recent_events()
    return {"status": "OK", "version": LANGFUSE_VERSION, "sightline": __version__}


@router.get("/ready", dependencies=[Anyone])
async def ready(request: Request, services: Served, params: Annotated[ReadyParams, Query()]) -> dict[str, Any]:
    """Readiness: 503 while the server drains, so that a load balancer sends requests elsewhere.

    On a nearly full disk it is ready for reads and deletions, and `writes` says why nothing new is stored; the flag
    makes that a 503 too.
    """
    if request.app.state.draining:
        raise Unavailable("The server is stopping: send new requests elsewhere")
    if params.fail_if_writes_refused:
        services.space.require()
    room = services.space.look()
    writes = {"writes": "refused", "message": room.message} if room and room.is_low else {"writes": "OK"}
    return {"status": "OK", "version": LANGFUSE_VERSION} | writes


@router.get("/projects")
async def projects(who: Reader, services: Served) -> dict[str, Any]:
    """The one project the key belongs to."""
    project = await services.accounts.project(who.project_id)
    return {"data": [project_shape(project)]}
