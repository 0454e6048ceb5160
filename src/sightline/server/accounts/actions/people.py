"""An organisation's people, provisioned by a directory (SCIM): created, found, renamed, deprovisioned."""

from sightline.server.accounts import audit, secrets
from sightline.server.accounts.actions.organizations import role_events
from sightline.server.accounts.records import Membership, OrganizationId, OrganizationRole, User, UserId
from sightline.server.accounts.store import accounts as account_store
from sightline.server.accounts.store import organizations as store
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Conflict, NotFound
from sightline.server.runtime.ids import new_id


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
            raise NotFound(f"user {user_id!r} does not exist or is not a member of this organisation")
        return found

    async def add(
        self,
        organization_id: OrganizationId,
        email: str,
        name: str | None,
        role: OrganizationRole,
        password: str | None,
    ) -> Membership:
        """Make a person a member; one who is known by this address keeps their name and password."""
        address = email.strip().lower()
        hashed = await secrets.password_hash(password) if password else None
        async with self._database.work() as work:
            known = await account_store.user_by_email(work.connection, address)
            user = known[0] if known else User(id=UserId(new_id()), email=address, name=name)
            if known and await store.member(work.connection, organization_id, user.id):
                raise Conflict(f"{address} is a member of this organisation already")
            if not known:
                await account_store.add_user(work.connection, user, hashed)
            await store.put_member(work.connection, organization_id, user.id, role)
            await audit.record(work.connection, *role_events(organization_id, user.id, None, role))
        return Membership(user=user, role=role)

    async def take_in(self, organization_id: OrganizationId, user_id: UserId) -> Membership:
        """Reactivate a known person as a member, with role NONE until somebody gives them another. Idempotent."""
        async with self._database.work() as work:
            member = await store.member(work.connection, organization_id, user_id)
            if member is not None:
                return member
            user = await store.user(work.connection, user_id)
            if user is None:
                raise NotFound(f"user {user_id!r} does not exist")
            await store.put_member(work.connection, organization_id, user_id, "NONE")
            await audit.record(work.connection, *role_events(organization_id, user_id, None, "NONE"))
        return Membership(user=user, role="NONE")

    async def rename(self, organization_id: OrganizationId, user_id: UserId, name: str | None) -> Membership:
        await self.get(organization_id, user_id)
        async with self._database.work() as work:
            await store.rename(work.connection, user_id, name)
        return await self.get(organization_id, user_id)
