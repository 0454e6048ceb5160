"""Authorisation as one table: which role, and which scope of an API key, holds which verb.

Every route, stream, tool and gRPC method names one verb of `PERMISSIONS`; `require` is the only check.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sightline.server.accounts.records import Access, KeyScope, Role
from sightline.server.runtime.errors import Forbidden

Verb = Literal[
    "open",
    "signed",
    "session.own",
    "membership.own",
    "project.read",
    "traces.read",
    "traces.write",
    "traces.delete",
    "events.send",
    "media.read",
    "media.write",
    "scores.read",
    "scores.create",
    "scores.write",
    "score-configs.read",
    "score-configs.write",
    "annotations.read",
    "annotations.write",
    "queues.manage",
    "prompts.read",
    "prompts.write",
    "prompts.promote",
    "prompts.delete",
    "skills.read",
    "skills.write",
    "skills.delete",
    "datasets.read",
    "datasets.write",
    "datasets.delete",
    "metrics.read",
    "dashboards.read",
    "dashboards.write",
    "models.read",
    "models.write",
    "evaluators.read",
    "evaluators.write",
    "connections.read",
    "connections.manage",
    "ask",
    "keys.read",
    "keys.manage",
    "audit.read",
    "people.read",
    "people.manage",
    "project.create",
    "project.manage",
    "project.delete",
    "organization.delete",
    "exports.read",
    "exports.manage",
]

OWNERS: Final[frozenset[Role]] = frozenset({"OWNER"})
ADMINS: Final[frozenset[Role]] = OWNERS | {"ADMIN"}
MEMBERS: Final[frozenset[Role]] = ADMINS | {"MEMBER"}
ANNOTATORS: Final[frozenset[Role]] = MEMBERS | {"ANNOTATOR"}
EVERYONE: Final[frozenset[Role]] = ANNOTATORS | {"VIEWER"}

NONE: Final[frozenset[KeyScope]] = frozenset()
ADMIN: Final[frozenset[KeyScope]] = frozenset({"admin"})
READ: Final[frozenset[KeyScope]] = ADMIN | {"read"}
WRITE: Final[frozenset[KeyScope]] = ADMIN | {"write"}
INGEST: Final[frozenset[KeyScope]] = ADMIN | {"ingest"}
SCORES: Final[frozenset[KeyScope]] = WRITE | {"scores"}
ANY: Final[frozenset[KeyScope]] = READ | SCORES | INGEST


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One verb: what it lets do, and who holds it."""

    says: str
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[KeyScope] = NONE
    """Of a project's key pair; `admin` holds every verb that a key can hold."""
    public_key: bool = False
    """Whether the public key alone holds it: browsers ship that half."""
    organization_key: bool = False


PERMISSIONS: Mapping[Verb, Permission] = {
    "open": Permission(says="Use what needs no credentials: health, this description, the pages, signing in."),
    "signed": Permission(says="Use an address that the server signed: whoever holds it, until it expires."),
    "session.own": Permission(
        says="See and end one's own sessions, change one's own password, accept an invitation.", roles=EVERYONE
    ),
    "membership.own": Permission(says="Leave the organisation.", roles=EVERYONE),
    "project.read": Permission(
        says="See that the project exists, its name, and that something in it changed.",
        roles=EVERYONE,
        scopes=ANY,
        organization_key=True,
    ),
    "traces.read": Permission(says="Read traces, observations and sessions.", roles=EVERYONE, scopes=READ),
    "traces.write": Permission(says="Send spans, logs and events, and change traces.", roles=MEMBERS, scopes=INGEST),
    "traces.delete": Permission(
        says="Delete traces and sessions with all that belongs to them.", roles=MEMBERS, scopes=ADMIN
    ),
    "events.send": Permission(
        says="Send a batch of events, each of which needs its own verb (traces.write or scores.create).",
        roles=MEMBERS,
        scopes=INGEST | SCORES,
        public_key=True,
    ),
    "media.read": Permission(says="Read pictures and other files of traces.", roles=EVERYONE, scopes=READ),
    "media.write": Permission(says="Upload files of traces.", roles=MEMBERS, scopes=INGEST),
    "scores.read": Permission(says="Read scores.", roles=EVERYONE, scopes=READ),
    "scores.create": Permission(
        says="Create scores under ids that are new.", roles=ANNOTATORS, scopes=SCORES, public_key=True
    ),
    "scores.write": Permission(says="Change and delete scores that exist.", roles=ANNOTATORS, scopes=SCORES),
    "score-configs.read": Permission(says="Read score configurations.", roles=EVERYONE, scopes=READ | {"scores"}),
    "score-configs.write": Permission(says="Create and change score configurations.", roles=MEMBERS, scopes=WRITE),
    "annotations.read": Permission(says="Read comments and annotation queues.", roles=EVERYONE, scopes=READ),
    "annotations.write": Permission(
        says="Comment, and add, complete and remove items of annotation queues.", roles=ANNOTATORS, scopes=WRITE
    ),
    "queues.manage": Permission(says="Create annotation queues and assign people.", roles=MEMBERS, scopes=WRITE),
    "prompts.read": Permission(says="Read prompts.", roles=EVERYONE, scopes=READ),
    "prompts.write": Permission(
        says="Create versions of prompts and move labels that are not protected.", roles=MEMBERS, scopes=WRITE
    ),
    "prompts.promote": Permission(
        says="Move and remove protected labels of prompts and skills.", roles=ADMINS, scopes=ADMIN
    ),
    "prompts.delete": Permission(says="Delete prompts and versions of them.", roles=MEMBERS, scopes=ADMIN),
    "skills.read": Permission(says="Read skills.", roles=EVERYONE, scopes=READ),
    "skills.write": Permission(
        says="Create versions of skills and move labels that are not protected.", roles=MEMBERS, scopes=WRITE
    ),
    "skills.delete": Permission(says="Delete versions of skills.", roles=MEMBERS, scopes=ADMIN),
    "datasets.read": Permission(says="Read datasets, runs and experiments.", roles=EVERYONE, scopes=READ),
    "datasets.write": Permission(says="Create and change datasets, items and runs.", roles=MEMBERS, scopes=WRITE),
    "datasets.delete": Permission(says="Delete datasets, their items and runs.", roles=MEMBERS, scopes=ADMIN),
    "metrics.read": Permission(says="Ask for metrics.", roles=EVERYONE, scopes=READ),
    "dashboards.read": Permission(says="Read dashboards and widgets.", roles=EVERYONE, scopes=READ),
    "dashboards.write": Permission(
        says="Create, change and delete dashboards and widgets.", roles=MEMBERS, scopes=WRITE
    ),
    "models.read": Permission(says="Read models and their prices.", roles=EVERYONE, scopes=READ),
    "models.write": Permission(says="Create, change and delete models and prices.", roles=MEMBERS, scopes=WRITE),
    "evaluators.read": Permission(says="Read evaluators and their rules.", roles=EVERYONE, scopes=READ),
    "evaluators.write": Permission(
        says="Create, change and delete evaluators and rules (which spend money).", roles=MEMBERS, scopes=WRITE
    ),
    "connections.read": Permission(
        says="See which LLM connections there are, without their secrets.", roles=MEMBERS, scopes=READ
    ),
    "connections.manage": Permission(says="Create, change and delete LLM connections.", roles=ADMINS, scopes=ADMIN),
    "ask": Permission(says="Ask a model (which spends money).", roles=MEMBERS),
    "keys.read": Permission(says="List API keys, without their secrets.", roles=MEMBERS, organization_key=True),
    "keys.manage": Permission(says="Create and delete API keys.", roles=ADMINS, organization_key=True),
    "audit.read": Permission(says="Read the audit log.", roles=ADMINS, organization_key=True),
    "people.read": Permission(says="See people and their roles.", roles=MEMBERS, organization_key=True),
    "people.manage": Permission(says="Add and remove people, and set roles.", roles=ADMINS, organization_key=True),
    "project.create": Permission(says="Create projects.", roles=ADMINS, organization_key=True),
    "project.manage": Permission(
        says="Change a project's name, metadata, retention and protected labels.", roles=ADMINS, organization_key=True
    ),
    "project.delete": Permission(says="Delete a project with all it holds.", roles=OWNERS, organization_key=True),
    "organization.delete": Permission(
        says="Delete the organisation with all its projects.", roles=OWNERS, organization_key=True
    ),
    "exports.read": Permission(says="See exports and how they go.", roles=ADMINS, organization_key=True),
    "exports.manage": Permission(says="Set up, change and delete exports.", roles=ADMINS, organization_key=True),
}


def holds(who: Access, verb: Verb) -> bool:
    held = PERMISSIONS[verb]
    if who.scope == "user":
        return who.role in held.roles
    if who.scope == "scores":
        return held.public_key and bool(who.scopes & held.scopes)  # Half a pair holds nothing that the pair does not.
    return bool(who.scopes & held.scopes)


def require(who: Access, verb: Verb) -> None:
    """Forbidden, in a sentence that says what would be enough."""
    if not holds(who, verb):
        raise Forbidden(lacking(who, verb))


def lacking(who: Access, verb: Verb) -> str:
    """What is missing, and what would be enough."""
    held = PERMISSIONS[verb]
    act = f"{verb} ({held.says.rstrip('.')})"
    if who.scope == "user":
        return f"Role {who.role} does not have {act}: {_roles(held)}"
    if who.scope == "scores" and not held.public_key:
        return f"A public key alone may only create scores, not {act}: send the key pair"
    given = ", ".join(sorted(who.scopes)) or "no scope"
    return f"API key {who.public_key!r} has {given}, which does not hold {act}: {_scopes(held)}"


def verbs_of(role: Role) -> list[Verb]:
    """What a member with this role may do, for a page to show only that."""
    return [verb for verb, held in PERMISSIONS.items() if role in held.roles]


def _roles(held: Permission) -> str:
    return f"{' or '.join(sorted(held.roles)) or 'no role'} has; ask an owner of the project"


def _scopes(held: Permission) -> str:
    return f"use a key with the scope {' or '.join(sorted(held.scopes))}" if held.scopes else "no key of a project does"
