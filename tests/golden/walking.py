"""Everybody who may come to the doors of a server, and how each fares at every one of them."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import httpx2

from server.cluster import embedded_in
from server.contract import published
from server.contract.calls import Request
from server.contract.every_call import BESIDES, CALLS
from server.contract.project import Project
from server.contract.seeding import seeded
from server.edges.running_site import (
    HERE,
    ORIGIN,
    PASSWORD,
    SCORES_ONLY,
    WRONG,
    Site,
    basic,
    browser,
    opened,
    settings_in,
)
from sightline.server.accounts.records import (
    Client,
    InitialAccounts,
    KeyDraft,
    KeyScope,
    OrganizationId,
    ProjectId,
    Role,
)
from sightline.server.edges.access import COOKIE, declared
from sightline.server.runtime.clock import clock, now

BODIES: Mapping[str, Any] = {
    "POST /api/web/projects/{projectId}/ask": {"model": "m", "image": "data:image/png;base64,AA==", "question": "?"},
    "PUT /api/web/projects/{projectId}/protected-labels": {"labels": []},
    "POST /api/web/session": {"token": "guess"},
}
"""Of what no call of the contract has."""
LET_IN = "in"
"""What a door says to those whom it lets in, whatever they find behind it."""


@dataclass
class World:
    """A seeded project of one organisation, a project of another, and headers of everybody who comes."""

    project: Project
    keys: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Of programs."""
    people: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return self.project.site


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with opened(settings_in(folder, embedded_in(folder))) as site:
        made = World(await seeded(site))
        await _make_keys(made)
        await _make_people(made)
        yield made


async def _make_keys(made: World) -> None:
    accounts, organizations = made.site.app.state.services.accounts, made.site.app.state.services.organizations
    here = ProjectId("here")
    made.keys = {"nobody": {}, "wrong key": WRONG, "public key alone": SCORES_ONLY}
    long_ago = now() - timedelta(days=2)
    with clock(lambda: long_ago):
        expired = await accounts.create_key(here, KeyDraft(expires_at=long_ago + timedelta(days=1)))
    made.keys["expired key"] = basic(expired.key.public_key, expired.secret_key)
    for scope in get_args(KeyScope):
        pair = await accounts.create_key(here, KeyDraft(scopes=frozenset({scope})))
        made.keys[f"key to {scope}"] = basic(pair.key.public_key, pair.secret_key)
    made.keys["key to all"] = HERE
    made.keys["key of the organization"] = basic("pk-lf-lab", "sk-lf-lab")
    theirs = await organizations.create_key(OrganizationId("others"), KeyDraft())
    made.keys["key of another organization"] = basic(theirs.key.public_key, theirs.secret_key)


async def _make_people(made: World) -> None:
    accounts, organizations = made.site.app.state.services.accounts, made.site.app.state.services.organizations
    lab = OrganizationId("lab")
    for who in (*get_args(Role), "removed"):
        email = f"{who.lower()}@example.org"
        seed = InitialAccounts(org_id="lab", project_id="here", user_email=email, user_password=PASSWORD)
        person = (await accounts.seed(seed)).user
        async with browser(made.site, email) as client:
            made.people[who.lower()] = {"Cookie": "; ".join(f"{k}={v}" for k, v in client.cookies.items())}
        if who == "removed":
            await organizations.remove_member(lab, person.id)
        else:
            await organizations.put_member(lab, person.id, who)
    async with browser(made.site, "eve@example.org") as client:
        made.people["member elsewhere"] = {"Cookie": "; ".join(f"{k}={v}" for k, v in client.cookies.items())}


async def sign_in_again(made: World) -> None:
    """New sessions of everybody: some calls end them."""
    accounts = made.site.app.state.services.accounts
    for who in made.people:
        email = "eve@example.org" if who == "member elsewhere" else f"{who}@example.org"
        token, _ = await accounts.sign_in(email, PASSWORD, Client())
        made.people[who] = {"Cookie": f"{COOKIE}={token}"}


def verbs(site: Site) -> dict[str, str]:
    """What each route names, by method and path; the walk leaves none out."""
    return {
        f"{method} {(route.path or '').replace(':path}', '}')}": f"{declaration.caller}, {declaration.verb}"
        for route, declaration in declared(site.app)
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"})
    }


async def requests(project: Project) -> dict[str, Request]:
    """One whole request of each public operation, by its route: the first project's ids in path, query and body."""
    return {published.route(call.key): await call.resolved(project) for call in (*CALLS, *BESIDES)}


def address(template: str, path: Mapping[str, Any]) -> str:
    """The template with ids in it; whatever nobody named is `anything`."""
    given = {"projectId": "here", **path}
    return re.sub(r"\{([^}]*)\}", lambda found: quote(str(given.get(found[1], "anything")), safe=""), template)


async def knock(world: World, key: str, request: Request | None, headers: Mapping[str, str]) -> httpx2.Response:
    """One request; browsers say where they come from."""
    method, template = (request.call.key if request else key).split(" ", 1)
    return await world.site.client.request(
        method,
        address(template, request.path if request else {}),
        params=request.query if request else None,
        json=request.body if request else BODIES.get(key),
        headers={**headers, "Origin": ORIGIN},
    )


def outcome(answer: httpx2.Response) -> str:
    if answer.status_code == 400 and "signature" in answer.text:
        return "not signed"
    if answer.status_code == 404 and "you are not a member" in answer.text:
        return "no such project"
    return str(answer.status_code) if answer.status_code in (401, 403) else LET_IN


def told(outcomes: Mapping[str, str]) -> str:
    """A row of the table: those who fare alike, together."""
    alike: dict[str, list[str]] = {}
    for who, how in outcomes.items():
        alike.setdefault(how, []).append(who)
    return "; ".join(f"{how}: {', '.join(whose)}" for how, whose in sorted(alike.items()))
