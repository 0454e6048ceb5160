"""Administration of an organisation: its projects, their keys, members and roles."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from sightline.server.accounts import audit, secrets
from sightline.server.accounts.actions.accounts import Accounts, check_expiry, new_pair
from sightline.server.accounts.labels import protectable
from sightline.server.accounts.records import (
    ApiKey,
    AuditAction,
    AuditEvent,
    KeyDraft,
    Membership,
    NewApiKey,
    OrganizationAccess,
    OrganizationId,
    OrganizationRole,
    Project,
    ProjectId,
    UserId,
)
from sightline.server.accounts.store import accounts as account_store
from sightline.server.accounts.store import organizations as store
from sightline.server.runtime.database import Connection, Database
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound, Unauthorized
from sightline.server.runtime.ids import new_id


class Organizations:
    """Every method but `by_key` is scoped to the organisation it is given."""

    def __init__(self, database: Database, accounts: Accounts, *, pepper: bytes) -> None:
        self._database = database
        self._accounts = accounts
        self._pepper = pepper

    async def by_key(self, public_key: str, secret_key: str) -> OrganizationAccess:
        """Authenticate an organisation's key pair. Unauthorized for an unknown or expired pair, or a project's."""
        async with self._database.reading() as connection:
            found = await store.key(connection, public_key)
        hashed = secrets.secret_hash(secret_key, self._pepper)
        if found is None or not hmac.compare_digest(found[1], hashed):
            raise Unauthorized(f"API key {public_key[:48]!r} is no organisation's key, or its secret is wrong")
        check_expiry(public_key, found[2])
        self._accounts.used(public_key)
        return OrganizationAccess(organization_id=found[0], public_key=public_key)

    async def keys(self, organization_id: OrganizationId) -> list[ApiKey]:
        async with self._database.reading() as connection:
            return await store.keys_of(connection, organization_id)

    async def create_key(self, organization_id: OrganizationId, draft: KeyDraft) -> NewApiKey:
        """Create a key pair of the organisation. Only this answer has its secret: the database keeps a hash."""
        made = new_pair(draft)
        async with self._database.work() as work:
            await _check_new(work.connection, made.key.public_key)
            hashed = secrets.secret_hash(made.secret_key, self._pepper)
            await store.add_key(work.connection, organization_id, made.key, hashed)
            event = AuditEvent(
                action="key.create",
                target_kind="organization key",
                target_id=made.key.public_key,
                organization_id=organization_id,
            )
            await audit.record(work.connection, event)
        return made

    async def projects(self, organization_id: OrganizationId) -> list[Project]:
        async with self._database.reading() as connection:
            return await store.projects_of(connection, organization_id)

    async def project(self, organization_id: OrganizationId, project_id: str) -> Project:
        async with self._database.reading() as connection:
            return await _project(connection, organization_id, project_id)

    async def create_project(
        self,
        organization_id: OrganizationId,
        name: str,
        metadata: Mapping[str, Any],
        retention_days: int = 0,
        protected_labels: Sequence[str] = (),
    ) -> Project:
        project_id = new_id()
        async with self._database.work() as work:
            await self._check_name(work.connection, organization_id, name)
            await account_store.add_project(work.connection, project_id, organization_id, name)
            values = {
                "metadata": dict(metadata),
                "retention_days": retention_days,
                "protected_labels": protectable(protected_labels),
            }
            await store.change_project(work.connection, ProjectId(project_id), values)
            await audit.record(work.connection, _project_event("project.create", organization_id, project_id))
            return await _project(work.connection, organization_id, project_id)

    async def change_project(
        self,
        organization_id: OrganizationId,
        project_id: str,
        name: str,
        metadata: Mapping[str, Any] | None,
        retention_days: int | None = None,
        protected_labels: Sequence[str] | None = None,
    ) -> Project:
        """Rename a project, and replace its metadata, retention (days) and protected labels unless those are None."""
        async with self._database.work() as work:
            old = await _project(work.connection, organization_id, project_id)
            if name != old.name:
                await self._check_name(work.connection, organization_id, name)
            values: dict[str, Any] = {"name": name}
            if metadata is not None:
                values["metadata"] = dict(metadata)
            if retention_days is not None:
                values["retention_days"] = retention_days
            if protected_labels is not None:
                values["protected_labels"] = protectable(protected_labels)
            await store.change_project(work.connection, old.id, values)
            changed = {"fields": sorted(values)}
            await audit.record(work.connection, _project_event("project.change", organization_id, old.id, changed))
            return await _project(work.connection, organization_id, project_id)

    async def delete_project(self, organization_id: OrganizationId, project_id: str) -> ProjectId:
        """Delete a project, its keys and everything of it in this database (cascading)."""
        async with self._database.work() as work:
            project = await _project(work.connection, organization_id, project_id)
            await audit.record(work.connection, _project_event("project.delete", organization_id, project.id))
            await store.delete_project(work.connection, project.id)
            work.after_commit(self._accounts.forget_keys)
        return project.id

    async def create_project_key(self, organization_id: OrganizationId, project_id: str, draft: KeyDraft) -> NewApiKey:
        async with self._database.reading() as connection:
            project = await _project(connection, organization_id, project_id)
        return await self._accounts.create_key(project.id, draft)

    async def delete_project_key(self, organization_id: OrganizationId, project_id: str, public_key: str) -> None:
        async with self._database.reading() as connection:
            project = await _project(connection, organization_id, project_id)
        await self._accounts.delete_key(project.id, public_key)

    async def members(self, organization_id: OrganizationId) -> list[Membership]:
        async with self._database.reading() as connection:
            return await store.members(connection, organization_id)

    async def put_member(self, organization_id: OrganizationId, user_id: UserId, role: OrganizationRole) -> Membership:
        """Upsert a membership: give a person a role in the organisation. Its last owner cannot be demoted."""
        async with self._database.work() as work:
            user = await store.user(work.connection, user_id)
            if user is None:
                raise NotFound(f"user {user_id!r} does not exist")
            await _keep_an_owner(work.connection, organization_id, user_id, role)
            before = await store.member(work.connection, organization_id, user_id)
            await store.put_member(work.connection, organization_id, user_id, role)
            await audit.record(work.connection, *role_events(organization_id, user_id, before, role))
        return Membership(user=user, role=role)

    async def remove_member(self, organization_id: OrganizationId, user_id: UserId) -> None:
        async with self._database.work() as work:
            await _keep_an_owner(work.connection, organization_id, user_id, None)
            before = await store.member(work.connection, organization_id, user_id)
            if not await store.remove_member(work.connection, organization_id, user_id):
                raise _no_member(user_id)
            await audit.record(work.connection, *role_events(organization_id, user_id, before, None))

    async def project_members(self, organization_id: OrganizationId, project_id: str) -> list[Membership]:
        """Who has a role of their own in this project."""
        async with self._database.reading() as connection:
            project = await _project(connection, organization_id, project_id)
            return await store.project_members(connection, project.id)

    async def put_project_member(
        self, organization_id: OrganizationId, project_id: str, user_id: UserId, role: OrganizationRole
    ) -> Membership:
        """Upsert a project membership: override a member's role in one project."""
        async with self._database.work() as work:
            project = await _project(work.connection, organization_id, project_id)
            found = await store.member(work.connection, organization_id, user_id)
            if found is None:
                raise _no_member(user_id)
            before = await store.project_member(work.connection, project.id, user_id)
            await store.put_project_member(work.connection, project.id, user_id, role)
            events = role_events(organization_id, user_id, before, role, project.id)
            await audit.record(work.connection, *events)
        return Membership(user=found.user, role=role)

    async def remove_project_member(self, organization_id: OrganizationId, project_id: str, user_id: UserId) -> None:
        async with self._database.work() as work:
            project = await _project(work.connection, organization_id, project_id)
            before = await store.project_member(work.connection, project.id, user_id)
            if not await store.remove_project_member(work.connection, project.id, user_id):
                raise NotFound(f"user {user_id!r} has no role of their own in project {project_id!r}")
            events = role_events(organization_id, user_id, before, None, project.id)
            await audit.record(work.connection, *events)

    async def _check_name(self, connection: Connection, organization_id: OrganizationId, name: str) -> None:
        if any(project.name == name for project in await store.projects_of(connection, organization_id)):
            raise Conflict(f"a project named {name!r} exists in this organisation: choose another name")


async def _check_new(connection: Connection, public_key: str) -> None:
    if await store.known_key(connection, public_key):
        raise Conflict(f"API key {public_key!r} exists: choose another public key")


async def _project(connection: Connection, organization_id: OrganizationId, project_id: str) -> Project:
    found = await store.project(connection, organization_id, project_id)
    if found is None:
        raise NotFound(f"project {project_id!r} does not exist in this organisation")
    return found


async def _keep_an_owner(
    connection: Connection, organization_id: OrganizationId, user_id: UserId, role: OrganizationRole | None
) -> None:
    """InvalidRequest when the organisation would be left without an owner."""
    current = await store.member(connection, organization_id, user_id)
    if current is None or current.role != "OWNER" or role == "OWNER":
        return
    if await store.owners(connection, organization_id) == 1:
        raise InvalidRequest(f"user {user_id!r} is the last owner of the organisation: make somebody else one first")


def role_events(
    organization_id: OrganizationId,
    user_id: UserId,
    before: Membership | None,
    role: OrganizationRole | None,
    project_id: ProjectId | None = None,
) -> list[AuditEvent]:
    """What a change of a role is to the audit log; a role that stays is nothing."""
    was = before.role if before else None
    if was == role:
        return []
    action: AuditAction = "member.add" if was is None else "member.remove" if role is None else "member.change"
    return [
        AuditEvent(
            action=action,
            target_kind="person",
            target_id=user_id,
            organization_id=organization_id,
            project_id=project_id,
            details={"from": was, "to": role},
        )
    ]


def _project_event(
    action: AuditAction, organization_id: OrganizationId, project_id: str, details: Mapping[str, Any] | None = None
) -> AuditEvent:
    return AuditEvent(
        action=action,
        target_kind="project",
        target_id=project_id,
        organization_id=organization_id,
        project_id=project_id,
        details=details or {},
    )


def _no_member(user_id: UserId) -> NotFound:
    return NotFound(f"user {user_id!r} does not exist or is not a member of this organisation")
