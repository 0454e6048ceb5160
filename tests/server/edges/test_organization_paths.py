"""Running an organisation by its key: projects, keys, roles, and the directory of its people."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from langfuse.api import AsyncLangfuseAPI, NotFoundError
from langfuse.api.organizations import MembershipRole as Role

from server.edges.running_site import ELSEWHERE, HERE, PASSWORD, Site, basic
from server.edges.sdk import sdk
from sightline.server.accounts.records import UNKNOWN, KeyDraft, OrganizationId, ProjectId, UserId
from sightline.server.runtime.clock import clock, now

pytestmark = pytest.mark.asyncio(loop_scope="module")

LAB = ("pk-lf-lab", "sk-lf-lab")
OTHERS = ("pk-lf-others", "sk-lf-others")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def keys(site: Site) -> None:
    for organization, (public, secret) in (("lab", LAB), ("others", OTHERS)):
        draft = KeyDraft(public_key=public, secret_key=secret)
        await site.app.state.services.organizations.create_key(OrganizationId(organization), draft)


@pytest_asyncio.fixture(loop_scope="module")
async def api(site: Site) -> AsyncIterator[AsyncLangfuseAPI]:
    async with sdk(site, *LAB) as client:
        yield client


async def send(site: Site, method: str, path: str, body: Any = None, pair: tuple[str, str] = LAB) -> httpx2.Response:
    return await site.client.request(method, f"/api/public{path}", json=body, headers=basic(*pair))


async def user_id(site: Site, name: str) -> str:
    accounts = site.app.state.services.accounts
    return str((await accounts.sign_in(f"{name}@example.org", PASSWORD))[1].user.id)


async def joined(site: Site, name: str) -> UserId:
    """A person whom the organisation's directory made, and who accepted the invitation."""
    made = await send(site, "POST", "/scim/Users", {"userName": f"{name}@example.org"})
    services, person = site.app.state.services, UserId(made.json()["id"])
    token = await services.people.invitation(OrganizationId("lab"), person)
    await services.own_account.set_password(token, PASSWORD, UNKNOWN)
    return person


async def test_a_project_is_made_renamed_and_deleted_with_all_it_held(site: Site, api: AsyncLangfuseAPI):
    made = await api.projects.create(name="brief", metadata={"team": "blue"}, retention=0)
    assert (made.name, made.metadata, made.organization.id) == ("brief", {"team": "blue"}, "lab")
    assert made.id in [project.id for project in (await api.organizations.get_organization_projects()).projects]
    pair = await api.projects.create_api_key(made.id, note="for the test")
    theirs = basic(pair.public_key, pair.secret_key)
    body = {"name": "n", "value": 1, "traceId": "t"}
    assert (await site.client.post("/api/public/scores", json=body, headers=theirs)).status_code == 200
    changed = await api.projects.update(made.id, name="longer", retention=0)
    assert (changed.name, changed.metadata) == ("longer", {"team": "blue"})
    assert (await api.projects.delete(made.id)).success
    assert (await site.client.get("/api/public/projects", headers=theirs)).status_code == 401
    scores = await site.app.state.services.tracing._scores._engine.query(
        "SELECT count() AS n FROM scores WHERE project_id = {project:String}", {"project": made.id}
    )
    assert scores == [{"n": 0}]
    with pytest.raises(NotFoundError):
        await api.projects.delete(made.id)


async def test_keys_of_a_project_are_made_listed_and_deleted(site: Site, api: AsyncLangfuseAPI):
    made = await api.projects.create_api_key("here", note="new", public_key="pk-lf-mine", secret_key="sk-lf-mine")
    assert (made.public_key, made.secret_key, made.note) == ("pk-lf-mine", "sk-lf-mine", "new")
    mine = basic("pk-lf-mine", "sk-lf-mine")
    assert (await site.client.get("/api/public/projects", headers=mine)).status_code == 200
    listed = (await api.projects.get_api_keys("here")).api_keys
    assert [key.note for key in listed if key.id == made.id] == ["new"]
    assert (await api.projects.delete_api_key("here", made.id)).success
    assert (await site.client.get("/api/public/projects", headers=mine)).status_code == 401
    with pytest.raises(NotFoundError):
        await api.projects.delete_api_key("here", made.id)


async def test_a_key_that_has_expired_opens_nothing(site: Site, api: AsyncLangfuseAPI):
    made = await api.projects.create_api_key("here", expires_at=now() + timedelta(hours=1))
    accounts = site.app.state.services.accounts
    assert (await accounts.by_key(made.public_key, made.secret_key)).project_id == "here"
    later = now() + timedelta(hours=2)
    with clock(lambda: later):
        answer = await site.client.get("/api/public/projects", headers=basic(made.public_key, made.secret_key))
    assert answer.status_code == 401
    assert "has expired" in answer.text


async def test_an_organisations_key_is_told_that_it_is_no_projects(site: Site):
    answer = await site.client.get("/api/public/projects", headers=basic(*LAB))
    assert answer.status_code == 401
    assert "is an organisation's" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"publicKey": "pk-lf-half"}, 400),
        ({"publicKey": "mine", "secretKey": "sk-lf-x"}, 400),
        ({"name": "a", "note": "b"}, 400),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, 400),
        ({"publicKey": "pk-lf-elsewhere", "secretKey": "sk-lf-x"}, 409),
        ({"publicKey": "pk-lf-lab", "secretKey": "sk-lf-x"}, 409),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(site: Site, body: Any, status: int):
    assert (await send(site, "POST", "/projects/here/apiKeys", body)).status_code == status


async def test_projects_that_make_no_sense_are_refused(site: Site):
    assert (await send(site, "POST", "/projects", {"name": "taken"})).status_code == 201
    assert (await send(site, "POST", "/projects", {"name": "taken"})).status_code == 409
    assert (await send(site, "POST", "/projects", {"name": "x"})).status_code == 400
    assert "retention is 0" in (await send(site, "POST", "/projects", {"name": "kept", "retention": 2})).text
    kept = await send(site, "POST", "/projects", {"name": "kept", "retention": 30})
    assert kept.json()["retentionDays"] == 30


async def test_a_projects_key_is_of_the_wrong_kind_and_an_organisations_too(site: Site):
    answer = await site.client.get("/api/public/organizations/projects", headers=HERE)
    assert (answer.status_code, answer.json()["error"]) == (403, "ForbiddenError")
    assert (await send(site, "GET", "/organizations/projects", pair=("pk-lf-lab", "wrong"))).status_code == 401
    assert (await send(site, "GET", "/v2/prompts")).status_code == 401
    [key] = (await send(site, "GET", "/organizations/apiKeys")).json()["apiKeys"]
    assert (key["publicKey"], "secretKey" in key) == ("pk-lf-lab", False)


async def test_roles_in_the_organisation_and_in_a_project(site: Site, api: AsyncLangfuseAPI):
    ben, accounts = await joined(site, "ben"), site.app.state.services.accounts
    given = await api.organizations.update_organization_membership(user_id=ben, role=Role.VIEWER)
    assert (given.email, given.role) == ("ben@example.org", Role.VIEWER)
    assert await accounts.member_role(ProjectId("here"), ben) == "VIEWER"
    await api.organizations.update_project_membership("here", user_id=ben, role=Role.ADMIN)
    assert await accounts.member_role(ProjectId("here"), ben) == "ADMIN"
    [own] = (await api.organizations.get_project_memberships("here")).memberships
    assert (own.user_id, own.role) == (ben, Role.ADMIN)
    nothing = {"userId": ben, "role": "NONE"}
    assert (await send(site, "PUT", "/projects/here/memberships", nothing)).status_code == 200
    user = (await accounts.sign_in("ben@example.org", PASSWORD))[1].user
    assert "here" not in [each.project.id for each in await accounts.projects_of(user)]
    assert (await api.organizations.delete_project_membership("here", user_id=ben)).user_id == ben
    assert (await api.organizations.delete_organization_membership(user_id=ben)).user_id == ben
    assert ben not in [each.user_id for each in (await api.organizations.get_organization_memberships()).memberships]
    with pytest.raises(NotFoundError):
        await api.organizations.delete_organization_membership(user_id=ben)


async def test_the_last_owner_stays(site: Site):
    ada = await user_id(site, "ada")
    for method, body in (("PUT", {"userId": ada, "role": "MEMBER"}), ("DELETE", {"userId": ada})):
        answer = await send(site, method, "/organizations/memberships", body)
        assert (answer.status_code, "last owner" in answer.text) == (400, True)


async def test_another_organisations_projects_do_not_exist(site: Site):
    eve = await user_id(site, "eve")
    for method, path, body in (
        ("PUT", "/projects/here", {"name": "stolen"}),
        ("DELETE", "/projects/here", None),
        ("GET", "/projects/here/apiKeys", None),
        ("POST", "/projects/here/apiKeys", {}),
        ("DELETE", "/projects/here/apiKeys/pk-lf-here", None),
        ("GET", "/projects/here/memberships", None),
        ("PUT", "/projects/here/memberships", {"userId": eve, "role": "OWNER"}),
        ("DELETE", "/projects/here/memberships", {"userId": eve}),
        ("GET", f"/scim/Users/{await user_id(site, 'ada')}", None),
    ):
        assert (await send(site, method, path, body, OTHERS)).status_code == 404, (method, path)
    assert (await site.client.get("/api/public/projects", headers=ELSEWHERE)).status_code == 200


async def test_a_directory_finds_what_this_server_speaks(api: AsyncLangfuseAPI):
    assert (await api.scim.get_service_provider_config()).patch.supported
    assert [each.endpoint for each in (await api.scim.get_resource_types()).resources] == ["/Users"]
    assert (await api.scim.get_schemas()).total_results == 1


async def test_a_directory_keeps_people(site: Site, api: AsyncLangfuseAPI):
    body = {"userName": "Mia@Example.org", "name": {"givenName": "Mia", "familyName": "Moon"}, "roles": ["MEMBER"]}
    made = (await send(site, "POST", "/scim/Users", body)).json()
    assert (made["userName"], made["name"]["formatted"], made["roles"]) == ("mia@example.org", "Mia Moon", ["MEMBER"])
    found = await api.scim.list_users(filter='userName eq "mia@example.org"')
    assert [user.id for user in found.resources] == [made["id"]]
    everybody = await api.scim.list_users(start_index=2, count=1)
    assert (everybody.start_index, len(everybody.resources)) == (2, 1)
    where = f"/scim/Users/{made['id']}"
    patch = {"Operations": [{"op": "Replace", "path": "displayName", "value": "Mia M."}]}
    assert (await send(site, "PATCH", where, patch)).json()["name"]["formatted"] == "Mia M."
    changed = await send(site, "PUT", where, body | {"name": {"formatted": "M"}, "roles": ["ADMIN"]})
    assert (changed.json()["name"]["formatted"], changed.json()["roles"]) == ("M", ["ADMIN"])
    gone = await send(site, "PATCH", where, {"Operations": [{"op": "replace", "value": {"active": False}}]})
    assert gone.json()["active"] is False
    with pytest.raises(NotFoundError):
        await api.scim.get_user(made["id"])
    back = await send(site, "PATCH", where, {"Operations": [{"op": "replace", "path": "active", "value": "True"}]})
    assert (back.json()["id"], back.json()["active"], back.json()["roles"]) == (made["id"], True, ["NONE"])
    assert (await api.scim.get_user(made["id"])).id == made["id"]
    assert (await send(site, "PUT", where, body | {"active": False})).json()["active"] is False
    assert (await send(site, "PUT", where, body)).status_code == 404
    assert (await send(site, "PUT", where, body | {"active": True})).json()["roles"] == ["MEMBER"]
    assert (await send(site, "DELETE", where)).status_code == 204
    again = (await send(site, "POST", "/scim/Users", {"userName": "mia@example.org"})).json()
    assert (again["id"], again["roles"]) == (made["id"], ["NONE"])
    assert (await send(site, "DELETE", where)).status_code == 204


async def test_a_directory_is_refused_in_its_own_words(site: Site):
    answer = await send(site, "POST", "/scim/Users", {"userName": "ada@example.org"})
    assert (answer.status_code, answer.json()["status"]) == (409, "409")
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert "member" in answer.json()["detail"]
    assert (await send(site, "GET", "/scim/Users?filter=active eq true")).status_code == 400
    odd = {"Operations": [{"op": "replace", "path": "emails", "value": []}]}
    ada = await user_id(site, "ada")
    assert (await send(site, "PATCH", f"/scim/Users/{ada}", odd)).status_code == 400
