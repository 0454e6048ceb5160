"""One-time links: to set a password, and to join an organisation. The token travels in the body, so no log has it."""

from fastapi import APIRouter, Request, Response

from sightline.server.edges.access import Anyone, Person
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.services import Served
from sightline.server.edges.web import people_shapes, shapes, signing

router = APIRouter(route_class=PlainJson, prefix="/links")


@router.post("/look", dependencies=[Anyone])
async def look(body: people_shapes.LinkToken, request: Request, services: Served) -> people_shapes.Link:
    """What a link leads to; it stays unused."""
    signing.throttle(request, services)
    found = await services.own_account.look(body.token)
    return people_shapes.Link(
        purpose="invitation" if found.purpose == "invitation" else "password",
        email=found.user.email,
        organization=found.organization_name if found.purpose == "invitation" else None,
        role=found.role if found.purpose == "invitation" else None,
    )


@router.post("/password", dependencies=[Anyone])
async def set_password(
    body: people_shapes.LinkPassword, request: Request, response: Response, services: Served
) -> shapes.Session:
    """Use a link to set a password, and sign in with it.

    At an invitation, the password of an account with the same address joins with that account.
    """
    client = signing.throttle(request, services)
    made = await services.own_account.set_password(body.token, body.password, client)
    return await signing.let_in(made, request, response, services)


@router.post("/join")
async def join(body: people_shapes.LinkToken, user: Person, services: Served) -> shapes.Session:
    """Accept an invitation with the account that is signed in."""
    await services.own_account.join(user, body.token)
    return await signing.shown(user, services)


@router.post("/decline", status_code=204, dependencies=[Anyone])
async def decline(body: people_shapes.LinkToken, request: Request, services: Served) -> Response:
    """Void an invitation's link."""
    signing.throttle(request, services)
    await services.own_account.decline(body.token)
    return Response(status_code=204)
