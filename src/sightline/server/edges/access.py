"""Authorisation of routes. A route names its caller and its verb as a dependency: both the check and the declaration.

Deny by default: a route without one, or with two, stops the server at start-up. Who holds a verb is in
`accounts/permissions.py`.
"""

import base64
import binascii
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Path, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from sightline.server.accounts.audit import acting
from sightline.server.accounts.permissions import PERMISSIONS, Verb, holds, require
from sightline.server.accounts.records import Access, Actor, OrganizationAccess, ProjectId, User
from sightline.server.edges.services import Served, Services
from sightline.server.runtime.errors import Forbidden, NotFound, Unauthorized

Caller = Literal["anyone", "project key", "scores key", "organization key", "person", "member", "signed url"]

COOKIE = "sightline_session"
"""The session cookie over plain HTTP."""
SECURE_COOKIE = "__Host-sightline_session"
"""Browsers accept the prefix only over https, and then only for this host and path."""


async def project_of(authorization: str, services: Services, verb: Verb, address: str | None) -> Access:
    """Authenticate the key pair of an `authorization` header, over whatever protocol, and check that it holds `verb`.

    Unauthorized for no pair, an unknown one or an expired one; Forbidden for one without a scope that holds the verb.
    """
    scheme, credentials = _split(authorization)
    if scheme != "basic":
        raise Unauthorized("This call needs the project's key pair: HTTP Basic with the public key as user name")
    who = await services.accounts.by_key(*_pair(credentials))
    acting(Actor(kind="key", id=who.public_key, address=address))
    require(who, verb)
    return who


async def person(request: Request, services: Served) -> User:
    """A person with a session cookie."""
    user = await _person(request, services)
    if user is None:
        raise Unauthorized("Not signed in, or the session has ended: sign in again")
    acting(Actor(kind="person", id=user.id, address=_address(request)))
    return user


@dataclass(frozen=True)
class Declared:
    """What a route declares: who calls it, and the verb that they need. As a dependency it is the check too."""

    verb: Verb
    caller: ClassVar[Caller]


@dataclass(frozen=True)
class _Anyone(Declared):
    """No credentials needed."""

    caller: ClassVar[Caller] = "anyone"

    async def __call__(self, request: Request) -> None:
        acting(Actor(kind="nobody", address=_address(request)))


@dataclass(frozen=True)
class _SignedUrl(Declared):
    """Whoever holds a signed URL: the handler checks its HMAC signature and expiry through `Tracing`."""

    caller: ClassVar[Caller] = "signed url"

    async def __call__(self, request: Request) -> None:
        acting(Actor(kind="nobody", address=_address(request)))


@dataclass(frozen=True)
class _Key(Declared):
    """A project's key pair, as HTTP Basic."""

    caller: ClassVar[Caller] = "project key"

    async def __call__(self, request: Request, services: Served) -> Access:
        return await project_of(_authorization(request), services, self.verb, _address(request))


@dataclass(frozen=True)
class _PublicKey(Declared):
    """A project's key pair, or its public key alone as a bearer token, which browsers may hold."""

    caller: ClassVar[Caller] = "scores key"

    async def __call__(self, request: Request, services: Served) -> Access:
        scheme, credentials = _split(_authorization(request))
        if scheme != "bearer":
            return await project_of(_authorization(request), services, self.verb, _address(request))
        who = await services.accounts.by_public_key(credentials)
        acting(Actor(kind="public key", id=who.public_key, address=_address(request)))
        require(who, self.verb)
        return who


@dataclass(frozen=True)
class _OrganizationKey(Declared):
    """An organisation's key pair, as HTTP Basic. Forbidden for a project's."""

    caller: ClassVar[Caller] = "organization key"

    def __post_init__(self) -> None:
        if not PERMISSIONS[self.verb].organization_key:
            raise RuntimeError(f"an organisation's key does not hold {self.verb}: see accounts/permissions.py")

    async def __call__(self, request: Request, services: Served) -> OrganizationAccess:
        scheme, credentials = _split(_authorization(request))
        if scheme != "basic":
            raise Unauthorized(
                "This call needs an organisation's key pair: HTTP Basic with the public key as user name"
            )
        public, secret = _pair(credentials)
        try:
            who = await services.organizations.by_key(public, secret)
        except Unauthorized as refusal:
            await _check_not_a_projects(public, secret, services, refusal)
            raise
        acting(Actor(kind="organization key", id=who.public_key, address=_address(request)))
        return who


@dataclass(frozen=True)
class _Person(Declared):
    """A person with a session cookie, in no project."""

    caller: ClassVar[Caller] = "person"

    async def __call__(self, user: Annotated[User, Depends(person)]) -> User:
        return user


@dataclass(frozen=True)
class _Member(Declared):
    """A signed-in member of the project in the path. NotFound for others: projects cannot be enumerated."""

    caller: ClassVar[Caller] = "member"

    async def __call__(
        self,
        services: Served,
        user: Annotated[User, Depends(person)],
        project_id: Annotated[str, Path(alias="projectId")],
    ) -> Access:
        who = await services.accounts.access(user, ProjectId(project_id))
        require(who, self.verb)
        return who


def key_for(verb: Verb) -> Any:
    """Declare: called with a project's key pair that holds `verb`. `Annotated[Access, key_for(...)]`."""
    return Depends(_Key(verb))


def public_key_for(verb: Verb) -> Any:
    """Declare: as `key_for`, or with the public key alone where that holds `verb`."""
    return Depends(_PublicKey(verb))


def organization_key_for(verb: Verb) -> Any:
    """Declare: called with an organisation's key pair. `Annotated[OrganizationAccess, organization_key_for(...)]`."""
    return Depends(_OrganizationKey(verb))


def member_for(verb: Verb) -> Any:
    """Declare: called by a signed-in member whose role holds `verb`. `Annotated[Access, member_for(...)]`."""
    return Depends(_Member(verb))


Person = Annotated[User, Depends(_Person("session.own"))]
Anyone = Depends(_Anyone("open"))
SignedUrl = Depends(_SignedUrl("signed"))


def session_token(request: Request) -> str | None:
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)


async def _check_not_a_projects(public: str, secret: str, services: Services, refusal: Unauthorized) -> None:
    """Forbidden for a pair that is known, but a project's."""
    with suppress(Unauthorized):
        await services.accounts.by_key(public, secret)
        raise Forbidden("This call needs an organisation's key pair, and this is a project's") from refusal


async def still_member(request: Request, services: Services, project_id: ProjectId, verb: Verb) -> bool:
    """Whether the session goes on and its person still holds the verb; for streams, which outlive their first check."""
    user = await _person(request, services)
    try:
        return user is not None and holds(await services.accounts.access(user, project_id), verb)
    except NotFound:
        return False


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


async def _person(request: Request, services: Services) -> User | None:
    token = session_token(request)
    return await services.accounts.by_session(token) if token else None


def _split(authorization: str) -> tuple[str, str]:
    # OTEL_EXPORTER_OTLP_HEADERS spells the space %20, and exporters that read it themselves may send it as it is.
    written = authorization if " " in authorization else unquote(authorization)
    scheme, _, credentials = written.partition(" ")
    if not credentials:
        raise Unauthorized("No credentials: send the project's key pair as HTTP Basic (public key:secret key)")
    return scheme.lower(), credentials.strip()


def _pair(credentials: str) -> tuple[str, str]:
    try:
        public, separator, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        separator = ""
    if not separator:
        raise Unauthorized("Malformed Authorization header: Basic wants base64 of public key:secret key")
    return public, secret


def declared(app: FastAPI) -> Iterator[tuple[RouteContext, Declared]]:
    """Every route with what it declares; the first that declares nothing is an error."""
    for route in iter_route_contexts(app.routes):
        named = set(_declarations(getattr(route, "dependant", None)))
        if len(named) != 1:
            said = sorted(f"{each.caller} with {each.verb}" for each in named)
            raise RuntimeError(
                f"{sorted(route.methods or ())} {route.path} declares {said or 'no caller and no verb'}: "
                "a route names exactly one of the declarations of edges/access.py"
            )
        yield route, named.pop()


def _declarations(dependant: Dependant | None) -> Iterator[Declared]:
    if dependant is None:
        return
    for inner in dependant.dependencies:
        call: object = inner.call
        if isinstance(call, Declared):
            yield call
        yield from _declarations(inner)
