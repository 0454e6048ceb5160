"""Keys, people, sessions and what they may see. Every function takes the connection of the caller's unit of work."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import (
    ApiKey,
    KeyScope,
    Project,
    ProjectAccess,
    ProjectId,
    Role,
    Session,
    StoredKey,
    User,
    UserId,
)
from sightline.server.runtime.clock import now
from sightline.server.tables.accounts import (
    api_keys,
    memberships,
    organization_keys,
    organizations,
    project_memberships,
    projects,
    sessions,
    sign_in_links,
    users,
)

PROJECTS = select(projects, organizations.c.name.label("organization_name")).join_from(projects, organizations)
"""Projects with the name of their organisation."""
_ROLE = func.coalesce(project_memberships.c.role, memberships.c.role)
"""Precedence: a role in the single project overrides the one in its organisation."""


_of_project = (project_memberships.c.project_id == projects.c.id) & (
    project_memberships.c.user_id == memberships.c.user_id
)


async def add_organization(connection: AsyncConnection, organization_id: str, name: str) -> None:
    """Create the organisation unless its id exists."""
    if await _one(connection, select(organizations.c.id).where(organizations.c.id == organization_id)) is None:
        await connection.execute(insert(organizations).values(id=organization_id, name=name, created_at=now()))


async def any_organization(connection: AsyncConnection) -> bool:
    return await _one(connection, select(organizations.c.id).limit(1)) is not None


async def add_project(connection: AsyncConnection, project_id: str, organization_id: str, name: str) -> None:
    """Create the project unless its id exists."""
    if await project(connection, ProjectId(project_id)) is None:
        values = {"id": project_id, "organization_id": organization_id, "name": name, "created_at": now()}
        await connection.execute(insert(projects).values(values))


async def project(connection: AsyncConnection, project_id: ProjectId) -> Project | None:
    row = await _one(connection, PROJECTS.where(projects.c.id == project_id))
    return project_of(row) if row else None


async def first_project(connection: AsyncConnection) -> Project | None:
    row = await _one(connection, PROJECTS.order_by(projects.c.created_at, projects.c.id).limit(1))
    return project_of(row) if row else None


async def add_user(connection: AsyncConnection, user: User, hashed_password: str | None) -> None:
    await connection.execute(
        insert(users).values(
            id=user.id, email=user.email, name=user.name, password_hash=hashed_password, created_at=now()
        )
    )


async def user_by_email(connection: AsyncConnection, email: str) -> tuple[User, str | None] | None:
    """The person and their password's hash."""
    row = await _one(connection, select(users).where(users.c.email == email))
    return (user_of(row), row.password_hash) if row else None


async def first_user(connection: AsyncConnection) -> User | None:
    row = await _one(connection, select(users).order_by(users.c.created_at, users.c.id).limit(1))
    return user_of(row) if row else None


async def add_membership(connection: AsyncConnection, organization_id: str, user_id: UserId, role: Role) -> None:
    """Make the person a member unless they are one."""
    mine = (memberships.c.organization_id == organization_id) & (memberships.c.user_id == user_id)
    if await _one(connection, select(memberships.c.role).where(mine)) is None:
        values = {"organization_id": organization_id, "user_id": user_id, "role": role, "created_at": now()}
        await connection.execute(insert(memberships).values(values))


async def projects_of(connection: AsyncConnection, user_id: UserId) -> list[ProjectAccess]:
    query = (
        PROJECTS.add_columns(_ROLE.label("role"))
        .join(memberships, memberships.c.organization_id == projects.c.organization_id)
        .outerjoin(project_memberships, _of_project)
        .where(memberships.c.user_id == user_id, _ROLE != "NONE")
        .order_by(projects.c.created_at, projects.c.id)
    )
    rows = (await connection.execute(query)).all()
    return [ProjectAccess(project=project_of(row), role=row.role) for row in rows]


async def role_in(connection: AsyncConnection, user_id: UserId, project_id: ProjectId) -> Role | None:
    query = (
        select(_ROLE.label("role"))
        .select_from(memberships)
        .join(projects, projects.c.organization_id == memberships.c.organization_id)
        .outerjoin(project_memberships, _of_project)
        .where(memberships.c.user_id == user_id, projects.c.id == project_id, _ROLE != "NONE")
    )
    row = await _one(connection, query)
    role: Role | None = row.role if row else None
    return role


async def put_key(connection: AsyncConnection, project_id: str, key: ApiKey, hashed_secret: str) -> None:
    """Upsert a key by its public half; one that exists in the same project gets the new secret."""
    values = {
        "secret_hash": hashed_secret,
        "display_secret_key": key.display_secret_key,
        "note": key.note,
        "scopes": " ".join(sorted(key.scopes)),
        "expires_at": key.expires_at,
    }
    known = await _one(connection, select(api_keys.c.project_id).where(api_keys.c.public_key == key.public_key))
    if known:
        await connection.execute(update(api_keys).where(api_keys.c.public_key == key.public_key).values(values))
        return
    identity = {"public_key": key.public_key, "project_id": project_id, "created_at": key.created_at}
    await connection.execute(insert(api_keys).values(identity | values))


async def key(connection: AsyncConnection, public_key: str) -> StoredKey | None:
    row = await _one(connection, select(api_keys).where(api_keys.c.public_key == public_key))
    if row is None:
        return None
    return StoredKey(
        project_id=ProjectId(row.project_id),
        secret_hash=row.secret_hash,
        expires_at=row.expires_at,
        scopes=_scopes(row.scopes),
    )


async def is_organizations(connection: AsyncConnection, public_key: str) -> bool:
    """Whether the key is an organisation's, not a project's."""
    keys = organization_keys.c
    return await _one(connection, select(keys.public_key).where(keys.public_key == public_key)) is not None


async def mark_used(connection: AsyncConnection, moments: Mapping[str, datetime]) -> None:
    """Batch update of when keys were last used, by public key: of projects and of organisations."""
    for table in (api_keys, organization_keys):
        statement = update(table).where(table.c.public_key == bindparam("key")).values(last_used_at=bindparam("moment"))
        values = [{"key": key, "moment": moment} for key, moment in moments.items()]
        await connection.execute(statement, values)


async def keeping_for_a_time(connection: AsyncConnection) -> list[Project]:
    """The projects with a retention period."""
    rows = (await connection.execute(PROJECTS.where(projects.c.retention_days > 0).order_by(projects.c.id))).all()
    return [project_of(row) for row in rows]


async def keys_of(connection: AsyncConnection, project_id: ProjectId) -> list[ApiKey]:
    query = select(api_keys).where(api_keys.c.project_id == project_id).order_by(api_keys.c.created_at)
    return [key_of(row) for row in (await connection.execute(query)).all()]


async def delete_key(connection: AsyncConnection, project_id: ProjectId, public_key: str) -> bool:
    at = (api_keys.c.project_id == project_id) & (api_keys.c.public_key == public_key)
    return bool((await connection.execute(delete(api_keys).where(at))).rowcount)


async def add_session(connection: AsyncConnection, hashed_token: str, session: Session) -> None:
    values = {"token_hash": hashed_token, "user_id": session.user.id, "expires_at": session.expires_at}
    await connection.execute(insert(sessions).values(values | {"created_at": now()}))


async def session_user(connection: AsyncConnection, hashed_token: str) -> User | None:
    query = (
        select(users)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == hashed_token, sessions.c.expires_at > now())
    )
    row = await _one(connection, query)
    return user_of(row) if row else None


async def end_session(connection: AsyncConnection, hashed_token: str) -> None:
    await connection.execute(delete(sessions).where(sessions.c.token_hash == hashed_token))


async def add_link(connection: AsyncConnection, hashed_token: str, user_id: UserId, expires_at: datetime) -> None:
    await connection.execute(
        insert(sign_in_links).values(token_hash=hashed_token, user_id=user_id, expires_at=expires_at)
    )


async def take_link(connection: AsyncConnection, hashed_token: str) -> User | None:
    """Consume a one-time link: the person it signs in. Deletes it, and all expired ones."""
    query = (
        select(users)
        .join(sign_in_links, sign_in_links.c.user_id == users.c.id)
        .where(sign_in_links.c.token_hash == hashed_token, sign_in_links.c.expires_at > now())
    )
    row = await _one(connection, query)
    spent = (sign_in_links.c.token_hash == hashed_token) | (sign_in_links.c.expires_at <= now())
    await connection.execute(delete(sign_in_links).where(spent))
    return user_of(row) if row else None


async def _one(connection: AsyncConnection, query: Select[Any]) -> Row[Any] | None:
    found: Row[Any] | None = (await connection.execute(query)).first()
    return found


def _scopes(text: str | None) -> frozenset[KeyScope]:
    return frozenset(cast("list[KeyScope]", (text or "").split()))


def key_of(row: Row[Any]) -> ApiKey:
    """An organisation's keys have no column of scopes."""
    return ApiKey(
        public_key=row.public_key,
        display_secret_key=row.display_secret_key,
        created_at=row.created_at,
        note=row.note,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        scopes=_scopes(getattr(row, "scopes", None)),
    )


def user_of(row: Row[Any]) -> User:
    return User(id=UserId(row.id), email=row.email, name=row.name)


def project_of(row: Row[Any]) -> Project:
    return Project(
        id=ProjectId(row.id),
        name=row.name,
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        metadata=row.metadata or {},
        retention_days=row.retention_days or 0,
        protected_labels=tuple(row.protected_labels or ()),
        created_at=row.created_at,
    )
