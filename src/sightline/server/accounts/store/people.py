"""People: their accounts, the invitations made out to them, their sessions, and the links that let them in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sightline.server.accounts.records import (
    Client,
    LinkPurpose,
    OneTimeLink,
    OpenSession,
    OrganizationId,
    Session,
    User,
    UserId,
)
from sightline.server.runtime.clock import now
from sightline.server.tables.accounts import memberships, organizations, sessions, sign_in_links, users

SHOWN_OF_A_SESSION = 16
"""Characters of the token's hash that name a session to its owner."""
LONGEST_BROWSER = 255
"""Characters kept of a User-Agent."""


async def add_user(
    connection: AsyncConnection, user: User, *, made_by: str = "", hashed_password: str | None = None
) -> None:
    """A person whom the installation made has joined; one whom an organisation made is an invitation."""
    values = {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "password_hash": hashed_password,
        "made_by": made_by,
        "joined_at": None if made_by else now(),
        "created_at": now(),
    }
    await connection.execute(insert(users).values(values))


async def accounts_at(connection: AsyncConnection, email: str) -> list[tuple[User, str]]:
    """Everybody who signs in with this address, oldest first, and the hashes of their passwords."""
    query = select(users).where(users.c.email == email, users.c.password_hash.is_not(None))
    rows = (await connection.execute(query.order_by(users.c.created_at, users.c.id))).all()
    return [(user_of(row), row.password_hash) for row in rows]


async def password_of(connection: AsyncConnection, user_id: UserId) -> str | None:
    """The hash of the person's password."""
    hashed: str | None = (
        await connection.execute(select(users.c.password_hash).where(users.c.id == user_id))
    ).scalar_one_or_none()
    return hashed


async def accounts_named(connection: AsyncConnection, email: str) -> list[User]:
    """Every account with this address, with a password or without, oldest first."""
    query = select(users).where(users.c.email == email, users.c.account_id.is_(None), users.c.joined_at.is_not(None))
    rows = (await connection.execute(query.order_by(users.c.created_at, users.c.id))).all()
    return [user_of(row) for row in rows]


async def made_by(connection: AsyncConnection, maker: str, email: str) -> User | None:
    """The person with this address whom the organisation made; or the installation, which is ``""``."""
    row = await _one(connection, select(users).where(users.c.made_by == maker, users.c.email == email))
    return user_of(row) if row else None


async def first_user(connection: AsyncConnection) -> User | None:
    query = select(users).where(users.c.joined_at.is_not(None), users.c.account_id.is_(None))
    row = await _one(connection, query.order_by(users.c.created_at, users.c.id).limit(1))
    return user_of(row) if row else None


async def any_password(connection: AsyncConnection) -> bool:
    return bool((await connection.execute(select(exists().where(users.c.password_hash.is_not(None))))).scalar())


async def set_password(connection: AsyncConnection, user_id: UserId, hashed: str) -> None:
    """Set it, and void every link of theirs; whoever sets a password has joined."""
    values = {"password_hash": hashed, "joined_at": func.coalesce(users.c.joined_at, now())}
    await connection.execute(update(users).where(users.c.id == user_id).values(values))
    await end_links(connection, user_id)


async def replace_hash(connection: AsyncConnection, user_id: UserId, old: str, new: str) -> None:
    """Another hash of the same password, unless it was changed meanwhile."""
    same = (users.c.id == user_id) & (users.c.password_hash == old)
    await connection.execute(update(users).where(same).values(password_hash=new))


async def accept(connection: AsyncConnection, invited: UserId, account: UserId) -> None:
    """Let an account stand behind an invitation."""
    values = {"account_id": account, "joined_at": now()}
    await connection.execute(update(users).where(users.c.id == invited).values(values))
    await end_links(connection, invited)


async def part(connection: AsyncConnection, organization_id: OrganizationId, user_id: UserId) -> None:
    """Part a person from their maker: an account that stood behind a row leaves it, one that is the row owns it."""
    mine = (users.c.id == user_id) & (users.c.made_by == organization_id)
    own = mine & users.c.account_id.is_(None)
    await connection.execute(update(users).where(own).values(made_by=user_id))
    await connection.execute(update(users).where(mine).values(account_id=None, joined_at=None))


async def in_organization(connection: AsyncConnection, organization_id: OrganizationId, account: UserId) -> bool:
    """Whether an account is a member already, itself or behind an invitation it accepted."""
    mine = memberships.c.user_id.in_(identities(account))
    query = select(memberships.c.user_id).where(memberships.c.organization_id == organization_id, mine)
    return await _one(connection, query) is not None


def identities(account: UserId) -> Select[Any]:
    """The ids under which organisations know an account: its own, and those of invitations it accepted."""
    return select(users.c.id).where(or_(users.c.id == account, users.c.account_id == account))


async def add_session(connection: AsyncConnection, hashed_token: str, session: Session, client: Client) -> None:
    values = {
        "token_hash": hashed_token,
        "user_id": session.user.id,
        "expires_at": session.expires_at,
        "created_at": now(),
        "address": client.address,
        "browser": client.browser and client.browser[:LONGEST_BROWSER],
    }
    await connection.execute(insert(sessions).values(values))


async def session_user(connection: AsyncConnection, hashed_token: str) -> User | None:
    query = (
        select(users)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == hashed_token, sessions.c.expires_at > now())
    )
    row = await _one(connection, query)
    return user_of(row) if row else None


async def sessions_of(connection: AsyncConnection, user_id: UserId) -> list[OpenSession]:
    """Those that have not expired, newest first."""
    query = select(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at > now())
    rows = (await connection.execute(query.order_by(sessions.c.created_at.desc(), sessions.c.token_hash))).all()
    return [
        OpenSession(
            id=row.token_hash[:SHOWN_OF_A_SESSION],
            created_at=row.created_at,
            expires_at=row.expires_at,
            address=row.address,
            browser=row.browser,
        )
        for row in rows
    ]


async def end_session(connection: AsyncConnection, hashed_token: str) -> None:
    await connection.execute(delete(sessions).where(sessions.c.token_hash == hashed_token))


async def end_shown_session(connection: AsyncConnection, user_id: UserId, shown: str) -> bool:
    """End the session of that person which its shown id names; whether there was one."""
    named = func.substr(sessions.c.token_hash, 1, SHOWN_OF_A_SESSION) == shown
    return bool((await connection.execute(delete(sessions).where(sessions.c.user_id == user_id, named))).rowcount)


async def end_sessions(connection: AsyncConnection, user_id: UserId, *, but: str = "") -> None:
    """End all sessions of a person except the one with this hash."""
    await connection.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.token_hash != but))


async def add_link(
    connection: AsyncConnection, hashed_token: str, user_id: UserId, purpose: LinkPurpose, expires_at: datetime
) -> None:
    """A new link, which voids an older one for the same purpose."""
    await end_links(connection, user_id, purpose)
    values = {"token_hash": hashed_token, "user_id": user_id, "purpose": purpose, "expires_at": expires_at}
    await connection.execute(insert(sign_in_links).values(values))


async def end_links(connection: AsyncConnection, user_id: UserId, purpose: LinkPurpose | None = None) -> None:
    at: ColumnElement[bool] = sign_in_links.c.user_id == user_id
    if purpose is not None:
        at &= sign_in_links.c.purpose == purpose
    await connection.execute(delete(sign_in_links).where(at))


async def link(connection: AsyncConnection, hashed_token: str, purposes: Sequence[LinkPurpose]) -> OneTimeLink | None:
    """What a link leads to, while it can be used: an invitation only while its membership stands."""
    query = (
        select(
            users,
            sign_in_links.c.purpose,
            memberships.c.role,
            memberships.c.organization_id,
            organizations.c.name.label("organization_name"),
        )
        .join(sign_in_links, sign_in_links.c.user_id == users.c.id)
        .outerjoin(
            memberships, (memberships.c.user_id == users.c.id) & (memberships.c.organization_id == users.c.made_by)
        )
        .outerjoin(organizations, organizations.c.id == memberships.c.organization_id)
        .where(
            sign_in_links.c.token_hash == hashed_token,
            sign_in_links.c.expires_at > now(),
            sign_in_links.c.purpose.in_(purposes),
            or_(sign_in_links.c.purpose != "invitation", memberships.c.role.is_not(None)),
        )
    )
    row = await _one(connection, query)
    if row is None:
        return None
    return OneTimeLink(
        purpose=row.purpose,
        user=user_of(row),
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        role=row.role,
    )


async def take_link(
    connection: AsyncConnection, hashed_token: str, purposes: Sequence[LinkPurpose]
) -> OneTimeLink | None:
    """Consume a link: what it leads to. Deletes it, and all expired ones; of two takers at once one gets it."""
    found = await link(connection, hashed_token, purposes)
    await connection.execute(delete(sign_in_links).where(sign_in_links.c.expires_at <= now()))
    if found is None:
        return None
    taken = await connection.execute(delete(sign_in_links).where(sign_in_links.c.token_hash == hashed_token))
    return found if taken.rowcount else None


def user_of(row: Row[Any]) -> User:
    return User(id=UserId(row.id), email=row.email, name=row.name)


async def _one(connection: AsyncConnection, query: Select[Any]) -> Row[Any] | None:
    found: Row[Any] | None = (await connection.execute(query)).first()
    return found
