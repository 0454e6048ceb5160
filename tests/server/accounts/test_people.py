"""People and their accounts: who may set a password, who may let whom in, and what is told to strangers."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from server.hands import Time
from sightline.server.accounts import secrets
from sightline.server.accounts.actions import Accounts, Audit, Members, Organizations, OwnAccount, People, Resetting
from sightline.server.accounts.actions.attempts import FREE_ATTEMPTS, LONGEST_WAIT
from sightline.server.accounts.records import (
    UNKNOWN,
    Access,
    AuditQuery,
    Client,
    InitialAccounts,
    OrganizationId,
    ProjectId,
    User,
)
from sightline.server.runtime.clock import clock, now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    SightlineError,
    TooBusy,
    Unauthorized,
)

A, B = OrganizationId("a"), OrganizationId("b")
OWNER, PERSON = "owner@a.example", "person@a.example"
PASSWORD, OTHER = "correct horse battery staple", "another long password"


@dataclass
class Town:
    """Two organisations with an owner each."""

    database: Database
    accounts: Accounts
    people: People
    own: OwnAccount
    members: Members
    audit: Audit

    async def invited(self, organization: OrganizationId, email: str = PERSON, role: str = "MEMBER") -> str:
        member = await self.people.add(organization, email, "P", role)
        return await self.people.invitation(organization, member.user.id)

    async def signed_in(self, email: str, password: str, client: Client = UNKNOWN) -> User:
        return (await self.accounts.sign_in(email, password, client))[1].user

    async def seen_by(self, user: User) -> list[str]:
        return [each.project.id for each in await self.accounts.projects_of(user)]

    async def audited(self, organization: OrganizationId) -> list[str]:
        """What the organisation's audit log has of its people, newest first, without sign-ins."""
        rows, _ = await self.audit.page(AuditQuery(organization_id=organization, limit=99))
        return [row.event.action for row in rows if row.event.action != "sign-in"]

    async def owner(self, organization: OrganizationId) -> Access:
        user = await self.signed_in(f"owner@{organization}.example", PASSWORD)
        return await self.accounts.access(user, ProjectId(f"project-{organization}"))


@pytest.fixture
async def town(database: Database) -> Town:
    accounts = Accounts(database, pepper=b"pepper")
    for organization in (A, B):
        await accounts.seed(
            InitialAccounts(
                org_id=organization,
                project_id=f"project-{organization}",
                user_email=f"owner@{organization}.example",
                user_password=PASSWORD,
            )
        )
    people = People(database)
    members = Members(accounts, Organizations(database, accounts, pepper=b"pepper"), people)
    return Town(database, accounts, people, OwnAccount(database, accounts, pepper=b"pepper"), members, Audit(database))


async def test_who_wrote_an_address_down_first_does_not_get_in_where_it_is_invited_later(town: Town):
    theirs = await town.invited(B, role="OWNER")
    squatter = (await town.own.set_password(theirs, OTHER, UNKNOWN))[1].user
    ours = await town.invited(A, role="ADMIN")
    assert await town.seen_by(squatter) == ["project-b"]
    person = (await town.own.set_password(ours, PASSWORD, UNKNOWN))[1].user
    assert person.id != squatter.id
    assert await town.seen_by(await town.signed_in(PERSON, OTHER)) == ["project-b"]
    assert await town.seen_by(await town.signed_in(PERSON, PASSWORD)) == ["project-a"]


async def test_an_invitation_opens_nothing_until_it_is_accepted(town: Town):
    member = await town.people.add(A, PERSON, "P", "ADMIN")
    assert (member.joined, member.role) == (False, "ADMIN")
    with pytest.raises(Unauthorized):
        await town.accounts.sign_in(PERSON, "")
    token = await town.people.invitation(A, member.user.id)
    link = await town.own.look(token)
    assert (link.purpose, link.user.email, link.organization_id, link.role) == ("invitation", PERSON, "a", "ADMIN")
    await town.own.set_password(token, PASSWORD, UNKNOWN)
    assert (await town.people.get(A, member.user.id)).joined


async def test_a_link_works_once_not_after_its_time_and_not_once_a_newer_one_is_made(town: Town):
    first = await town.invited(A)
    [person] = (await town.people.page(A, PERSON, 0, 9))[0]
    second = await town.people.invitation(A, person.user.id)
    with pytest.raises(NotFound, match="newer"):
        await town.own.look(first)
    in_eight_days = now() + timedelta(days=8)
    with clock(lambda: in_eight_days), pytest.raises(NotFound):
        await town.own.set_password(second, PASSWORD, UNKNOWN)
    await town.own.set_password(second, PASSWORD, UNKNOWN)
    with pytest.raises(NotFound):
        await town.own.set_password(second, OTHER, UNKNOWN)
    with pytest.raises(Conflict, match="reset-password"):
        await town.people.invitation(A, person.user.id)


async def test_a_removed_invitation_takes_its_link_along(town: Town):
    token, owner = await town.invited(A), await town.owner(A)
    [person] = (await town.people.page(A, PERSON, 0, 9))[0]
    await town.members.remove(owner, person.user.id)
    with pytest.raises(NotFound):
        await town.own.set_password(token, PASSWORD, UNKNOWN)


async def test_a_second_organisation_is_joined_by_the_person_with_the_account_that_is_signed_in(town: Town):
    person = (await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN))[1].user
    token = await town.invited(B, "someone.else@b.example", "VIEWER")
    assert await town.seen_by(person) == ["project-a"]
    await town.own.join(person, token)
    assert await town.seen_by(person) == ["project-a", "project-b"]
    known = await town.accounts.access(person, ProjectId("project-b"))
    assert (known.role, known.user_id != person.id) == ("VIEWER", True)
    await town.people.rename(B, known.user_id, "As B says")
    assert (await town.people.get(A, person.id)).user.name == "P"
    again = await town.invited(B, "third@b.example")
    with pytest.raises(Conflict, match="already"):
        await town.own.join(person, again)
    await town.own.look(again)
    await town.members.remove(await town.owner(B), known.user_id)
    assert await town.seen_by(person) == ["project-a"]


async def test_the_password_of_an_account_joins_with_it_and_any_other_makes_one(town: Town):
    person = (await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN))[1].user
    same = (await town.own.set_password(await town.invited(B), PASSWORD, UNKNOWN))[1].user
    assert same == person
    assert await town.seen_by(person) == ["project-a", "project-b"]


async def test_guesses_through_invitations_are_counted(town: Town):
    await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN)
    for number in range(1, FREE_ATTEMPTS + 1):
        guessing = OrganizationId(f"guessing-{number}")
        await town.accounts.seed(InitialAccounts(org_id=guessing, project_id=f"project-{guessing}"))
        token = await town.invited(guessing)
        if number < FREE_ATTEMPTS:
            await town.own.set_password(token, f"{OTHER} {number}", UNKNOWN)
    with pytest.raises(TooBusy):
        await town.own.set_password(token, PASSWORD, UNKNOWN)


async def test_a_declined_invitation_stays_an_invitation_until_it_is_made_again(town: Town):
    token = await town.invited(A)
    await town.own.decline(token)
    with pytest.raises(NotFound):
        await town.own.look(token)
    [person] = (await town.people.page(A, PERSON, 0, 9))[0]
    assert not person.joined
    assert await town.audited(A) == ["invitation.decline", "invitation.create", "member.add"]


async def test_a_changed_password_ends_the_other_sessions_and_the_links(town: Town):
    user = await town.signed_in(OWNER, PASSWORD)
    here, there = [(await town.accounts.sign_in(OWNER, PASSWORD))[0] for _ in range(2)]
    [(_, link)] = await Resetting(town.database).links(OWNER)
    with pytest.raises(InvalidRequest, match="current password"):
        await town.own.change_password(user, OTHER, OTHER, session=here)
    with pytest.raises(InvalidRequest, match="12 to"):
        await town.own.change_password(user, PASSWORD, "short", session=here)
    await town.own.change_password(user, PASSWORD, OTHER, session=here)
    assert await town.accounts.by_session(here) == user
    assert await town.accounts.by_session(there) is None
    with pytest.raises(NotFound):
        await town.own.look(link)
    with pytest.raises(Unauthorized):
        await town.accounts.sign_in(OWNER, PASSWORD)
    assert await town.signed_in(OWNER, OTHER) == user


async def test_a_reset_link_sets_a_password_ends_all_sessions_and_names_every_account(town: Town):
    before = (await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN))[0]
    await town.own.set_password(await town.invited(B), OTHER, UNKNOWN)
    links = await Resetting(town.database).links(f" {PERSON.upper()} ")
    assert len(links) == 2
    token, session = await town.own.set_password(links[0][1], "a password quite new", UNKNOWN)
    assert await town.accounts.by_session(token) == session.user
    assert await town.accounts.by_session(before) is None
    assert await town.signed_in(PERSON, "a password quite new") == session.user
    with pytest.raises(NotFound, match="nobody"):
        await Resetting(town.database).links("nobody@a.example")


async def test_the_seed_sets_no_password_over_one(town: Town):
    named = InitialAccounts(org_id="a", project_id="project-a", user_email=OWNER, user_password=OTHER)
    await town.accounts.seed(named)
    with pytest.raises(Unauthorized):
        await town.accounts.sign_in(OWNER, OTHER)


async def test_the_seed_meets_nobody_whom_another_organisation_wrote_down(town: Town):
    squatter = (await town.own.set_password(await town.invited(B), OTHER, UNKNOWN))[1].user
    await town.accounts.seed(
        InitialAccounts(org_id="a", project_id="project-a", user_email=PERSON, user_password=PASSWORD)
    )
    assert await town.seen_by(squatter) == ["project-b"]
    assert await town.seen_by(await town.signed_in(PERSON, PASSWORD)) == ["project-a"]


async def wrong(town: Town, email: str, client: Client = UNKNOWN) -> SightlineError:
    try:
        await town.accounts.sign_in(email, "wrong", client)
    except SightlineError as refusal:
        return refusal
    raise AssertionError("a wrong password signed in")


@pytest.mark.parametrize("email", [OWNER, "nobody@a.example"])
async def test_wrong_passwords_lock_for_a_growing_while_whether_or_not_there_is_an_account(town: Town, email: str):
    time = Time(now())
    waits = []
    with clock(time):
        for _ in range(FREE_ATTEMPTS):
            assert isinstance(await wrong(town, email), Unauthorized)
        for _ in range(12):
            locked = await wrong(town, email)
            assert isinstance(locked, TooBusy)
            waits.append(locked.retry_after_s)
            time.now += timedelta(seconds=locked.retry_after_s)
            assert isinstance(await wrong(town, email), Unauthorized)
    assert waits[:3] == [2, 4, 8]
    assert waits[-1] == LONGEST_WAIT.total_seconds()


async def test_a_locked_account_lets_in_the_browser_that_was_in_before_and_keeps_its_sessions(town: Town):
    user = await town.signed_in(OWNER, PASSWORD)
    session = (await town.accounts.sign_in(OWNER, PASSWORD))[0]
    known = Client(mark=town.accounts.attempts.mark(user.id))
    for _ in range(FREE_ATTEMPTS):
        await wrong(town, OWNER)
    forged = Client(mark=town.accounts.attempts.mark("another"))
    for client in (UNKNOWN, forged, Client(mark="x.y"), Client(mark="")):
        with pytest.raises(TooBusy):
            await town.accounts.sign_in(OWNER, PASSWORD, client)
    assert await town.accounts.by_session(session) == user
    assert await town.signed_in(OWNER, PASSWORD, known) == user


async def test_a_right_password_costs_no_attempt(town: Town):
    for _ in range(FREE_ATTEMPTS - 1):
        await wrong(town, OWNER)
    for _ in range(FREE_ATTEMPTS):
        await town.signed_in(OWNER, PASSWORD)
    assert isinstance(await wrong(town, OWNER), Unauthorized)
    assert isinstance(await wrong(town, OWNER), TooBusy)


async def test_who_has_another_account_of_the_address_guesses_no_faster(town: Town):
    await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN)
    squatter = (await town.own.set_password(await town.invited(B), OTHER, UNKNOWN))[1].user
    outcomes = []
    for _ in range(FREE_ATTEMPTS):
        mark = Client(mark=town.accounts.attempts.mark(squatter.id))
        assert await town.signed_in(PERSON, OTHER, mark) == squatter
        outcomes.append(type(await wrong(town, PERSON, mark)))
    assert outcomes == [Unauthorized] * FREE_ATTEMPTS
    with pytest.raises(TooBusy):
        await town.accounts.sign_in(PERSON, PASSWORD, Client(mark=town.accounts.attempts.mark(squatter.id)))
    assert await town.signed_in(PERSON, OTHER, Client(mark=town.accounts.attempts.mark(squatter.id))) == squatter


async def test_a_sign_in_costs_one_hash_however_many_accounts_there_are(town: Town, monkeypatch: pytest.MonkeyPatch):
    await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN)
    await town.own.set_password(await town.invited(B), OTHER, UNKNOWN)
    made: list[str] = []
    real = secrets.hash_secret
    monkeypatch.setattr(secrets, "hash_secret", lambda *given: made.append(str(given)) or real(*given))
    counts = []
    for email in (PERSON, OWNER, "nobody@a.example"):
        made.clear()
        await wrong(town, email)
        counts.append(len(made))
    assert counts == [1, 1, 1]


async def test_a_hash_of_an_older_version_gets_the_salt_of_its_address_at_the_next_sign_in(town: Town):
    old = secrets._PASSWORDS.hash(PASSWORD)
    async with town.database.work() as work:
        await work.connection.execute(text("UPDATE users SET password_hash = :old"), {"old": old})
    user = await town.signed_in(OWNER, PASSWORD)
    assert await town.signed_in(OWNER, PASSWORD) == user
    async with town.database.reading() as connection:
        kept = (await connection.execute(text("SELECT email, password_hash FROM users"))).all()
    salts = {row.email: secrets.has_salt(row.password_hash, secrets.salt_of(row.email, b"pepper")) for row in kept}
    assert salts == {OWNER: True, "owner@b.example": False}


async def test_hashes_of_older_versions_go_on_and_broken_ones_match_nothing():
    old = secrets._PASSWORDS.hash(PASSWORD)
    assert await secrets.which_match(PASSWORD, [old, "", "$argon2id$v=19$broken", old[:-1] + "x"]) == [
        True,
        False,
        False,
        False,
    ]


async def test_what_people_do_is_audited_and_failures_are_of_the_account_that_was_meant(town: Town):
    person = (await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN))[1].user
    await wrong(town, PERSON)
    await town.own.change_password(person, PASSWORD, OTHER, session="")
    rows, _ = await town.audit.page(AuditQuery(organization_id=A, limit=99))
    theirs = [(row.event.action, row.event.outcome) for row in rows if row.event.target_id == person.id]
    assert sorted(theirs) == [
        ("invitation.accept", "done"),
        ("invitation.create", "done"),
        ("member.add", "done"),
        ("password.set", "done"),
        ("password.set", "done"),
        ("sign-in", "done"),
        ("sign-in", "refused"),
    ]
    for secret in (PASSWORD, OTHER, PERSON):
        assert secret not in repr(rows)


async def test_admins_manage_members_but_no_owner_and_others_manage_nobody(town: Town):
    owner = await town.owner(A)
    admin_user = (await town.own.set_password(await town.invited(A, role="ADMIN"), PASSWORD, UNKNOWN))[1].user
    member_token = await town.invited(A, "member@a.example")
    member_user = (await town.own.set_password(member_token, PASSWORD, UNKNOWN))[1].user
    admin = await town.accounts.access(admin_user, ProjectId("project-a"))
    member = await town.accounts.access(member_user, ProjectId("project-a"))
    for act in (
        town.members.invite(admin, "new@a.example", None, "OWNER"),
        town.members.change(admin, admin_user.id, "OWNER"),
        town.members.change(admin, owner.user_id, "MEMBER"),
        town.members.remove(admin, owner.user_id),
        town.members.invite(member, "new@a.example", None, "VIEWER"),
        town.members.remove(member, admin_user.id),
        town.members.change(member, member_user.id, "ADMIN"),
    ):
        with pytest.raises(Forbidden):
            await act
    assert (await town.members.change(admin, member_user.id, "VIEWER")).role == "VIEWER"
    with pytest.raises(InvalidRequest, match="last owner"):
        await town.members.leave(owner)


async def test_who_leaves_comes_back_by_consent_alone(town: Town):
    person = (await town.own.set_password(await town.invited(A), PASSWORD, UNKNOWN))[1].user
    await town.own.join(person, await town.invited(B))
    for organization in (A, B):
        here = await town.accounts.access(person, ProjectId(f"project-{organization}"))
        await town.members.leave(here)
        with suppress(NotFound):
            await town.people.take_in(organization, here.user_id)
    again = await town.invited(A)
    assert await town.seen_by(person) == []
    await town.own.join(person, again)
    assert await town.seen_by(person) == ["project-a"]


async def test_an_invited_owner_is_no_owner_yet(town: Town):
    owner = await town.owner(A)
    await town.invited(A, role="OWNER")
    with pytest.raises(InvalidRequest, match="last owner"):
        await town.members.remove(owner, owner.user_id)


async def test_tokens_are_not_in_the_database(town: Town):
    token = await town.invited(A)
    async with town.database.reading() as connection:
        kept = repr((await connection.execute(text("SELECT * FROM sign_in_links"))).all())
    assert PERSON not in kept
    assert token not in kept
