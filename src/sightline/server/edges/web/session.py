"""Sign-in and sign-out of the page; rate-limited."""

from fastapi import APIRouter, Request, Response

from sightline.server.edges.access import COOKIE, SECURE_COOKIE, Anyone, Person, session_token
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.services import Served
from sightline.server.edges.web import shapes, signing

router = APIRouter(route_class=PlainJson, prefix="/session")


@router.get("")
async def read(user: Person, services: Served) -> shapes.Session:
    return await signing.shown(user, services)


@router.post("", dependencies=[Anyone])
async def sign_in(body: shapes.SignIn, request: Request, response: Response, services: Served) -> shapes.Session:
    """Sign in with a password or the token of a one-time link; sets the session cookie.

    Rate-limited per address; wrong passwords lock the account for a growing while (429 with Retry-After).
    """
    client = signing.throttle(request, services)
    if body.token:
        made = await services.accounts.redeem(body.token, client)
    else:
        made = await services.accounts.sign_in(body.email or "", body.password or "", client)
    return await signing.let_in(made, request, response, services)


@router.delete("", status_code=204)
async def sign_out(user: Person, request: Request, services: Served) -> Response:
    await services.accounts.sign_out(session_token(request) or "")
    response = Response(status_code=204)
    secure = signing.is_secure(request, services)
    name = SECURE_COOKIE if secure else COOKIE
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
    return response


@router.delete("/person", status_code=204)
async def erase(user: Person, services: Served) -> Response:
    """Erase the account of whoever asks: what they wrote stays, without their name. Refused to a last owner."""
    await services.removal.person(user.id)
    return Response(status_code=204)
