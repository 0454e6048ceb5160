"""What people and keys can do with accounts: seed, sign in, be recognised."""

from sightline.server.accounts.records import (
    Access,
    ApiKey,
    InitialAccounts,
    NewApiKey,
    Project,
    ProjectAccess,
    ProjectId,
    Seeded,
    Session,
    User,
)
from sightline.server.runtime.database import Database


class Accounts:
    """Organisations, projects, people, keys and sessions; every refusal is a `SightlineError`."""

    def __init__(self, database: Database, *, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper

    async def seed(self, initial: InitialAccounts) -> Seeded:
        raise NotImplementedError

    async def by_key(self, public_key: str, secret_key: str) -> Access:
        raise NotImplementedError

    async def by_public_key(self, public_key: str) -> Access:
        raise NotImplementedError

    async def sign_in(self, email: str, password: str) -> tuple[str, Session]:
        raise NotImplementedError

    async def sign_in_link(self) -> str:
        raise NotImplementedError

    async def redeem(self, token: str) -> tuple[str, Session]:
        raise NotImplementedError

    async def by_session(self, token: str) -> User | None:
        raise NotImplementedError

    async def sign_out(self, token: str) -> None:
        raise NotImplementedError

    async def projects_of(self, user: User) -> list[ProjectAccess]:
        raise NotImplementedError

    async def access(self, user: User, project_id: ProjectId) -> Access:
        raise NotImplementedError

    async def project(self, project_id: ProjectId) -> Project:
        raise NotImplementedError

    async def keys(self, project_id: ProjectId) -> list[ApiKey]:
        raise NotImplementedError

    async def create_key(self, project_id: ProjectId) -> NewApiKey:
        raise NotImplementedError
