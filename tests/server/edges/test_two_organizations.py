"""Every SCIM and membership call of one organisation with the ids and addresses of another's people.

Nothing of the other's changes, and each answer is the one that a made-up id or address gets.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from server.edges.running_site import PASSWORD, Site, basic, browser
from sightline.server.accounts.records import UNKNOWN, KeyDraft, OrganizationId, UserId
from sightline.server.edges.access import declared

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS, THEIRS = basic("pk-lf-ours", "sk-lf-ours"), basic("pk-lf-theirs", "sk-lf-theirs")
"""Key pairs: of the organisation whose people these are, and of the one that tries."""


@dataclass(frozen=True)
class Target:
    """A person as another organisation would name them."""

    user_id: str
    email: str


@dataclass(frozen=True)
class Try:
    """A call with a person's id and address in it, at most one of which the path or the body takes."""

    method: str
    path: str
    body: Callable[[Target], Any] = lambda _: None
    query: str = ""
    status: int = 404
    """What a made-up person gets."""


def operation(**given: Any) -> Callable[[Target], Any]:
    return lambda _: {"Operations": [{"op": "replace", **given}]}


def user(**more: Any) -> Callable[[Target], Any]:
    return lambda target: {"userName": target.email, "name": {"formatted": "Taken"}, **more}


def role(name: str) -> Callable[[Target], Any]:
    return lambda target: {"userId": target.user_id, "role": name}


def leaving(target: Target) -> Any:
    return {"userId": target.user_id}


MEMBERSHIPS = "/api/public/organizations/memberships"
OUR_PROJECT = "/api/public/projects/here/memberships"
THEIR_PROJECT = "/api/public/projects/elsewhere/memberships"
USERS = "/api/public/scim/Users"
ONE = f"{USERS}/{{userId}}"

TRIES = (
    Try("GET", MEMBERSHIPS, status=200),
    *(Try("PUT", MEMBERSHIPS, role(name)) for name in ("OWNER", "ADMIN", "MEMBER", "VIEWER", "NONE")),
    Try("DELETE", MEMBERSHIPS, leaving),
    *(Try("GET", path, status=status) for path, status in ((OUR_PROJECT, 404), (THEIR_PROJECT, 200))),
    *(Try("PUT", path, role(name)) for path in (OUR_PROJECT, THEIR_PROJECT) for name in ("OWNER", "NONE")),
    *(Try("DELETE", path, leaving) for path in (OUR_PROJECT, THEIR_PROJECT)),
    Try("GET", USERS, status=200),
    Try("GET", USERS, query='?filter=userName eq "{email}"', status=200),
    Try("GET", ONE),
    Try("PUT", ONE, user()),
    Try("PUT", ONE, user(active=True, roles=["OWNER"])),
    Try("PUT", ONE, user(active=False)),
    Try("PATCH", ONE, operation(path="active", value=True)),
    Try("PATCH", ONE, operation(path="active", value=False)),
    Try("PATCH", ONE, operation(path="displayName", value="Taken")),
    Try("DELETE", ONE),
    Try("POST", USERS, user(password="a password of their choice", roles=["OWNER"]), status=201),
    # Again: now it is a person that they made themselves.
    Try("POST", USERS, user(), status=409),
    Try("GET", USERS, query='?filter=userName eq "{email}"', status=200),
)
WITHOUT_PEOPLE = {
    "/api/public/scim/ServiceProviderConfig",
    "/api/public/scim/ResourceTypes",
    "/api/public/scim/Schemas",
}
"""They describe the protocol and name nobody."""


async def ask(site: Site, call: Try, target: Target) -> tuple[int, dict[str, str], str]:
    """Status, headers and body, with what the target put into it by name, and what is random, made equal."""
    path = call.path.replace("{userId}", target.user_id) + call.query.format(email=target.email)
    answer = await site.client.request(call.method, path, json=call.body(target), headers=THEIRS)
    text = answer.text.replace(target.user_id, "<id>").replace(target.email, "<email>")
    for made in ids_in(answer.text):
        text = text.replace(made, "<made>")
    return answer.status_code, {k: v for k, v in answer.headers.items() if k != "content-length"}, text


def ids_in(text: str) -> list[str]:
    """Ids of the people in an answer of SCIM."""
    answer = json.loads(text or "null")
    found = answer.get("Resources", [answer]) if isinstance(answer, dict) else []
    return [each["id"] for each in found if isinstance(each, dict) and "userName" in each]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(site: Site) -> dict[str, Target]:
    """Ours: the first owner, one whom a directory made and who never came, one who joined, one who was removed."""
    services = site.app.state.services
    for organization, name in (("lab", "ours"), ("others", "theirs")):
        draft = KeyDraft(public_key=f"pk-lf-{name}", secret_key=f"sk-lf-{name}")
        await services.organizations.create_key(OrganizationId(organization), draft)
    found = {}
    for name in ("invited", "joined", "removed"):
        made = await services.people.add(OrganizationId("lab"), f"{name}@a.example", name, "MEMBER")
        found[name] = Target(made.user.id, made.user.email)
        if name != "invited":
            token = await services.people.invitation(OrganizationId("lab"), made.user.id)
            await services.own_account.set_password(token, PASSWORD, UNKNOWN)
    await services.organizations.put_project_member(
        OrganizationId("lab"), "here", UserId(found["joined"].user_id), "ADMIN"
    )
    await services.organizations.remove_member(OrganizationId("lab"), UserId(found["removed"].user_id))
    owner = (await services.accounts.sign_in("ada@example.org", PASSWORD))[1].user
    return found | {"owner": Target(owner.id, owner.email)}


async def ours(site: Site) -> list[Any]:
    """All that our organisation reads of its people."""
    paths = (MEMBERSHIPS, OUR_PROJECT, USERS)
    return [(await site.client.get(path, headers=OURS)).json() for path in paths]


async def test_the_table_has_every_call_about_people(site: Site):
    about = {
        (method, route.path)
        for route, _ in declared(site.app)
        for method in route.methods or ()
        if "/scim/" in (route.path or "") or (route.path or "").endswith("/memberships")
    }
    tried = {(each.method, re.sub("/(here|elsewhere)/", "/{projectId}/", each.path)) for each in TRIES}
    assert {each for each in about if each[1] not in WITHOUT_PEOPLE} == tried


@pytest.mark.parametrize("name", ["owner", "invited", "joined", "removed"])
async def test_another_organisation_changes_nothing_and_learns_nothing(
    site: Site, people: dict[str, Target], name: str
):
    before = await ours(site)
    made_up = Target(f"{'0' * 31}{len(name)}", f"nobody-{name}@a.example")
    for call in TRIES:
        real, invented = await ask(site, call, people[name]), await ask(site, call, made_up)
        assert real == invented, f"{call.method} {call.path} tells {name} from nobody"
        assert real[0] == call.status, f"{call.method} {call.path} of {name}: {real}"
    assert await ours(site) == before


async def test_whom_they_wrote_down_signs_in_as_before_and_nowhere_else(site: Site, people: dict[str, Target]):
    for name in ("owner", "joined"):
        async with browser(site, people[name].email) as client:
            projects = (await client.get("/api/web/session")).json()["projects"]
        assert [each["id"] for each in projects] == ["here"], name
    refused = {"email": people["joined"].email, "password": "a password of their choice"}
    assert (await site.client.post("/api/web/session", json=refused)).status_code == 401


async def test_a_project_of_theirs_takes_in_nobody_of_ours_and_no_page_does(site: Site, people: dict[str, Target]):
    async with browser(site, "eve@example.org") as eve:
        for method, path, body in (
            ("PATCH", f"/{people['joined'].user_id}", {"role": "OWNER"}),
            ("POST", f"/{people['invited'].user_id}/link", None),
            ("DELETE", f"/{people['joined'].user_id}", None),
        ):
            answer = await eve.request(method, f"/api/web/projects/elsewhere/members{path}", json=body)
            assert answer.status_code == 404, (method, path)
            assert (await eve.request(method, f"/api/web/projects/here/members{path}", json=body)).status_code == 404
        assert (await eve.get("/api/web/projects/here/members")).status_code == 404
