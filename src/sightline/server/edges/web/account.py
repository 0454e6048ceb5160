"""A person's own account: their password and their sessions."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from sightline.server.edges.access import Person, session_token
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.services import Served
from sightline.server.edges.web import people_shapes

router = APIRouter(route_class=PlainJson, prefix="/account")


@router.put("/password", status_code=204)
async def change_password(
    body: people_shapes.PasswordChange, user: Person, request: Request, services: Served
) -> Response:
    """Change the password; every other session ends. Asks for the current one, except of whoever has none yet."""
    token = session_token(request) or ""
    await services.own_account.change_password(user, body.current, body.password, session=token)
    return Response(status_code=204)


@router.get("/sessions")
async def sessions(user: Person, request: Request, services: Served) -> people_shapes.OpenSessions:
    found, mine = await services.own_account.sessions(user, session_token(request) or "")
    return people_shapes.OpenSessions(
        data=[people_shapes.OpenSession(**vars(each), is_current=each.id == mine) for each in found]
    )


@router.delete("/sessions", status_code=204)
async def end_others(user: Person, request: Request, services: Served) -> Response:
    """End every session but the one that asks."""
    await services.own_account.end_other_sessions(user, session_token(request) or "")
    return Response(status_code=204)


@router.delete("/sessions/{sessionId}", status_code=204)
async def end(session_id: Annotated[str, Path(alias="sessionId")], user: Person, services: Served) -> Response:
    await services.own_account.end_session(user, session_id)
    return Response(status_code=204)
