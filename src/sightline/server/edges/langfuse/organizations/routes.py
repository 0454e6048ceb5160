"""Administration of an organisation through Langfuse's paths: projects, API keys, memberships and roles."""

from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from sightline.server.accounts.records import (
    FULL,
    ApiKey,
    KeyDraft,
    KeyScope,
    Membership,
    OrganizationAccess,
    OrganizationRole,
    Project,
    UserId,
)
from sightline.server.edges.access import organization_key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.langfuse.wire.any_json import JsonObject
from sightline.server.edges.langfuse.wire.bodies import Body
from sightline.server.edges.langfuse.wire.roles import wire_role
from sightline.server.edges.params import Label, Moment
from sightline.server.edges.services import Served

router = APIRouter(route_class=PlainJson, prefix="/api/public")

ProjectReader = Annotated[OrganizationAccess, organization_key_for("project.read")]
ProjectCreator = Annotated[OrganizationAccess, organization_key_for("project.create")]
ProjectManager = Annotated[OrganizationAccess, organization_key_for("project.manage")]
ProjectDeleter = Annotated[OrganizationAccess, organization_key_for("project.delete")]
KeyReader = Annotated[OrganizationAccess, organization_key_for("keys.read")]
KeyManager = Annotated[OrganizationAccess, organization_key_for("keys.manage")]
PeopleReader = Annotated[OrganizationAccess, organization_key_for("people.read")]
PeopleManager = Annotated[OrganizationAccess, organization_key_for("people.manage")]

SHORTEST_RETENTION = 3
"""Days of retention; also the longest that a client may delay an event and still find its trace."""

LONGEST_RETENTION = 36_500
"""Days of retention: a century. 0 keeps data for ever."""


class ProjectBody(Body):
    name: str = Field(min_length=3, max_length=60)
    metadata: JsonObject | None = None
    retention: int | None = Field(default=None, ge=0, le=LONGEST_RETENTION)
    protected_labels: list[Label] | None = None
    """Labels of prompts and skills that only those may move who hold `prompts.promote`. Ours, not Langfuse's."""

    @model_validator(mode="after")
    def _kept_a_while(self) -> Self:
        if self.retention is not None and 0 < self.retention < SHORTEST_RETENTION:
            raise ValueError(f"retention is 0, which keeps everything, or at least {SHORTEST_RETENTION} days")
        return self


class KeyBody(Body):
    name: str | None = Field(default=None, max_length=1_000)
    note: str | None = Field(default=None, max_length=1_000)
    expires_at: Moment | None = None
    scopes: list[KeyScope] | None = None
    """What the key may do; all of it where none are named, as clients know no scopes."""
    public_key: str | None = Field(default=None, pattern=r"^pk-lf-[\x21-\x39\x3b-\x7e]{1,110}$")
    secret_key: str | None = Field(default=None, pattern=r"^sk-lf-[\x21-\x7e]{1,200}$")

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if self.name is not None and self.note is not None:
            raise ValueError("note is another word for name: give one of them")
        return self

    def draft(self) -> KeyDraft:
        return KeyDraft(
            public_key=self.public_key,
            secret_key=self.secret_key,
            note=self.name if self.note is None else self.note,
            expires_at=self.expires_at,
            scopes=FULL if self.scopes is None else frozenset(self.scopes),
        )


class MemberBody(Body):
    user_id: str = Field(min_length=1)
    role: OrganizationRole


class LeavingBody(Body):
    user_id: str = Field(min_length=1)


@router.post("/projects")
async def create_project(body: ProjectBody, who: ProjectCreator, services: Served) -> Json:
    project = await services.organizations.create_project(
        who.organization_id, body.name, body.metadata or {}, body.retention or 0, body.protected_labels or ()
    )
    return Json(project_shape(project), status_code=201)


@router.put("/projects/{projectId}")
async def change_project(projectId: str, body: ProjectBody, who: ProjectManager, services: Served) -> Json:
    project = await services.organizations.change_project(
        who.organization_id, projectId, body.name, body.metadata, body.retention, body.protected_labels
    )
    return Json(project_shape(project))


@router.delete("/projects/{projectId}")
async def delete_project(projectId: str, who: ProjectDeleter, services: Served) -> Json:
    project_id = await services.organizations.delete_project(who.organization_id, projectId)
    await services.removal.of_project(project_id)
    return Json({"success": True, "message": "Project deleted with all it held"}, status_code=202)


@router.get("/projects/{projectId}/apiKeys")
async def list_keys(projectId: str, who: KeyReader, services: Served) -> Json:
    project = await services.organizations.project(who.organization_id, projectId)
    return Json({"apiKeys": [_key(key) for key in await services.accounts.keys(project.id)]})


@router.post("/projects/{projectId}/apiKeys")
async def create_key(projectId: str, body: KeyBody, who: KeyManager, services: Served) -> Json:
    """Create a key pair. Only this answer has its secret: the database keeps a hash."""
    made = await services.organizations.create_project_key(who.organization_id, projectId, body.draft())
    return Json(_key(made.key) | {"secretKey": made.secret_key}, status_code=201)


@router.delete("/projects/{projectId}/apiKeys/{keyId}")
async def delete_key(projectId: str, keyId: str, who: KeyManager, services: Served) -> Json:
    await services.organizations.delete_project_key(who.organization_id, projectId, keyId)
    return Json({"success": True})


@router.get("/projects/{projectId}/memberships")
async def list_project_members(projectId: str, who: PeopleReader, services: Served) -> Json:
    members = await services.organizations.project_members(who.organization_id, projectId)
    return Json({"memberships": [_member(each) for each in members]})


@router.put("/projects/{projectId}/memberships")
async def put_project_member(projectId: str, body: MemberBody, who: PeopleManager, services: Served) -> Json:
    member = await services.organizations.put_project_member(
        who.organization_id, projectId, UserId(body.user_id), body.role
    )
    return Json(_member(member))


@router.delete("/projects/{projectId}/memberships")
async def remove_project_member(projectId: str, body: LeavingBody, who: PeopleManager, services: Served) -> Json:
    user_id = UserId(body.user_id)
    await services.organizations.remove_project_member(who.organization_id, projectId, user_id)
    return Json({"message": "Role in the project removed", "userId": user_id})


@router.get("/organizations/memberships")
async def list_members(who: PeopleReader, services: Served) -> Json:
    members = await services.organizations.members(who.organization_id)
    return Json({"memberships": [_member(each) for each in members]})


@router.put("/organizations/memberships")
async def put_member(body: MemberBody, who: PeopleManager, services: Served) -> Json:
    member = await services.organizations.put_member(who.organization_id, UserId(body.user_id), body.role)
    return Json(_member(member))


@router.delete("/organizations/memberships")
async def remove_member(body: LeavingBody, who: PeopleManager, services: Served) -> Json:
    user_id = UserId(body.user_id)
    await services.organizations.remove_member(who.organization_id, user_id)
    return Json({"message": "Member removed", "userId": user_id})


@router.get("/organizations/projects")
async def list_projects(who: ProjectReader, services: Served) -> Json:
    projects = await services.organizations.projects(who.organization_id)
    return Json({"projects": [_listed(project) for project in projects]})


@router.get("/organizations/apiKeys")
async def list_organization_keys(who: KeyReader, services: Served) -> Json:
    return Json({"apiKeys": [_key(key) for key in await services.organizations.keys(who.organization_id)]})


def project_shape(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "organization": {"id": project.organization_id, "name": project.organization_name},
        "metadata": dict(project.metadata),
        "retentionDays": project.retention_days or None,
        "protectedLabels": list(project.protected_labels),
    }


def _listed(project: Project) -> dict[str, Any]:
    made = iso(project.created_at)
    return {
        "id": project.id,
        "name": project.name,
        "metadata": dict(project.metadata),
        "createdAt": made,
        "updatedAt": made,
    }


def _key(key: ApiKey) -> dict[str, Any]:
    """A public key names its pair: it is the id too."""
    return {
        "id": key.public_key,
        "createdAt": iso(key.created_at),
        "expiresAt": iso(key.expires_at),
        "lastUsedAt": iso(key.last_used_at),
        "name": key.note,
        "note": key.note,
        "publicKey": key.public_key,
        "displaySecretKey": key.display_secret_key,
        "scopes": sorted(key.scopes),
    }


def _member(membership: Membership) -> dict[str, Any]:
    user = membership.user
    return {"userId": user.id, "role": wire_role(membership.role), "email": user.email, "name": user.name or ""}
