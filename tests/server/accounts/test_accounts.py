"""Seeding, keys, sessions: who is recognised, and for how long."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from sightline.server.accounts.actions import Accounts, Organizations
from sightline.server.accounts.records import InitialAccounts, ProjectId
from sightline.server.runtime.clock import clock, now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Conflict, InvalidRequest, NotFound, Unauthorized

NAMED = InitialAccounts(
    org_id="lab",
    org_name="The lab",
    project_id="p1",
    project_name="First",
    public_key="pk-lf-1",
    secret_key="sk-lf-1",
    user_email="Ada@example.org",
    user_name="Ada",
    user_password="correct horse",
)


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, pepper=b"pepper")


async def test_a_newcomer_gets_everything_needed_once(accounts: Accounts):
    first = await accounts.seed(InitialAccounts())
    assert first.created_key is not None
    access = await accounts.by_key(first.created_key.key.public_key, first.created_key.secret_key)
    assert (access.project_id, access.scope) == (first.project.id, "project")
    second = await accounts.seed(InitialAccounts())
    assert (second.project, second.user, second.created_key) == (first.project, first.user, None)


async def test_named_accounts_are_seeded_idempotently(accounts: Accounts):
    first, second = await accounts.seed(NAMED), await accounts.seed(NAMED)
    assert first == second
    assert first.created_key is None
    assert (await accounts.project(ProjectId("p1"))).organization_name == "The lab"
    token, session = await accounts.sign_in("ada@EXAMPLE.org", "correct horse")
    assert await accounts.by_session(token) == session.user
    [mine] = await accounts.projects_of(session.user)
    assert (mine.project.name, mine.role) == ("First", "OWNER")


async def test_half_a_pair_or_a_key_of_another_project_is_refused(accounts: Accounts):
    with pytest.raises(InvalidRequest, match="both halves"):
        await accounts.seed(InitialAccounts(public_key="pk"))
    await accounts.seed(NAMED)
    with pytest.raises(Conflict, match="another key"):
        await accounts.seed(InitialAccounts(project_id="p2", public_key="pk-lf-1", secret_key="x"))


async def test_a_wrong_key_is_refused_and_says_what_to_check(accounts: Accounts):
    await accounts.seed(NAMED)
    for public_key, secret_key in (("pk-lf-1", "wrong"), ("unknown", "sk-lf-1"), ("pk-lf-1", "")):
        with pytest.raises(Unauthorized, match="base URL"):
            await accounts.by_key(public_key, secret_key)
    assert (await accounts.by_public_key("pk-lf-1")).scope == "scores"
    with pytest.raises(Unauthorized):
        await accounts.by_public_key("unknown")


async def test_key_checks_are_cached_hits_and_misses(accounts: Accounts, database: Database):
    await accounts.seed(NAMED)
    asked: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    for _ in range(5):
        await accounts.by_key("pk-lf-1", "sk-lf-1")
        with pytest.raises(Unauthorized):
            await accounts.by_key("pk-lf-1", "wrong")
    assert sum("api_keys" in statement for statement in asked) == 2


async def test_another_pepper_knows_no_key(accounts: Accounts, database: Database):
    await accounts.seed(NAMED)
    with pytest.raises(Unauthorized):
        await Accounts(database, pepper=b"other").by_key("pk-lf-1", "sk-lf-1")


async def test_a_made_key_pair_works_at_once_and_its_secret_is_shown_once(accounts: Accounts):
    await accounts.seed(NAMED)
    made = await accounts.create_key(ProjectId("p1"))
    assert (await accounts.by_key(made.key.public_key, made.secret_key)).project_id == "p1"
    listed = await accounts.keys(ProjectId("p1"))
    assert [key.public_key for key in listed] == ["pk-lf-1", made.key.public_key]
    assert made.secret_key not in repr(listed)


async def test_wrong_passwords_and_unknown_people_hear_the_same(accounts: Accounts):
    await accounts.seed(NAMED)
    refusals = []
    for email, password in (("ada@example.org", "wrong"), ("nobody@example.org", "correct horse")):
        with pytest.raises(Unauthorized) as refusal:
            await accounts.sign_in(email, password)
        refusals.append(refusal.value.message)
    assert refusals[0] == refusals[1]


async def test_a_link_signs_in_once_and_not_after_a_day(accounts: Accounts):
    await accounts.seed(InitialAccounts())
    link = await accounts.sign_in_link()
    token, session = await accounts.redeem(link)
    assert await accounts.by_session(token) == session.user
    late = await accounts.sign_in_link()
    tomorrow = now() + timedelta(hours=25)
    with pytest.raises(Unauthorized, match="used or has expired"):
        await accounts.redeem(link)
    with clock(lambda: tomorrow), pytest.raises(Unauthorized):
        await accounts.redeem(late)


async def test_a_session_ends_by_signing_out_or_by_age(accounts: Accounts):
    await accounts.seed(NAMED)
    token, _ = await accounts.sign_in("ada@example.org", "correct horse")
    in_two_months = now() + timedelta(days=60)
    with clock(lambda: in_two_months):
        assert await accounts.by_session(token) is None
    await accounts.sign_out(token)
    assert await accounts.by_session(token) is None


async def test_secrets_are_not_in_the_database(accounts: Accounts, database: Database):
    await accounts.seed(NAMED)
    token, _ = await accounts.sign_in("ada@example.org", "correct horse")
    async with database.reading() as connection:
        tables = ("api_keys", "users", "sessions")
        kept = repr([(await connection.execute(text(f"SELECT * FROM {table}"))).all() for table in tables])
    assert "pk-lf-1" in kept
    for secret in ("sk-lf-1", "correct horse", token):
        assert secret not in kept


async def test_strangers_do_not_learn_that_a_project_exists(accounts: Accounts):
    seeded = await accounts.seed(NAMED)
    await accounts.seed(InitialAccounts(org_id="other", project_id="p9"))
    assert (await accounts.access(seeded.user, ProjectId("p1"))).role == "OWNER"
    for project in ("p9", "none"):
        with pytest.raises(NotFound, match="not a member"):
            await accounts.access(seeded.user, ProjectId(project))


async def test_an_organisations_key_is_seeded_once_and_kept_apart_from_projects(accounts: Accounts, database: Database):
    organizations = Organizations(database, accounts, pepper=b"pepper")
    named = replace(NAMED, org_public_key="pk-lf-org", org_secret_key="sk-lf-org")
    for _ in range(2):
        await accounts.seed(named)
    assert (await organizations.by_key("pk-lf-org", "sk-lf-org")).organization_id == "lab"
    for pair in (("pk-lf-org", "wrong"), ("pk-lf-1", "sk-lf-1")):
        with pytest.raises(Unauthorized):
            await organizations.by_key(*pair)
    with pytest.raises(Conflict, match="another secret"):
        await accounts.seed(replace(named, org_secret_key="sk-lf-other"))
