"""Who may do what: organisations, projects, people, keys, sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

ProjectId = NewType("ProjectId", str)
UserId = NewType("UserId", str)

Role = Literal["OWNER", "ADMIN", "MEMBER", "VIEWER"]
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


@dataclass(frozen=True, kw_only=True)
class ProjectAccess:
    """A project as one of its members sees it."""

    project: Project
    role: Role


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    public_key: str
    display_secret_key: str
    """Its first and last characters, to tell keys apart; the secret itself is never kept."""
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """A key pair at the only moment its secret is known."""

    key: ApiKey
    secret_key: str


@dataclass(frozen=True, kw_only=True)
class Session:
    user: User
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class InitialAccounts:
    """What `SIGHTLINE_INIT_*` asks to exist. All unset means: whatever a newcomer needs, if nothing exists yet."""

    org_id: str | None = None
    org_name: str | None = None
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
