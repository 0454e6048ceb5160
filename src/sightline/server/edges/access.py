"""Authorisation of routes. A route names its caller as a dependency, which is both the check and the declaration.

Deny by default: a route without one, or with two, stops the server at start-up.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Path, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from sightline.server.accounts.records import Access, OrganizationAccess, ProjectId, User
from sightline.server.edges.services import Served, Services
from sightline.server.runtime.errors import Forbidden, Unauthorized

Caller = Literal["anyone", "project key", "scores key", "organization key", "person", "member", "signed url"]

COOKIE = "sightline_session"
"""The session cookie over plain HTTP."""
SECURE_COOKIE = "__Host-sightline_session"
"""Browsers accept the prefix only over https, and then only for this host and path."""


async def anyone() -> None:
    """No credentials needed."""


async def project_key(request: Request, services: Served) -> Access:
    """A project's key pair, as HTTP Basic."""
    return await project_of(request.headers.get("authorization", ""), services)


async def project_of(authorization: str, services: Services) -> Access:
    """Authenticate the key pair of an `authorization` header, over whatever protocol. Unauthorized otherwise."""
    scheme, credentials = _split(authorization)
    if scheme != "basic":
        raise Unauthorized("This call needs the project's key pair: HTTP Basic with the public key as user name")
    return await _by_key_pair(services, credentials)


async def scores_key(request: Request, services: Served) -> Access:
    """A project's key pair, or its public key alone as a bearer token: browsers may hold it, it only creates scores."""
    scheme, credentials = _authorization(request)
    if scheme == "bearer":
        return await services.accounts.by_public_key(credentials)
    return await _by_key_pair(services, credentials)


async def organization_key(request: Request, services: Served) -> OrganizationAccess:
    """An organisation's key pair, as HTTP Basic. Forbidden for a project's."""
    scheme, credentials = _authorization(request)
    if scheme != "basic":
        raise Unauthorized("This call needs an organisation's key pair: HTTP Basic with the public key as user name")
    public, secret = _pair(credentials)
    try:
        return await services.organizations.by_key(public, secret)
    except Unauthorized:
        await services.accounts.by_key(public, secret)
    raise Forbidden("This call needs an organisation's key pair, and this is a project's")


async def person(request: Request, services: Served) -> User:
    """A person with a session cookie."""
    token = session_token(request)
    user = await services.accounts.by_session(token) if token else None
    if user is None:
        raise Unauthorized("Not signed in, or the session has ended: sign in again")
    return user


async def member(
    services: Served, user: Annotated[User, Depends(person)], project_id: Annotated[str, Path(alias="projectId")]
) -> Access:
    """A signed-in member of the project in the path. NotFound for others: projects cannot be enumerated."""
    return await services.accounts.access(user, ProjectId(project_id))


async def editor(who: Annotated[Access, Depends(member)]) -> Access:
    """A member with a role that may write."""
    if who.role == "VIEWER":
        raise Forbidden("Viewers can look but not change: ask an owner of the project for another role")
    return who


async def signed_url() -> None:
    """Whoever holds a signed URL: the handler checks its HMAC signature and expiry through `Tracing`."""


CALLERS: dict[Callable[..., Any], Caller] = {
    anyone: "anyone",
    project_key: "project key",
    scores_key: "scores key",
    organization_key: "organization key",
    person: "person",
    member: "member",
    signed_url: "signed url",
}
"""Dependency to the caller that it declares."""

ProjectKey = Annotated[Access, Depends(project_key)]
ScoresKey = Annotated[Access, Depends(scores_key)]
OrganizationKey = Annotated[OrganizationAccess, Depends(organization_key)]
Person = Annotated[User, Depends(person)]
Member = Annotated[Access, Depends(member)]
Editor = Annotated[Access, Depends(editor)]
Anyone = Depends(anyone)
SignedUrl = Depends(signed_url)


def session_token(request: Request) -> str | None:
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)


def _authorization(request: Request) -> tuple[str, str]:
    return _split(request.headers.get("authorization", ""))


def _split(authorization: str) -> tuple[str, str]:
    # OTEL_EXPORTER_OTLP_HEADERS spells the space %20, and exporters that read it themselves may send it as it is.
    written = authorization if " " in authorization else unquote(authorization)
    scheme, _, credentials = written.partition(" ")
    if not credentials:
        raise Unauthorized("No credentials: send the project's key pair as HTTP Basic (public key:secret key)")
    return scheme.lower(), credentials.strip()


async def _by_key_pair(services: Served, credentials: str) -> Access:
    return await services.accounts.by_key(*_pair(credentials))


def _pair(credentials: str) -> tuple[str, str]:
    try:
        public, separator, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        separator = ""
    if not separator:
        raise Unauthorized("Malformed Authorization header: Basic wants base64 of public key:secret key")
    return public, secret


def declared(app: FastAPI) -> Iterator[tuple[RouteContext, Caller]]:
    """Every route with its caller; the first undeclared one is an error."""
    for route in iter_route_contexts(app.routes):
        callers = {caller for caller in _callers(getattr(route, "dependant", None)) if caller}
        # A member is a person too: the narrower one is what the route says.
        named = callers - {"person"} if "member" in callers else callers
        if len(named) != 1:
            raise RuntimeError(
                f"{sorted(route.methods or ())} {route.path} declares {sorted(named) or 'no caller'}: "
                "a route names exactly one of access.CALLERS"
            )
        yield route, named.pop()


def _callers(dependant: Dependant | None) -> Iterator[Caller | None]:
    if dependant is None:
        return
    for inner in dependant.dependencies:
        yield CALLERS.get(inner.call) if inner.call else None
        yield from _callers(inner)
