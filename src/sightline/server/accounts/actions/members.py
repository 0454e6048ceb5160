"""The members of an organisation, as those who run it see and change them on the page."""

from sightline.server.accounts.actions.accounts import Accounts
from sightline.server.accounts.actions.organizations import Organizations
from sightline.server.accounts.actions.people import People
from sightline.server.accounts.records import (
    Access,
    Membership,
    OrganizationId,
    OrganizationRole,
    UserId,
)
from sightline.server.runtime.errors import Forbidden

MANAGERS: tuple[OrganizationRole, ...] = ("OWNER", "ADMIN")
"""Roles in the organisation that invite and remove people; one in a single project does not count."""


class Members:
    """Every method is scoped to the organisation of the project that `who` is in."""

    def __init__(self, accounts: Accounts, organizations: Organizations, people: People) -> None:
        self._accounts = accounts
        self._organizations = organizations
        self._people = people

    async def listed(self, who: Access) -> tuple[list[Membership], bool]:
        """Everybody in the organisation, and whether `who` may change that."""
        organization_id, mine = await self._standing(who)
        return await self._organizations.members(organization_id), mine in MANAGERS

    async def invite(self, who: Access, email: str, name: str | None, role: OrganizationRole) -> tuple[Membership, str]:
        """Invite an address: the membership it will be, and the token of the link to hand over."""
        organization_id = await self._managing(who, role)
        member = await self._people.add(organization_id, email, name, role)
        if member.joined:  # Was here before, and had consented.
            return member, ""
        return member, await self._people.invitation(organization_id, member.user.id)

    async def link(self, who: Access, user_id: UserId) -> str:
        """A new link for somebody who has not joined yet."""
        organization_id = await self._managing(who, (await self._member(who, user_id)).role)
        return await self._people.invitation(organization_id, user_id)

    async def change(self, who: Access, user_id: UserId, role: OrganizationRole) -> Membership:
        organization_id = await self._managing(who, role, (await self._member(who, user_id)).role)
        return await self._organizations.put_member(organization_id, user_id, role)

    async def remove(self, who: Access, user_id: UserId) -> None:
        organization_id = await self._managing(who, (await self._member(who, user_id)).role)
        await self._organizations.remove_member(organization_id, user_id)

    async def leave(self, who: Access) -> None:
        """Leave by oneself: coming back takes another consent."""
        organization_id, _ = await self._standing(who)
        if who.user_id is not None:
            await self._organizations.remove_member(organization_id, who.user_id, by_themselves=True)

    async def _member(self, who: Access, user_id: UserId) -> Membership:
        organization_id, _ = await self._standing(who)
        return await self._people.get(organization_id, user_id)

    async def _managing(self, who: Access, *roles: OrganizationRole) -> OrganizationId:
        """The organisation that `who` may manage. Forbidden for others, and for an admin where an owner is meant."""
        organization_id, mine = await self._standing(who)
        if mine not in MANAGERS:
            raise Forbidden("only owners and admins of the organisation manage its members: ask one of them")
        if "OWNER" in roles and mine != "OWNER":
            raise Forbidden("only an owner can make, change or remove an owner: ask one of them")
        return organization_id

    async def _standing(self, who: Access) -> tuple[OrganizationId, OrganizationRole]:
        """The organisation, and the role of `who` in it."""
        project = await self._accounts.project(who.project_id)
        organization_id = OrganizationId(project.organization_id)
        if who.user_id is None:
            raise Forbidden("only a signed-in person manages members")
        return organization_id, (await self._people.get(organization_id, who.user_id)).role
