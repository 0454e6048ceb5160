"""An organisation's people, provisioned by a directory (SCIM) or invited: made, found, renamed, deprovisioned.

An organisation sees and changes only its members and the people it made itself. Making one looks nowhere else: whether
an address has an account is neither asked nor told, and the person decides which account, if any, stands behind it.
"""

from datetime import timedelta

from sightline.server.accounts import audit, secrets
from sightline.server.accounts.actions.organizations import role_events
from sightline.server.accounts.records import (
    AuditEvent,
    Membership,
    OrganizationId,
    OrganizationRole,
    User,
    UserId,
)
from sightline.server.accounts.store import organizations as store
from sightline.server.accounts.store import people
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Conflict, NotFound
from sightline.server.runtime.ids import new_id

INVITATION_DAYS = 7
"""Lifetime of the link of an invitation."""


class People:
    """Every method is scoped to the organisation it is given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, organization_id: OrganizationId, email: str | None, skip: int, limit: int
    ) -> tuple[list[Membership], int]:
        """A page of members (limit/offset), or the one with this e-mail, and the total count."""
        async with self._database.reading() as connection:
            members = await store.members(connection, organization_id)
        found = [each for each in members if email is None or each.user.email == email.strip().lower()]
        return found[skip : skip + limit], len(found)

    async def get(self, organization_id: OrganizationId, user_id: UserId) -> Membership:
        async with self._database.reading() as connection:
            found = await store.member(connection, organization_id, user_id)
        if found is None:
            raise _nobody(user_id)
        return found

    async def add(
        self, organization_id: OrganizationId, email: str, name: str | None, role: OrganizationRole
    ) -> Membership:
        """Make a person a member: an invitation until they accept it. One whom the organisation made before is back."""
        address = email.strip().lower()
        async with self._database.work() as work:
            members = await store.members(work.connection, organization_id)
            if any(each.user.email == address for each in members):
                raise Conflict(f"{address} is a member of this organisation already")
            user = await people.made_by(work.connection, organization_id, address)
            if user is None:
                user = User(id=UserId(new_id()), email=address, name=name)
                await people.add_user(work.connection, user, made_by=organization_id)
            elif name:
                await store.rename(work.connection, organization_id, user.id, name)
            await store.put_member(work.connection, organization_id, user.id, role)
            await audit.record(work.connection, *role_events(organization_id, user.id, None, role))
        return await self.get(organization_id, user.id)

    async def invitation(self, organization_id: OrganizationId, user_id: UserId) -> str:
        """A new one-time token for somebody who has not joined yet; it voids the one before."""
        token = secrets.new_token()
        async with self._database.work() as work:
            found = await store.member(work.connection, organization_id, user_id)
            if found is None:
                raise _nobody(user_id)
            if found.joined or found.made_by != organization_id:
                raise Conflict(
                    f"{found.user.email} has joined already. For a forgotten password, whoever runs the server makes a "
                    "link with `sightline reset-password`"
                )
            expires_at = now() + timedelta(days=INVITATION_DAYS)
            await people.add_link(work.connection, secrets.token_hash(token), user_id, "invitation", expires_at)
            event = AuditEvent(
                action="invitation.create", target_kind="person", target_id=user_id, organization_id=organization_id
            )
            await audit.record(work.connection, event)
        return token

    async def take_in(self, organization_id: OrganizationId, user_id: UserId) -> Membership:
        """Reactivate a person whom the organisation made, with role NONE until they are given another. Idempotent."""
        async with self._database.work() as work:
            member = await store.member(work.connection, organization_id, user_id)
            if member is not None:
                return member
            if await store.made(work.connection, organization_id, user_id) is None:
                raise _nobody(user_id)
            await store.put_member(work.connection, organization_id, user_id, "NONE")
            await audit.record(work.connection, *role_events(organization_id, user_id, None, "NONE"))
        return await self.get(organization_id, user_id)

    async def rename(self, organization_id: OrganizationId, user_id: UserId, name: str | None) -> Membership:
        """Rename a member whom the organisation made; the name of any other is theirs, and stays."""
        await self.get(organization_id, user_id)
        async with self._database.work() as work:
            await store.rename(work.connection, organization_id, user_id, name)
        return await self.get(organization_id, user_id)


def _nobody(user_id: UserId) -> NotFound:
    return NotFound(f"user {user_id!r} does not exist or is not a member of this organisation")
