"""Role-based access control: organisations, projects, people, API keys, sessions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

OrganizationId = NewType("OrganizationId", str)
ProjectId = NewType("ProjectId", str)
UserId = NewType("UserId", str)

Role = Literal["OWNER", "ADMIN", "MEMBER", "VIEWER"]
OrganizationRole = Literal["OWNER", "ADMIN", "MEMBER", "VIEWER", "NONE"]
"""NONE belongs to the organisation but sees only the projects that give another role."""
Scope = Literal["project", "scores", "user"]


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who is asking, and for which project: an API key pair, a public key alone, or a person."""

    project_id: ProjectId
    scope: Scope
    """`project`: the key pair; `scores`: the public key alone, may only create scores; `user`: a signed-in person."""
    user_id: UserId | None = None
    """As the project's organisation knows them: an account has another id in each organisation that invited it."""
    role: Role | None = None
    public_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class User:
    """An account, or a person as one organisation knows them."""

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


@dataclass(frozen=True, kw_only=True)
class KeyDraft:
    """A key pair to make; without halves of its own it gets random ones."""

    public_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    note: str | None = None
    expires_at: datetime | None = None


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
    joined: bool = True
    """False while it is an invitation, which grants nobody anything."""
    made_by: str = ""
    """The organisation that made this person: it alone may change their name or invite them again."""


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """A key pair just created: the only moment its secret is known."""

    key: ApiKey
    secret_key: str


@dataclass(frozen=True, kw_only=True)
class Client:
    """Where a sign-in comes from."""

    address: str | None = None
    browser: str | None = None
    """Its User-Agent."""
    mark: str | None = field(default=None, repr=False)
    """Device cookie: what an earlier sign-in from this browser left in it."""


UNKNOWN = Client()
"""For calls that come from no browser."""


@dataclass(frozen=True, kw_only=True)
class Session:
    user: User
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenSession:
    """A session as its owner sees it in the list of theirs."""

    id: str
    """The beginning of the token's hash: names the session and opens nothing."""
    created_at: datetime
    expires_at: datetime
    address: str | None
    browser: str | None


LinkPurpose = Literal["sign-in", "password", "invitation"]
"""`sign-in`: for the first person; `password`: set a new one; `invitation`: join an organisation."""


@dataclass(frozen=True, kw_only=True)
class OneTimeLink:
    """What a one-time link that has not been used leads to."""

    purpose: LinkPurpose
    user: User
    organization_id: OrganizationId | None = None
    organization_name: str | None = None
    role: OrganizationRole | None = None


AccountEventKind = Literal[
    "signed in",
    "sign-in failed",
    "password set",
    "sessions ended",
    "link made",
    "invited",
    "joined",
    "declined",
    "role changed",
    "removed",
]


@dataclass(frozen=True, kw_only=True)
class AccountEvent:
    """Something about sign-in or people that an audit wants to know."""

    kind: AccountEventKind
    email: str | None = None
    user_id: UserId | None = None
    organization_id: OrganizationId | None = None
    client: Client = UNKNOWN
    detail: str | None = None


Recorder = Callable[[AccountEvent], Awaitable[None]]
"""Told of every `AccountEvent` after it happened; never of a password or a token."""


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
