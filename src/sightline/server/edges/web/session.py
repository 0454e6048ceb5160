"""Sign-in and sign-out of the page; rate-limited."""

from fastapi import APIRouter, Request, Response

from sightline import __version__
from sightline.server.accounts.permissions import verbs_of
from sightline.server.accounts.records import User
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.access import COOKIE, SECURE_COOKIE, Anyone, Person, session_token
from sightline.server.edges.services import Served, Services
from sightline.server.edges.web import shapes
from sightline.server.runtime.clock import now

router = APIRouter(route_class=PlainJson, prefix="/session")


@router.get("")
async def read(user: Person, services: Served) -> shapes.Session:
    return await _session(user, services)


@router.post("", dependencies=[Anyone])
async def sign_in(body: shapes.SignIn, request: Request, response: Response, services: Served) -> shapes.Session:
    """Sign in with a password or the token of a one-time link; sets the session cookie. Rate-limited per address."""
    services.sign_in_throttle.attempt(request.client.host if request.client else "unknown")
    if body.token:
        token, session = await services.accounts.redeem(body.token)
    else:
        token, session = await services.accounts.sign_in(body.email or "", body.password or "")
    response.set_cookie(
        SECURE_COOKIE if services.secure_cookies else COOKIE,
        token,
        max_age=int((session.expires_at - now()).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=services.secure_cookies,
        path="/",
    )
    return await _session(session.user, services)


@router.delete("", status_code=204)
async def sign_out(user: Person, request: Request, services: Served) -> Response:
    await services.accounts.sign_out(session_token(request) or "")
    response = Response(status_code=204)
    name = SECURE_COOKIE if services.secure_cookies else COOKIE
    response.delete_cookie(name, path="/", secure=services.secure_cookies, httponly=True, samesite="lax")
    return response


async def _session(user: User, services: Services) -> shapes.Session:
    room = services.space.look()
    return shapes.Session(
        user=shapes.Person(id=user.id, email=user.email, name=user.name),
        projects=[
            shapes.Project(
                id=each.project.id,
                name=each.project.name,
                role=each.role,
                may=verbs_of(each.role),
                organization=shapes.Organization(
                    id=each.project.organization_id, name=each.project.organization_name
                ),
            )
            for each in await services.accounts.projects_of(user)
        ],
        version=__version__,
        notice=room.message if room and room.is_low else None,
    )
