"""SCIM 2.0 provisioning: a directory manages an organisation's people. Users only.

`active: false` deprovisions a person, who is then not found; `active: true` makes them a member again.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from sightline.server.accounts.records import Membership, OrganizationAccess, OrganizationRole, UserId
from sightline.server.edges.access import organization_key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.langfuse.wire.roles import wire_role
from sightline.server.edges.params import LARGEST
from sightline.server.edges.services import Served, Services, base_url
from sightline.server.runtime.errors import InvalidRequest

router = APIRouter(route_class=PlainJson, prefix="/api/public/scim")

Reader = Annotated[OrganizationAccess, organization_key_for("people.read")]
Manager = Annotated[OrganizationAccess, organization_key_for("people.manage")]

CORE = "urn:ietf:params:scim:schemas:core:2.0"
"""URN of the core schemas."""
MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
"""URN of messages: lists, patches, errors."""
USER = f"{CORE}:User"
MEDIA_TYPE = "application/scim+json"
FILTER = re.compile(r'^\s*userName\s+eq\s+"([^"]*)"\s*$', re.IGNORECASE)
"""The one filter directories send: users by e-mail address."""
MOST_RESULTS = 1_000
"""Page size limit."""
FEATURES = {"patch": True, "changePassword": False, "sort": False, "etag": False}
"""Optional features, as the service provider configuration lists them."""


class NameBody(Body):
    formatted: str | None = None
    given_name: str | None = None
    family_name: str | None = None

    @property
    def text(self) -> str | None:
        parts = [part for part in (self.given_name, self.family_name) if part]
        return self.formatted or " ".join(parts) or None


class UserBody(Body):
    user_name: str = Field(min_length=3, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")
    name: NameBody | None = None
    active: bool | None = None
    password: str | None = Field(default=None, min_length=8, max_length=1_000)
    roles: list[OrganizationRole] | None = None
    """The first one counts; without any the role is NONE, which grants nothing."""


class Operation(Body):
    op: str
    path: str | None = None
    value: Any = None


class PatchBody(Body):
    operations: list[Operation] = Field(validation_alias="Operations", min_length=1, max_length=100)


class UserParams(Body):
    filter: str | None = None
    start_index: int = Field(1, ge=1, le=LARGEST)
    count: int = Field(100, ge=0, le=MOST_RESULTS)


@router.get("/ServiceProviderConfig")
async def configuration(_: Reader, request: Request, services: Served) -> Json:
    features = {name: {"supported": supported} for name, supported in FEATURES.items()}
    basic = {
        "name": "HTTP Basic",
        "description": "An organisation's key pair: public key as user name, secret key as password",
        "specUri": "https://www.rfc-editor.org/info/rfc7617",
        "type": "httpbasic",
        "primary": True,
    }
    return _scim(
        {
            "schemas": [f"{CORE}:ServiceProviderConfig"],
            "documentationUri": "https://www.rfc-editor.org/info/rfc7644",
            **features,
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": MOST_RESULTS},
            "authenticationSchemes": [basic],
            "meta": _meta("ServiceProviderConfig", f"{_base(request, services)}/ServiceProviderConfig"),
        }
    )


@router.get("/ResourceTypes")
async def resource_types(_: Reader, request: Request, services: Served) -> Json:
    user = {
        "schemas": [f"{CORE}:ResourceType"],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "A member of the organisation",
        "schema": USER,
        "schemaExtensions": [],
        "meta": _meta("ResourceType", f"{_base(request, services)}/ResourceTypes/User"),
    }
    return _scim(_listed([user], 1))


@router.get("/Schemas")
async def schemas(_: Reader, request: Request, services: Served) -> Json:
    schema = {
        "id": USER,
        "name": "User",
        "description": "A member of the organisation",
        "attributes": [
            _attribute("userName", "string", required=True, uniqueness="server"),
            _attribute("name", "complex", subAttributes=[_attribute("formatted", "string")]),
            _attribute("emails", "complex", multiValued=True, mutability="readOnly"),
            _attribute("roles", "string", multiValued=True),
            _attribute("active", "boolean"),
            _attribute("password", "string", mutability="writeOnly", returned="never"),
        ],
        "meta": _meta("Schema", f"{_base(request, services)}/Schemas/{USER}"),
    }
    return _scim(_listed([schema], 1))


@router.get("/Users")
async def list_users(who: Reader, request: Request, services: Served, params: Annotated[UserParams, Query()]) -> Json:
    found, total = await services.people.page(
        who.organization_id, _address(params.filter), params.start_index - 1, params.count
    )
    users = [_user(each, request, services) for each in found]
    return _scim(_listed(users, total) | {"startIndex": params.start_index, "itemsPerPage": len(users)})


@router.post("/Users")
async def add_user(body: UserBody, who: Manager, request: Request, services: Served) -> Json:
    name = body.name.text if body.name else None
    role = body.roles[0] if body.roles else "NONE"
    member = await services.people.add(who.organization_id, body.user_name, name, role, body.password)
    return _scim(_user(member, request, services), status=201)


@router.get("/Users/{userId}")
async def read_user(userId: str, who: Reader, request: Request, services: Served) -> Json:
    return _scim(_user(await services.people.get(who.organization_id, UserId(userId)), request, services))


@router.put("/Users/{userId}")
async def replace_user(userId: str, body: UserBody, who: Manager, request: Request, services: Served) -> Json:
    """Replace name, roles and `active`; the e-mail address identifies a person and is immutable."""
    user_id = UserId(userId)
    kept = services.people.take_in if body.active else services.people.get
    member = await kept(who.organization_id, user_id)
    if body.active is False:
        return await _take_out(who, member, request, services)
    if body.roles:
        await services.organizations.put_member(who.organization_id, user_id, body.roles[0])
    member = await services.people.rename(who.organization_id, user_id, body.name.text if body.name else None)
    return _scim(_user(member, request, services))


@router.patch("/Users/{userId}")
async def change_user(userId: str, body: PatchBody, who: Manager, request: Request, services: Served) -> Json:
    changes = _changes(body.operations)
    kept = services.people.take_in if changes.get("active") else services.people.get
    member = await kept(who.organization_id, UserId(userId))
    if changes.get("active") is False:
        return await _take_out(who, member, request, services)
    if "name" in changes:
        member = await services.people.rename(who.organization_id, member.user.id, changes["name"])
    return _scim(_user(member, request, services))


@router.delete("/Users/{userId}", status_code=204)
async def remove_user(userId: str, who: Manager, services: Served) -> None:
    """Deprovision a person: remove their memberships. What they made stays."""
    await services.organizations.remove_member(who.organization_id, UserId(userId))


async def _take_out(who: OrganizationAccess, member: Membership, request: Request, services: Services) -> Json:
    await services.organizations.remove_member(who.organization_id, member.user.id)
    return _scim(_user(member, request, services) | {"active": False})


def _changes(operations: list[Operation]) -> dict[str, Any]:
    """The PATCH operations on `active` and the name, by path or as one value; InvalidRequest for others."""
    found: dict[str, Any] = {}
    for operation in operations:
        if operation.op.lower() not in ("replace", "add"):
            raise InvalidRequest(f"operation {operation.op!r} is not supported: use replace")
        value = operation.value
        given = {operation.path: value} if operation.path else value if isinstance(value, dict) else {}
        for path, each in given.items():
            found |= _change(path, each)
    return found


def _change(path: str, value: Any) -> dict[str, Any]:
    match path, value:
        case "active", bool():
            return {"active": value}
        case "active", str() if value.lower() in ("true", "false"):
            return {"active": value.lower() == "true"}  # Entra ID sends truths as texts.
        case "name.formatted" | "displayName", str():
            return {"name": value}
        case "name", dict():
            return {"name": NameBody.model_validate(value).text}
        case _:
            raise InvalidRequest(f"path {path!r} cannot be changed to {value!r}: use active or name.formatted")


def _address(text: str | None) -> str | None:
    if text is None:
        return None
    found = FILTER.match(text)
    if found is None:
        raise InvalidRequest(f'filter {text!r} is not supported: use userName eq "address"')
    return found[1]


def _user(membership: Membership, request: Request, services: Services) -> dict[str, Any]:
    user = membership.user
    return {
        "schemas": [USER],
        "id": user.id,
        "userName": user.email,
        "name": {"formatted": user.name},
        "emails": [{"primary": True, "value": user.email, "type": "work"}],
        "active": True,
        "roles": [wire_role(membership.role)],
        "meta": _meta("User", f"{_base(request, services)}/Users/{user.id}"),
    }


def _base(request: Request, services: Services) -> str:
    return f"{base_url(request, services)}/api/public/scim"


def _meta(kind: str, location: str) -> dict[str, str]:
    return {"resourceType": kind, "location": location}


def _attribute(name: str, kind: str, **more: Any) -> dict[str, Any]:
    usual = {"multiValued": False, "required": False, "mutability": "readWrite", "returned": "default"}
    return {"name": name, "type": kind} | usual | more


def _listed(resources: list[dict[str, Any]], total: int) -> dict[str, Any]:
    return {"schemas": [f"{MESSAGES}:ListResponse"], "totalResults": total, "Resources": resources}


def _scim(content: Any, status: int = 200) -> Json:
    return Json(content, status_code=status, media_type=MEDIA_TYPE)
