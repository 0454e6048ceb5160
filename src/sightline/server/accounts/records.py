"""Role-based access control: organisations, projects, people, API keys, sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NewType, get_args

OrganizationId = NewType("OrganizationId", str)
ProjectId = NewType("ProjectId", str)
UserId = NewType("UserId", str)

Role = Literal["OWNER", "ADMIN", "MEMBER", "ANNOTATOR", "VIEWER"]
"""On Langfuse's wire, whose clients know four roles, an annotator is called VIEWER too."""
OrganizationRole = Literal["OWNER", "ADMIN", "MEMBER", "ANNOTATOR", "VIEWER", "NONE"]
"""NONE belongs to the organisation but sees only the projects that give another role."""
Scope = Literal["project", "scores", "user"]
KeyScope = Literal["ingest", "read", "write", "scores", "admin"]
"""What a project's key pair is for."""
FULL: Final[frozenset[KeyScope]] = frozenset(get_args(KeyScope))
"""All scopes: what a key has that was made before there were any, or without naming any."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who is asking, and for which project: an API key pair, a public key alone, or a person."""

    project_id: ProjectId
    scope: Scope
    """`project`: the key pair; `scores`: the public key alone, may only create scores; `user`: a signed-in person."""
    user_id: UserId | None = None
    role: Role | None = None
    public_key: str | None = None
    scopes: frozenset[KeyScope] = frozenset()
    """Of a key pair; a person has a role instead."""


@dataclass(frozen=True, kw_only=True)
class User:
    id: UserId
    email: str
    name: str | None


@dataclass(frozen=True, kw_only=True)
class Project:
    id: ProjectId
    name: str
    organization_id: str
    organization_name: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    retention_days: int = 0
    """Data older than so many days is deleted; 0 keeps everything."""
    protected_labels: Sequence[str] = ()
    """Labels of prompts and skills that only those who hold `prompts.promote` may move."""
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ProjectAccess:
    """A project as one of its members sees it."""

    project: Project
    role: Role


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    public_key: str
    display_secret_key: str
    """The secret redacted to its first and last characters; only a hash of it is stored."""
    created_at: datetime
    note: str | None = None
    expires_at: datetime | None = None
    """Expiry: from then on the pair is refused. None never expires."""
    last_used_at: datetime | None = None
    """Written behind, so exact to the minute."""
    scopes: frozenset[KeyScope] = FULL
    """Of a project's key. An organisation's has none to choose."""


@dataclass(frozen=True, kw_only=True)
class StoredKey:
    """What authentication needs of a project's key."""

    project_id: ProjectId
    secret_hash: str = field(repr=False)
    expires_at: datetime | None
    scopes: frozenset[KeyScope]


@dataclass(frozen=True, kw_only=True)
class KeyDraft:
    """A key pair to make; without halves of its own it gets random ones."""

    public_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    note: str | None = None
    expires_at: datetime | None = None
    scopes: frozenset[KeyScope] = FULL


@dataclass(frozen=True, kw_only=True)
class OrganizationAccess:
    """An organisation's key pair: may run its projects, people and keys."""

    organization_id: OrganizationId
    public_key: str


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A person and their role in an organisation or a project."""

    user: User
    role: OrganizationRole


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """A key pair just created: the only moment its secret is known."""

    key: ApiKey
    secret_key: str


@dataclass(frozen=True, kw_only=True)
class Session:
    user: User
    expires_at: datetime


ActorKind = Literal["person", "key", "public key", "organization key", "nobody", "system"]
AuditAction = Literal[
    "sign-in",
    "key.create",
    "key.delete",
    "member.add",
    "member.change",
    "member.remove",
    "person.delete",
    "project.create",
    "project.change",
    "project.delete",
    "organization.delete",
    "trace.delete",
    "session.delete",
    "score.delete",
    "dataset.delete",
    "dataset-item.delete",
    "dataset-run.delete",
    "prompt.delete",
    "skill.delete",
    "label.move",
    "export.change",
    "export.delete",
]
Outcome = Literal["done", "refused"]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: a person by id, a key by its public half, nobody who is known, or the server itself."""

    kind: ActorKind
    id: str | None = None
    address: str | None = None
    """The network address they come from."""


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """What is done, and to what: ids, never names of people or contents, because rows outlive what they tell of."""

    action: AuditAction
    target_kind: str
    target_id: str | None
    project_id: str | None = None
    organization_id: str | None = None
    """Of the project, unless given."""
    outcome: Outcome = "done"
    details: Mapping[str, Any] = field(default_factory=dict)
    by: Actor | None = None
    """Whoever acts in this context, unless given."""


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    id: str
    at: datetime
    actor: Actor
    event: AuditEvent


@dataclass(frozen=True, kw_only=True)
class AuditQuery:
    """The rows of a project or of an organisation, newest first."""

    project_id: str | None = None
    organization_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    actor_id: str | None = None
    action: str | None = None
    before: tuple[datetime, str] | None = None
    """Keyset cursor: time and id of the last row of the page before."""
    limit: int = 50


@dataclass(frozen=True, kw_only=True)
class InitialAccounts:
    """What `SIGHTLINE_INIT_*` asks to exist. All unset: defaults, on an empty installation only."""

    org_id: str | None = None
    org_name: str | None = None
    org_public_key: str | None = None
    org_secret_key: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    public_key: str | None = None
    secret_key: str | None = None
    user_email: str | None = None
    user_name: str | None = None
    user_password: str | None = None


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """What seeding left: the first project and person, and what was made just now, for the caller to print once."""

    project: Project | None
    user: User | None
    created_key: NewApiKey | None = None
    """Set only when this start made up the key pair."""
