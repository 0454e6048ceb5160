"""Calls about projects, keys, people and their directory, exports to buckets, and the server itself."""

from typing import Any

from server.contract.calls import Call, Make
from server.contract.project import Caller, Project, fresh

ORGANIZATION: Caller = "organization"
SCIM = "/api/public/scim"


async def a_project(project: Project) -> dict[str, str]:
    return {
        "projectId": (await project.make("/projects", {"name": fresh("project"), "retention": 0}, "organization"))["id"]
    }


async def _a_key(project: Project) -> dict[str, str]:
    made = await project.make("/projects/here/apiKeys", {}, "organization")
    return {"projectId": "here", "apiKeyId": made["id"]}


async def _somebody(project: Project) -> str:
    """A member of the organisation and of the project."""
    body = {"userName": f"{fresh('person')}@example.org", "name": {"formatted": "P"}}
    member = {"userId": (await project.make("/scim/Users", body, "organization"))["id"], "role": "MEMBER"}
    await project.make("/organizations/memberships", member, "organization", "PUT")
    await project.make("/projects/here/memberships", member, "organization", "PUT")
    return member["userId"]


async def _leaving(project: Project) -> dict[str, str]:
    return {"userId": await _somebody(project)}


async def _a_role(project: Project) -> dict[str, str]:
    return {"userId": await _somebody(project), "role": "VIEWER"}


def _here(_: Project) -> dict[str, str]:
    return {"projectId": "here"}


def _asked(key: str, label: str = "", body: Any = None, path: Any = None, query: Any = None) -> Call:
    return Call(key=key, label=label, body=body, path=path, query=query, caller=ORGANIZATION)


def _pair(_: Project) -> dict[str, str]:
    return {"note": "theirs", "publicKey": f"pk-lf-{fresh('p')}", "secretKey": f"sk-lf-{fresh('s')}"}


def _user(**more: Any) -> Make:
    name = {"givenName": "Ada", "familyName": "L", "formatted": "Ada L"}
    return lambda _: {"userName": f"{fresh('user')}@example.org", "name": name, **more}


PROJECTS = (
    Call(key="GET /api/public/projects"),
    _asked("POST /api/public/projects", "least", lambda _: {"name": fresh("project"), "retention": 0}),
    _asked(
        "POST /api/public/projects",
        "whole",
        lambda _: {"name": fresh("project"), "retention": 0, "metadata": {"k": "v"}},
    ),
    _asked("PUT /api/public/projects/{projectId}", "least", {"name": "renamed"}, a_project),
    _asked(
        "PUT /api/public/projects/{projectId}",
        "whole",
        {"name": "renamed again", "metadata": {"k": "v"}, "retention": 0},
        a_project,
    ),
    _asked("DELETE /api/public/projects/{projectId}", path=a_project),
    _asked("GET /api/public/projects/{projectId}/apiKeys", path=_here),
    _asked("POST /api/public/projects/{projectId}/apiKeys", "least", {}, _here),
    _asked("POST /api/public/projects/{projectId}/apiKeys", "whole", _pair, _here),
    _asked("DELETE /api/public/projects/{projectId}/apiKeys/{apiKeyId}", path=_a_key),
    _asked("GET /api/public/projects/{projectId}/memberships", path=_here),
    _asked("PUT /api/public/projects/{projectId}/memberships", body=_a_role, path=_here),
    _asked("DELETE /api/public/projects/{projectId}/memberships", body=_leaving, path=_here),
)

ORGANIZATIONS = (
    _asked("GET /api/public/organizations/apiKeys"),
    _asked("GET /api/public/organizations/projects"),
    _asked("GET /api/public/organizations/memberships"),
    _asked("PUT /api/public/organizations/memberships", body=_a_role),
    _asked("DELETE /api/public/organizations/memberships", body=_leaving),
)

PEOPLE = (
    _asked(f"GET {SCIM}/ServiceProviderConfig"),
    _asked(f"GET {SCIM}/ResourceTypes"),
    _asked(f"GET {SCIM}/Schemas"),
    _asked(f"GET {SCIM}/Users"),
    _asked(
        f"GET {SCIM}/Users",
        "with every parameter",
        query={"filter": 'userName eq "grace@example.org"', "startIndex": 1, "count": 10},
    ),
    _asked(f"POST {SCIM}/Users", "least", _user()),
    _asked(
        f"POST {SCIM}/Users",
        "whole",
        _user(
            emails=[{"primary": True, "value": "ada.l@example.org", "type": "work"}],
            active=True,
            password="correct horse battery staple",
        ),
    ),
    _asked(f"GET {SCIM}/Users/{{userId}}", path={"userId": "user"}),
    _asked(f"DELETE {SCIM}/Users/{{userId}}", path=_leaving),
)

SERVER = (Call(key="GET /api/public/health", caller="nobody"),)

CALLS = PROJECTS + ORGANIZATIONS + PEOPLE + SERVER
