"""The first organisation, project, person and key pair: as `SIGHTLINE_INIT_*` says, or what a newcomer needs."""

from dataclasses import astuple

from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts import secrets
from sightline.server.accounts.records import (
    ApiKey,
    InitialAccounts,
    NewApiKey,
    OrganizationId,
    Project,
    ProjectId,
    Seeded,
    User,
    UserId,
)
from sightline.server.accounts.store import accounts as store
from sightline.server.accounts.store import organizations as organization_store
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import Conflict, InvalidRequest
from sightline.server.runtime.ids import new_id

DEFAULT_EMAIL = "owner@localhost"
"""The default owner, who signs in by link."""


async def seed(connection: AsyncConnection, initial: InitialAccounts, pepper: bytes) -> Seeded:
    """Create what is missing; idempotent.

    Nothing named and something there: nothing is created.
    """
    fresh = not await store.any_organization(connection)
    if not fresh and not any(astuple(initial)):
        return Seeded(project=await store.first_project(connection), user=await store.first_user(connection))
    project = await _project(connection, initial)
    user = await _user(connection, initial, project, fresh=fresh)
    created_key = await _key(connection, initial, project, pepper)
    await _organization_key(connection, initial, project, pepper)
    return Seeded(project=project, user=user, created_key=created_key)


async def _project(connection: AsyncConnection, initial: InitialAccounts) -> Project:
    organization_id = initial.org_id or "default"
    project_id = ProjectId(initial.project_id or "default")
    await store.add_organization(connection, organization_id, initial.org_name or "My organization")
    await store.add_project(connection, project_id, organization_id, initial.project_name or "My project")
    project = await store.project(connection, project_id)
    if project is None or (initial.org_id and project.organization_id != initial.org_id):
        owner = project.organization_id if project else "nothing"
        raise Conflict(
            f"project {project_id!r} belongs to organization {owner!r}, SIGHTLINE_INIT_ORG_ID says "
            f"{initial.org_id!r}: make both say the same"
        )
    return project


async def _user(connection: AsyncConnection, initial: InitialAccounts, project: Project, *, fresh: bool) -> User | None:
    """The named person, or on a fresh folder a default owner who signs in by link; always a member of the project."""
    if not initial.user_email and not fresh:
        return await store.first_user(connection)
    email = (initial.user_email or DEFAULT_EMAIL).strip().lower()
    found = await store.user_by_email(connection, email)
    if found:
        user = found[0]
    else:
        user = User(id=UserId(new_id()), email=email, name=initial.user_name or "Owner")
        hashed = await secrets.password_hash(initial.user_password) if initial.user_password else None
        await store.add_user(connection, user, hashed)
    await store.add_membership(connection, project.organization_id, user.id, "OWNER")
    return user


async def _key(
    connection: AsyncConnection, initial: InitialAccounts, project: Project, pepper: bytes
) -> NewApiKey | None:
    """Store the named key pair; without one, make a pair up for a project that has none, and return it."""
    if bool(initial.public_key) != bool(initial.secret_key):
        raise InvalidRequest(
            "a key pair needs both halves: set SIGHTLINE_INIT_PROJECT_PUBLIC_KEY and SIGHTLINE_INIT_PROJECT_SECRET_KEY"
        )
    made_up = not initial.public_key
    if made_up and await store.keys_of(connection, project.id):
        return None
    named = (initial.public_key, initial.secret_key)
    public_key, secret_key = secrets.new_key_pair() if made_up else (named[0] or "", named[1] or "")
    known = await store.key(connection, public_key)
    if known and known.project_id != project.id:
        raise Conflict(
            f"key {public_key!r} belongs to project {known.project_id!r}, not to {project.id!r}: use another key"
        )
    key = ApiKey(public_key=public_key, display_secret_key=secrets.display(secret_key), created_at=now())
    hashed = secrets.secret_hash(secret_key, pepper)
    expired = known is not None and known.expires_at is not None and known.expires_at <= now()
    if known is None or known.secret_hash != hashed or expired:
        await store.put_key(connection, project.id, key, hashed)
    return NewApiKey(key=key, secret_key=secret_key) if made_up else None


async def _organization_key(
    connection: AsyncConnection, initial: InitialAccounts, project: Project, pepper: bytes
) -> None:
    """Store the organisation's named key pair, unless it has it."""
    if not initial.org_public_key or not initial.org_secret_key:
        return
    hashed = secrets.secret_hash(initial.org_secret_key, pepper)
    organization_id = OrganizationId(project.organization_id)
    known = await organization_store.key(connection, initial.org_public_key)
    if known and known[:2] == (organization_id, hashed) and (known[2] is None or known[2] > now()):
        return
    if known or await organization_store.known_key(connection, initial.org_public_key):
        raise Conflict(f"key {initial.org_public_key!r} exists with another secret or owner: use another key")
    key = ApiKey(
        public_key=initial.org_public_key, display_secret_key=secrets.display(initial.org_secret_key), created_at=now()
    )
    await organization_store.add_key(connection, organization_id, key, hashed)
