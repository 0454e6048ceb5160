"""What a person does with their own account: passwords, sessions, and the invitations made out to them."""

from datetime import timedelta

from sightline.server.accounts import audit, secrets
from sightline.server.accounts.actions.accounts import LINK_HOURS, Accounts
from sightline.server.accounts.records import (
    AuditAction,
    AuditEvent,
    Client,
    OneTimeLink,
    OpenSession,
    OrganizationId,
    Session,
    User,
)
from sightline.server.accounts.store import people
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Connection, Database
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound

SHORTEST_PASSWORD = 12
"""Characters of a new password."""
LONGEST_PASSWORD = 1_000
"""Characters of a new password."""


class OwnAccount:
    """Nobody else sets or changes a password; an organisation's people join it here, by their own consent."""

    def __init__(self, database: Database, accounts: Accounts, *, pepper: bytes) -> None:
        self._database = database
        self._accounts = accounts
        self._pepper = pepper

    async def look(self, token: str) -> OneTimeLink:
        """What a link leads to; it stays unused. NotFound when it was used, replaced or has expired."""
        async with self._database.reading() as connection:
            found = await people.link(connection, secrets.token_hash(token), ["password", "invitation"])
        if found is None:
            raise _no_link()
        return found

    async def set_password(self, token: str, password: str, client: Client) -> tuple[str, Session]:
        """Use a link to set a password and sign in; every other session of the person ends.

        At an invitation, the password of an account that has the same address joins with that account instead: the
        answer is the same, so a link tells nobody whether there is one.
        """
        seen = await self.look(token)
        _check(password, seen.user)
        account = await self._same_person(seen, password) if seen.purpose == "invitation" else None
        hashed = await secrets.password_hash(password, secrets.salt_of(seen.user.email, self._pepper))
        async with self._database.work() as work:
            found = await people.take_link(work.connection, secrets.token_hash(token), [seen.purpose])
            if found is None:
                raise _no_link()
            if account is None:
                await people.set_password(work.connection, found.user.id, hashed)
                await people.end_sessions(work.connection, found.user.id)
                await audit.record(work.connection, _event("password.set", found.user))
            else:
                await _join(work.connection, found, account)
            if found.purpose == "invitation":
                await audit.record(work.connection, _event("invitation.accept", found.user, found.organization_id))
        return await self._accounts.start_session(account or seen.user, client)

    async def join(self, account: User, token: str) -> OneTimeLink:
        """Accept an invitation with the account that is signed in. Conflict for somebody who is a member already."""
        async with self._database.work() as work:
            found = await people.take_link(work.connection, secrets.token_hash(token), ["invitation"])
            if found is None:
                raise _no_link()
            await _join(work.connection, found, account)
            await audit.record(work.connection, _event("invitation.accept", found.user, found.organization_id))
        return found

    async def decline(self, token: str) -> None:
        """Void an invitation's link; who was invited stays unjoined until the organisation asks again."""
        async with self._database.work() as work:
            found = await people.take_link(work.connection, secrets.token_hash(token), ["invitation"])
            if found is None:
                raise _no_link()
            await audit.record(work.connection, _event("invitation.decline", found.user, found.organization_id))

    async def has_password(self, user: User) -> bool:
        async with self._database.reading() as connection:
            return await people.password_of(connection, user.id) is not None

    async def change_password(self, user: User, current: str | None, new: str, *, session: str) -> None:
        """Change the password; all other sessions and all links end. InvalidRequest when the current one is wrong."""
        _check(new, user)
        await self._accounts.attempts.begin(f"change {user.id}")
        async with self._database.reading() as connection:
            hashed = await people.password_of(connection, user.id)
        if hashed is not None and await secrets.which_match(current or "", [hashed]) != [True]:
            raise InvalidRequest("the current password is wrong: write the one you sign in with now")
        made = await secrets.password_hash(new, secrets.salt_of(user.email, self._pepper))
        async with self._database.work() as work:
            await people.set_password(work.connection, user.id, made)
            await people.end_sessions(work.connection, user.id, but=secrets.token_hash(session))
            await audit.record(work.connection, _event("password.set", user))
        await self._accounts.attempts.forget(f"change {user.id}")

    async def sessions(self, user: User, session: str) -> tuple[list[OpenSession], str]:
        """The person's sessions, and the id of the one that asks."""
        async with self._database.reading() as connection:
            found = await people.sessions_of(connection, user.id)
        return found, secrets.token_hash(session)[: people.SHOWN_OF_A_SESSION]

    async def end_session(self, user: User, session_id: str) -> None:
        async with self._database.work() as work:
            if not await people.end_shown_session(work.connection, user.id, session_id):
                raise NotFound(f"session {session_id!r} has ended already, or is not yours")
            await audit.record(work.connection, _event("session.end", user))

    async def end_other_sessions(self, user: User, session: str) -> None:
        async with self._database.work() as work:
            await people.end_sessions(work.connection, user.id, but=secrets.token_hash(session))
            await audit.record(work.connection, _event("session.end", user))

    async def _same_person(self, seen: OneTimeLink, password: str) -> User | None:
        """The account with the invited address and this very password; counted, since it is a guess at one."""
        await self._accounts.attempts.begin(f"invitation {seen.user.email}")
        async with self._database.reading() as connection:
            found = await people.accounts_at(connection, seen.user.email)
        matches = await secrets.which_match(password, [hashed for _, hashed in found])
        return next((user for (user, _), matched in zip(found, matches, strict=True) if matched), None)


class Resetting:
    """For whoever runs the server, on its machine: links that let people set a new password."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def links(self, email: str) -> list[tuple[User, str]]:
        """A token for each account with this address: several organisations may have made one. NotFound for none."""
        made: list[tuple[User, str]] = []
        async with self._database.work() as work:
            for user in await people.accounts_named(work.connection, email.strip().lower()):
                token = secrets.new_token()
                expires_at = now() + timedelta(hours=LINK_HOURS)
                await people.add_link(work.connection, secrets.token_hash(token), user.id, "password", expires_at)
                made.append((user, token))
        if not made:
            raise NotFound(f"nobody here has the address {email!r}: check it, or invite them on the Members page")
        return made


def _check(password: str, user: User) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidRequest(
            f"the password has {len(password)} characters: use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        )
    if password.strip().lower() == user.email:
        raise InvalidRequest("the password is the e-mail address: choose one that nobody can guess")


async def _join(connection: Connection, link: OneTimeLink, account: User) -> None:
    if link.organization_id is None:
        raise _no_link()
    if await people.in_organization(connection, link.organization_id, account.id):
        raise Conflict(f"{account.email} is a member of {link.organization_name} already")
    await people.accept(connection, link.user.id, account.id)


def _event(action: AuditAction, user: User, organization_id: OrganizationId | None = None) -> AuditEvent:
    return AuditEvent(action=action, target_kind="person", target_id=user.id, organization_id=organization_id)


def _no_link() -> NotFound:
    return NotFound("this link was used, replaced by a newer one, or has expired: ask for a new one")
