"""Authentication and authorisation: seeding, sign-in, sessions, API keys and what each may do."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from sightline.server.accounts import audit, secrets
from sightline.server.accounts.actions.attempts import Attempts
from sightline.server.accounts.labels import protectable
from sightline.server.accounts.records import (
    UNKNOWN,
    Access,
    ApiKey,
    AuditEvent,
    Client,
    InitialAccounts,
    KeyDraft,
    NewApiKey,
    Outcome,
    Project,
    ProjectAccess,
    ProjectId,
    Role,
    Seeded,
    Session,
    StoredKey,
    User,
    UserId,
)
from sightline.server.accounts.seeding import seed
from sightline.server.accounts.store import accounts as store
from sightline.server.accounts.store import organizations as organization_store
from sightline.server.accounts.store import people
from sightline.server.runtime.cache import ExpiringCache
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound, Unauthorized

log = structlog.get_logger()

SESSION_DAYS = 30
"""Lifetime of a session."""
LINK_HOURS = 24
"""Lifetime of a one-time link that signs in or sets a new password."""
KEY_CACHE_S = 10.0
"""TTL of a cached key lookup: so long another process may still accept a key that this one deleted."""
KEY_CACHE_SIZE = 10_000
"""Cached key lookups; beyond it the oldest is evicted."""


class Accounts:
    """Organisations, projects, people, keys and sessions; every refusal is a `SightlineError`.

    `pepper` is the HMAC key of the stored hashes of secret keys: with another pepper every key is unknown.
    """

    def __init__(self, database: Database, *, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper
        self.attempts = Attempts(database, pepper)
        self._known: ExpiringCache[tuple[str, str | None], StoredKey | str] = ExpiringCache(
            size=KEY_CACHE_SIZE, keep_s=KEY_CACHE_S
        )
        self._used: dict[str, datetime] = {}

    async def seed(self, initial: InitialAccounts) -> Seeded:
        """Create what `initial` names, idempotently; on an empty installation with nothing named, the defaults."""
        async with self._database.work() as work:
            seeded = await seed(work.connection, initial, self._pepper)
            work.after_commit(self._known.clear)
        return seeded

    async def by_key(self, public_key: str, secret_key: str) -> Access:
        """Authenticate a key pair: what it may do in its project. Unauthorized for an unknown or expired pair."""
        hashed = secrets.secret_hash(secret_key, self._pepper)
        key = await self._known_key(public_key, hashed)
        self.used(public_key)
        return Access(project_id=key.project_id, scope="project", public_key=public_key, scopes=key.scopes)

    async def by_public_key(self, public_key: str) -> Access:
        """Authenticate a public key alone, which may only create scores. Unauthorized when it is unknown or expired."""
        key = await self._known_key(public_key, None)
        self.used(public_key)
        return Access(project_id=key.project_id, scope="scores", public_key=public_key, scopes=key.scopes)

    async def sign_in(self, email: str, password: str, client: Client = UNKNOWN) -> tuple[str, Session]:
        """Start a session with a password: its token and the session. Unauthorized for a wrong e-mail or password.

        Several accounts may have one address, made by several organisations: the password tells which.
        """
        address = email.strip().lower()
        async with self._database.reading() as connection:
            found = await people.accounts_at(connection, address)
        right = await self._with_password(address, found, password, client)
        if right is None:
            await self._refused(address, [user for user, _ in found], client)
            raise Unauthorized(
                "email or password is wrong: check both. Whoever runs the server can make a link for a new password "
                "with `sightline reset-password`"
            )
        await self._salt_anew(*right, password)
        return await self.start_session(right[0], client)

    async def awaits_password(self) -> bool:
        """Whether nobody has set a password yet."""
        async with self._database.reading() as connection:
            return not await people.any_password(connection)

    async def sign_in_link(self) -> str:
        """A one-time token that signs the first person in, valid for `LINK_HOURS`."""
        token = secrets.new_token()
        async with self._database.work() as work:
            user = await people.first_user(work.connection)
            if user is None:
                raise NotFound("there is no user to sign in: start the server with SIGHTLINE_INIT_USER_EMAIL")
            expires_at = now() + timedelta(hours=LINK_HOURS)
            await people.add_link(work.connection, secrets.token_hash(token), user.id, "sign-in", expires_at)
        return token

    async def redeem(self, token: str, client: Client = UNKNOWN) -> tuple[str, Session]:
        """Exchange the token of a one-time link for a session. Unauthorized when it was used or has expired."""
        async with self._database.work() as work:
            found = await people.take_link(work.connection, secrets.token_hash(token), ["sign-in"])
        if found is None:
            await self._refused("", [], client)
            raise Unauthorized("this sign-in link was used or has expired: `sightline reset-password` makes a new one")
        return await self.start_session(found.user, client)

    async def start_session(self, user: User, client: Client) -> tuple[str, Session]:
        token = secrets.new_token()
        session = Session(user=user, expires_at=now() + timedelta(days=SESSION_DAYS))
        async with self._database.work() as work:
            await people.add_session(work.connection, secrets.token_hash(token), session, client)
            await audit.record(work.connection, _sign_in(user, "done"))
        return token, session

    async def by_session(self, token: str) -> User | None:
        async with self._database.reading() as connection:
            return await people.session_user(connection, secrets.token_hash(token))

    async def sign_out(self, token: str) -> None:
        async with self._database.work() as work:
            await people.end_session(work.connection, secrets.token_hash(token))

    async def projects_of(self, user: User) -> list[ProjectAccess]:
        async with self._database.reading() as connection:
            return await store.projects_of(connection, user.id)

    async def access(self, user: User, project_id: ProjectId) -> Access:
        """What a person may do in a project. NotFound for non-members too: ids cannot be enumerated."""
        async with self._database.reading() as connection:
            found = await store.identity_in(connection, user.id, project_id)
        if found is None:
            raise _no_project(project_id)
        return Access(project_id=project_id, scope="user", user_id=found[0], role=found[1])

    async def member_role(self, project_id: ProjectId, user_id: UserId) -> Role:
        """The role of a person in a project. NotFound for non-members."""
        async with self._database.reading() as connection:
            role = await store.role_in(connection, user_id, project_id)
        if role is None:
            raise NotFound(f"user {user_id!r} does not exist or is not a member of project {project_id!r}")
        return role

    async def project(self, project_id: ProjectId) -> Project:
        async with self._database.reading() as connection:
            found = await store.project(connection, project_id)
        if found is None:
            raise _no_project(project_id)
        return found

    async def protect_labels(self, project_id: ProjectId, labels: Collection[str]) -> Project:
        """Replace the protected labels of a project."""
        protected = protectable(labels)
        async with self._database.work() as work:
            await organization_store.change_project(work.connection, project_id, {"protected_labels": protected})
            event = audit.of_project("project.change", project_id, "project", project_id, fields=["protected_labels"])
            await audit.record(work.connection, event)
        return await self.project(project_id)

    async def keys(self, project_id: ProjectId) -> list[ApiKey]:
        async with self._database.reading() as connection:
            return await store.keys_of(connection, project_id)

    async def create_key(self, project_id: ProjectId, draft: KeyDraft | None = None) -> NewApiKey:
        """Create a key pair. Only this answer has its secret: the database keeps a hash."""
        made = new_pair(draft or KeyDraft())
        async with self._database.work() as work:
            if await organization_store.known_key(work.connection, made.key.public_key):
                raise Conflict(f"API key {made.key.public_key!r} exists: choose another public key")
            hashed = secrets.secret_hash(made.secret_key, self._pepper)
            await store.put_key(work.connection, project_id, made.key, hashed)
            public_key, scopes = made.key.public_key, sorted(made.key.scopes)
            event = audit.of_project("key.create", project_id, "key", public_key, scopes=scopes)
            await audit.record(work.connection, event)
            work.after_commit(self._known.clear)
        return made

    async def delete_key(self, project_id: ProjectId, public_key: str) -> None:
        """Revoke a key pair and evict it from this process' cache. NotFound when the project has no such key."""
        async with self._database.work() as work:
            if not await store.delete_key(work.connection, project_id, public_key):
                raise NotFound(f"API key {public_key!r} does not exist in project {project_id!r}")
            await audit.record(work.connection, audit.of_project("key.delete", project_id, "key", public_key))
            work.after_commit(self.forget_keys)

    def used(self, public_key: str) -> None:
        """Note that a key was used now. Write-behind: `write_usage` stores it, no request waits."""
        self._used[public_key] = now()

    async def write_usage(self) -> None:
        """Flush when keys were last used, in one transaction; for a job, once a minute."""
        moments, self._used = self._used, {}
        if moments:
            async with self._database.work() as work:
                await store.mark_used(work.connection, moments)

    async def keeping_for_a_time(self) -> list[Project]:
        """The projects with a retention period, of the whole installation; for a job, not for a caller."""
        async with self._database.reading() as connection:
            return await store.keeping_for_a_time(connection)

    def forget_keys(self) -> None:
        """Invalidate the key cache: a key was deleted, or its project."""
        self._known.clear()

    async def _refused(self, name: str, users: Sequence[User], client: Client) -> None:
        """Audited for each account of that address, and logged; what is no address may be a password, and is not."""
        events = [_sign_in(user, "refused") for user in users] or [_sign_in(None, "refused")]
        async with self._database.work() as work:
            await audit.record(work.connection, *events)
        log.warning("sign-in failed", name=name if "@" in name else None, client=client.address)

    async def _with_password(
        self, address: str, found: Sequence[tuple[User, str]], password: str, client: Client
    ) -> tuple[User, str] | None:
        """The account that this password opens, counted as an attempt at the address.

        A device cookie counts apart, for its own account only: with it nobody guesses at another of the same address.
        """
        hashes = [hashed for _, hashed in found]
        known = next((each for each in found if self.attempts.is_mark_of(each[0].id, client.mark)), None)
        if known and client.mark:
            await self.attempts.begin(client.mark)
            if (await secrets.which_match(password, hashes))[found.index(known)]:
                await self.attempts.forget(client.mark)
                return known
        await self.attempts.begin(address)
        matches = await secrets.which_match(password, hashes)
        right = next((each for each, matched in zip(found, matches, strict=True) if matched), None)
        if right is not None:
            await self.attempts.succeeded(address)
        return right

    async def _salt_anew(self, user: User, hashed: str, password: str) -> None:
        """Give a hash of an older version the salt that all at this address share."""
        salt = secrets.salt_of(user.email, self._pepper)
        if not secrets.has_salt(hashed, salt):
            made = await secrets.password_hash(password, salt)
            async with self._database.work() as work:
                await people.replace_hash(work.connection, user.id, hashed, made)

    async def _known_key(self, public_key: str, hashed_secret: str | None) -> StoredKey:
        """The key, read through the cache. Wrong keys are cached too (negative caching)."""
        known = self._known.get((public_key, hashed_secret))
        found = known[0] if known else await self._look_up(public_key, hashed_secret)
        if known is None:
            self._known.put((public_key, hashed_secret), found)
        if isinstance(found, str):
            raise Unauthorized(found)
        check_expiry(public_key, found.expires_at)
        return found

    async def _look_up(self, public_key: str, hashed_secret: str | None) -> StoredKey | str:
        """What the key opens, or why it opens nothing."""
        async with self._database.reading() as connection:
            found = await store.key(connection, public_key)
            organizations = found is None and await store.is_organizations(connection, public_key)
        if organizations:
            return f"API key {public_key[:48]!r} is an organisation's: this call needs the key pair of a project"
        if found is None or (hashed_secret is not None and not hmac.compare_digest(found.secret_hash, hashed_secret)):
            return (
                f"API key {public_key[:48]!r} is not known here or its secret is wrong: "
                "check the key pair and that the base URL is this server's"
            )
        return found


def check_expiry(public_key: str, expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= now():
        raise Unauthorized(f"API key {public_key[:48]!r} has expired ({expires_at:%Y-%m-%d %H:%M} UTC): make a new one")


def new_pair(draft: KeyDraft) -> NewApiKey:
    """A pair with the halves that the draft names, or random ones. InvalidRequest for half a pair or a past expiry."""
    if bool(draft.public_key) != bool(draft.secret_key):
        raise InvalidRequest("a key pair needs both halves: give publicKey and secretKey, or neither")
    if draft.expires_at is not None and draft.expires_at <= now():
        raise InvalidRequest(f"expiresAt {draft.expires_at} is past: choose a later time, or none")
    if not draft.scopes:
        raise InvalidRequest("scopes is empty: name at least one, or leave it out for all of them")
    random_public, random_secret = secrets.new_key_pair()
    public_key, secret_key = draft.public_key or random_public, draft.secret_key or random_secret
    key = ApiKey(
        public_key=public_key,
        display_secret_key=secrets.display(secret_key),
        created_at=now(),
        note=draft.note,
        expires_at=draft.expires_at,
        scopes=draft.scopes,
    )
    return NewApiKey(key=key, secret_key=secret_key)


def _sign_in(user: User | None, outcome: Outcome) -> AuditEvent:
    by = replace(audit.acting_now(), kind="person", id=user.id) if user and outcome == "done" else None
    return AuditEvent(
        action="sign-in", target_kind="person", target_id=user.id if user else None, outcome=outcome, by=by
    )


def _no_project(project_id: ProjectId) -> NotFound:
    return NotFound(f"project {project_id!r} does not exist or you are not a member of it")
