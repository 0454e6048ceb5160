"""What an organisation is made of: its projects, people and keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import (
    ApiKey,
    Membership,
    OrganizationId,
    OrganizationRole,
    Project,
    ProjectId,
    User,
    UserId,
)
from sightline.server.accounts.store.accounts import PROJECTS, key_of, project_of, user_of
from sightline.server.runtime.clock import now
from sightline.server.tables.accounts import (
    api_keys,
    memberships,
    organization_keys,
    project_memberships,
    projects,
    users,
)


async def key(connection: AsyncConnection, public_key: str) -> tuple[OrganizationId, str, datetime | None] | None:
    """The organisation of a key, the hash of its secret and when it expires."""
    keys = organization_keys.c
    query = select(keys.organization_id, keys.secret_hash, keys.expires_at).where(keys.public_key == public_key)
    row = (await connection.execute(query)).first()
    return (OrganizationId(row.organization_id), row.secret_hash, row.expires_at) if row else None


async def keys_of(connection: AsyncConnection, organization_id: OrganizationId) -> list[ApiKey]:
    query = (
        select(organization_keys)
        .where(organization_keys.c.organization_id == organization_id)
        .order_by(organization_keys.c.created_at)
    )
    return [key_of(row) for row in (await connection.execute(query)).all()]


async def add_key(connection: AsyncConnection, organization_id: OrganizationId, key: ApiKey, hashed: str) -> None:
    await connection.execute(
        insert(organization_keys).values(
            public_key=key.public_key,
            organization_id=organization_id,
            secret_hash=hashed,
            display_secret_key=key.display_secret_key,
            note=key.note,
            expires_at=key.expires_at,
            created_at=key.created_at,
        )
    )


async def known_key(connection: AsyncConnection, public_key: str) -> bool:
    """Whether any project or organisation has a key of that name, expired or not."""
    for table in (api_keys, organization_keys):
        query = select(table.c.public_key).where(table.c.public_key == public_key)
        if (await connection.execute(query)).first():
            return True
    return False


async def projects_of(connection: AsyncConnection, organization_id: OrganizationId) -> list[Project]:
    query = PROJECTS.where(projects.c.organization_id == organization_id)
    rows = (await connection.execute(query.order_by(projects.c.created_at, projects.c.id))).all()
    return [project_of(row) for row in rows]


async def project(connection: AsyncConnection, organization_id: OrganizationId, project_id: str) -> Project | None:
    query = PROJECTS.where(projects.c.organization_id == organization_id, projects.c.id == project_id)
    row = (await connection.execute(query)).first()
    return project_of(row) if row else None


async def change_project(connection: AsyncConnection, project_id: ProjectId, values: Mapping[str, Any]) -> None:
    await connection.execute(update(projects).where(projects.c.id == project_id).values(**values))


async def delete_project(connection: AsyncConnection, project_id: ProjectId) -> None:
    """And everything that belongs to it in this database."""
    await connection.execute(delete(projects).where(projects.c.id == project_id))


async def members(connection: AsyncConnection, organization_id: OrganizationId) -> list[Membership]:
    return await _members(connection, memberships, memberships.c.organization_id == organization_id)


async def project_members(connection: AsyncConnection, project_id: ProjectId) -> list[Membership]:
    return await _members(connection, project_memberships, project_memberships.c.project_id == project_id)


async def member(connection: AsyncConnection, organization_id: OrganizationId, user_id: UserId) -> Membership | None:
    mine = (memberships.c.organization_id == organization_id) & (memberships.c.user_id == user_id)
    found = await _members(connection, memberships, mine)
    return found[0] if found else None


async def project_member(connection: AsyncConnection, project_id: ProjectId, user_id: UserId) -> Membership | None:
    mine = (project_memberships.c.project_id == project_id) & (project_memberships.c.user_id == user_id)
    found = await _members(connection, project_memberships, mine)
    return found[0] if found else None


async def put_member(
    connection: AsyncConnection, organization_id: OrganizationId, user_id: UserId, role: OrganizationRole
) -> None:
    await _put(connection, memberships, {"organization_id": organization_id, "user_id": user_id}, role)


async def put_project_member(
    connection: AsyncConnection, project_id: ProjectId, user_id: UserId, role: OrganizationRole
) -> None:
    await _put(connection, project_memberships, {"project_id": project_id, "user_id": user_id}, role)


async def remove_member(connection: AsyncConnection, organization_id: OrganizationId, user_id: UserId) -> bool:
    """Take a person out of the organisation and out of its projects; whether they were in it."""
    inside = select(projects.c.id).where(projects.c.organization_id == organization_id)
    table = project_memberships.c
    await connection.execute(delete(project_memberships).where(table.user_id == user_id, table.project_id.in_(inside)))
    at = (memberships.c.organization_id == organization_id) & (memberships.c.user_id == user_id)
    return bool((await connection.execute(delete(memberships).where(at))).rowcount)


async def remove_project_member(connection: AsyncConnection, project_id: ProjectId, user_id: UserId) -> bool:
    at = (project_memberships.c.project_id == project_id) & (project_memberships.c.user_id == user_id)
    return bool((await connection.execute(delete(project_memberships).where(at))).rowcount)


async def owners(connection: AsyncConnection, organization_id: OrganizationId) -> int:
    query = select(func.count()).where(memberships.c.organization_id == organization_id, memberships.c.role == "OWNER")
    return int((await connection.execute(query)).scalar_one())


async def user(connection: AsyncConnection, user_id: UserId) -> User | None:
    row = (await connection.execute(select(users).where(users.c.id == user_id))).first()
    return user_of(row) if row else None


async def rename(connection: AsyncConnection, user_id: UserId, name: str | None) -> None:
    await connection.execute(update(users).where(users.c.id == user_id).values(name=name))


async def _members(connection: AsyncConnection, table: Table, where: ColumnElement[bool]) -> list[Membership]:
    query = select(users, table.c.role).join_from(table, users, table.c.user_id == users.c.id).where(where)
    rows = (await connection.execute(query.order_by(users.c.created_at, users.c.id))).all()
    return [Membership(user=user_of(row), role=row.role) for row in rows]


async def _put(connection: AsyncConnection, table: Table, at: Mapping[str, str], role: OrganizationRole) -> None:
    where = [table.c[name] == value for name, value in at.items()]
    if (await connection.execute(select(table.c.role).where(*where))).first():
        await connection.execute(update(table).where(*where).values(role=role))
    else:
        await connection.execute(insert(table).values({**at, "role": role, "created_at": now()}))
