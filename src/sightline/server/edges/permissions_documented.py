"""The guide's page of permissions, made from the table of verbs and from what the routes declare.

`python -m sightline.server.edges.permissions_documented > docs/guide/permissions.md`
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from fastapi import FastAPI

from sightline.server.accounts.audit import AUDITED
from sightline.server.accounts.permissions import PERMISSIONS
from sightline.server.accounts.records import KeyScope, Role
from sightline.server.edges import description, langfuse, mcp, otlp, otlp_grpc, otlp_logs, web
from sightline.server.edges.access import declared

HEAD = """# Who may do what

One table in the code says which role, and which scope of an API key, holds which verb; every route, live stream, MCP
tool and gRPC method names one verb, and is refused to whoever does not hold it. This page is made from both.

**Roles** belong to people, in an organisation; a role in a single project overrides that one there. Langfuse's clients
know four roles: an ANNOTATOR is shown to them as VIEWER. Writing VIEWER through its paths makes a viewer; ANNOTATOR may
be written too.

**Scopes** belong to the key pairs of a project, and are chosen when a key is made, with an expiry if you like. `admin`
holds whatever a key can hold. A key made before there were scopes, or by a client that names none, has all of them. An
expired key is answered 401. The *public key alone* (a bearer token, for browsers) creates scores where its pair may: it
changes none, and reads nothing.

**Protected labels** are a setting of the project, empty at first: `PUT /api/web/projects/{projectId}/protected-labels`
for owners and admins, or `protectedLabels` of `PUT /api/public/projects/{projectId}` with an organisation's key. A
protected label of a prompt or a skill is moved, and what has it is deleted, only by those who hold `prompts.promote`;
others are refused with 403 on every way: the public API, the oldest paths, MCP and imports.

**A live stream** ends within seconds once its session has ended or its member was removed.
"""
AUDIT = """## The audit log

What stands below is recorded with who did it (a person's id, or the public half of a key), to what, when, from which
address and with what outcome. Rows are appended in the same transaction as the change, hold ids and no names of people
or contents, and cannot be changed or deleted in the database. Owners and admins read it at
`GET /api/web/projects/{projectId}/audit`, an organisation's key at `GET /api/public/organizations/auditLogs`: newest
first, `cursor` and `limit`, and `from`, `to`, `actor` and `action` narrow it.
"""


ROUTERS = (otlp.router, otlp_logs.router, langfuse.router, description.router, mcp.router, web.router, web.pages)


def page() -> str:
    return "\n".join((HEAD, "## Verbs\n", *_verbs(), "", "## Routes\n", *_routes(), "", AUDIT, *_audited(), ""))


def _verbs() -> Iterator[str]:
    roles, scopes = get_args(Role), get_args(KeyScope)
    yield from _header(["Verb", "What it lets do", *roles, *scopes, "public key alone", "organisation's key"])
    for verb, held in PERMISSIONS.items():
        marks = [
            *(role in held.roles for role in roles),
            *(scope in held.scopes for scope in scopes),
            held.public_key,
            held.organization_key,
        ]
        yield _row([f"`{verb}`", held.says, *("x" if mark else "" for mark in marks)])


def _routes() -> Iterator[str]:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for router in ROUTERS:
        app.include_router(router)
    rows = [
        ((route.path or "").replace(":path}", "}"), method, declaration.caller, declaration.verb)
        for route, declaration in declared(app)
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    rows += [(f"gRPC {service}/Export", "", "project key", otlp_grpc.VERB) for service in otlp_grpc.METHODS]
    yield from _header(["Path", "Method", "Called by", "Verb"])
    for path, method, caller, verb in sorted(rows):
        yield _row([f"`{path}`", method, caller, f"`{verb}`"])


def _audited() -> Iterator[str]:
    yield from _header(["Action", "What it says"])
    for action, says in AUDITED.items():
        yield _row([f"`{action}`", says])


def _header(names: Sequence[str]) -> Iterator[str]:
    yield _row(names)
    yield _row(["---"] * len(names))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
