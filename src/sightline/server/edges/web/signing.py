"""What every way in shares: where it comes from, how often it may be tried, and the cookies it leaves."""

from fastapi import Request, Response

from sightline import __version__
from sightline.server.accounts.permissions import verbs_of
from sightline.server.accounts.records import Client, Session, User
from sightline.server.edges.access import COOKIE, SECURE_COOKIE
from sightline.server.edges.proxies import client_key
from sightline.server.edges.services import Services
from sightline.server.edges.web import shapes
from sightline.server.runtime.clock import now

MARK = "sightline_browser"
"""Device cookie: this browser has signed in before, so wrong guesses elsewhere do not lock it out."""
MARK_S = 400 * 86_400
"""Lifetime of the device cookie; browsers keep none longer."""


def client_of(request: Request) -> Client:
    return Client(
        address=request.client.host if request.client else None,
        browser=request.headers.get("user-agent"),
        mark=request.cookies.get(f"__Host-{MARK}") or request.cookies.get(MARK),
    )


def throttle(request: Request, services: Services) -> Client:
    """Count an attempt of this client's address; TooBusy when it has used up its window."""
    client = client_of(request)
    services.sign_in_throttle.attempt(client_key(client.address))
    return client


async def let_in(made: tuple[str, Session], request: Request, response: Response, services: Services) -> shapes.Session:
    """Set the session cookie and the device cookie."""
    token, session = made
    secure = is_secure(request, services)
    marks = services.accounts.attempts.mark(session.user.id)
    lifetime_s = int((session.expires_at - now()).total_seconds())
    for name, value, max_age in (
        (SECURE_COOKIE if secure else COOKIE, token, lifetime_s),
        (f"__Host-{MARK}" if secure else MARK, marks, MARK_S),
    ):
        response.set_cookie(name, value, max_age=max_age, httponly=True, samesite="lax", secure=secure, path="/")
    return await shown(session.user, services)


def is_secure(request: Request, services: Services) -> bool:
    """Whether the browser came over HTTPS, to us or to a trusted proxy."""
    return services.secure_cookies or request.url.scheme == "https"


async def shown(user: User, services: Services) -> shapes.Session:
    room = services.space.look()
    return shapes.Session(
        user=shapes.Person(id=user.id, email=user.email, name=user.name),
        has_password=await services.own_account.has_password(user),
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
