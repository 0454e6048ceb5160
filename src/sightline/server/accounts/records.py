"""Role-based access control: organisations, projects, people, API keys, sessions."""

from collections.abc import Mapping
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
    role: Role | None = None
    public_key: str | None = None


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


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """A key pair just created: the only moment its secret is known."""

    key: ApiKey
    secret_key: str


@dataclass(frozen=True, kw_only=True)
class Session:
    user: User
    expires_at: datetime


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
