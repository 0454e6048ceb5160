"""People on the pages: invited by a link, signed in by a password of their own, and out again where they say so."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from website import EMAIL, NARROW, OpenPage, Sightline

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

NEW = "a password quite new"
MEMBERS = "/project/demo/members"


@pytest.fixture
def refusals() -> tuple[int, ...]:
    """Wrong passwords, used links and memberships that stand are refused here on purpose."""
    return (400, 401, 404, 409)


def link_for(page: Page, email: str, role: str | None = None) -> str:
    """The link that inviting an address shows."""
    page.get_by_label("Email").fill(email)
    if role:
        page.get_by_role("button", name="Role of the new member").click()
        page.get_by_role("option", name=role).click()
    page.get_by_role("button", name="Invite", exact=True).click()
    shown = page.locator("figure", has_text=f"Link for {email}")
    expect(shown).to_be_visible()
    return shown.locator("pre").inner_text()


def test_an_invited_person_chooses_a_password_and_is_in(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    owner = open_page(MEMBERS, signed_in)
    link = link_for(owner, "kim@example.org", "Member")
    row = owner.get_by_role("listitem").filter(has_text="kim@example.org")
    expect(row.get_by_text("Invited")).to_be_visible()
    guest = open_page(link)
    expect(guest.get_by_text("invites kim@example.org as member")).to_be_visible()
    assert "token" not in guest.url
    guest.get_by_label("Password").fill(NEW)
    guest.get_by_role("button", name="Join").click()
    guest.wait_for_url("**/project/demo/traces**")
    guest.goto(MEMBERS)
    expect(guest.get_by_role("listitem").filter(has_text="kim@example.org").get_by_text("You")).to_be_visible()
    expect(guest.get_by_role("button", name="Invite", exact=True)).to_have_count(0)
    owner.reload()
    expect(row.get_by_text("Invited")).to_have_count(0)
    row.get_by_role("button", name="Remove").click()
    owner.get_by_role("button", name="Remove", exact=True).click()
    expect(row).to_have_count(0)
    guest.goto("/")
    expect(guest.get_by_text("You are in no project yet")).to_be_visible()


def test_a_signed_in_person_is_asked_and_may_decline(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    owner = open_page(MEMBERS, signed_in)
    link = link_for(owner, "second@example.org")
    asked = open_page(link, signed_in)
    expect(asked.get_by_text(f"You are signed in as {EMAIL}")).to_be_visible()
    asked.get_by_role("button", name="Join with this account").click()
    expect(asked.get_by_role("alert")).to_contain_text("already")
    asked.get_by_role("button", name="Decline").click()
    asked.wait_for_url("**/project/demo/traces**")
    gone = open_page(link)
    expect(gone.get_by_role("alert")).to_contain_text(re.compile("^This link was used"))


def test_a_reset_link_sets_a_password_that_the_person_can_change(
    open_page: OpenPage, signed_in: dict[str, Any], sightline: Sightline
) -> None:
    owner = open_page(MEMBERS, signed_in)
    guest = open_page(link_for(owner, "lou@example.org"))
    guest.get_by_label("Password").fill(NEW)
    guest.get_by_role("button", name="Join").click()
    guest.wait_for_url("**/project/demo/traces**")
    elsewhere = open_page(sightline.reset_link("lou@example.org"))
    elsewhere.get_by_label("New password").fill("a password set by link")
    elsewhere.get_by_role("button", name="Set the password").click()
    elsewhere.wait_for_url("**/project/demo/traces**")
    guest.goto("/account")
    guest.wait_for_url("**/sign-in**")
    guest.get_by_label("Email").fill("lou@example.org")
    guest.get_by_label("Password").fill("a password set by link")
    guest.get_by_role("button", name="Sign in").click()
    guest.wait_for_url("**/account")
    sessions = guest.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(sessions).to_have_count(2)
    guest.get_by_role("button", name="End", exact=True).click()
    expect(sessions).to_have_count(1)
    guest.get_by_label("Current password").fill("wrong and long enough")
    guest.get_by_label("New password").fill("a third and last one")
    guest.get_by_role("button", name="Change the password").click()
    expect(guest.get_by_role("alert")).to_contain_text("current password is wrong")
    guest.get_by_label("Current password").fill("a password set by link")
    guest.get_by_role("button", name="Change the password").click()
    expect(guest.get_by_role("status")).to_contain_text("The password is set")


def test_the_pages_fit_a_phone(open_page: OpenPage, signed_in: dict[str, Any], sightline: Sightline) -> None:
    for address in (MEMBERS, "/account", sightline.reset_link(EMAIL)):
        page = open_page(address, signed_in, viewport=NARROW)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], address
