"""The frame around every page: who is signed in, whether the server answers, how to get about, and the keys."""

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from website import EMAIL, NARROW, PASSWORD, OpenPage, Sightline, rows

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def sign_in(page: Page) -> None:
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def key(public: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{public}:{secret}".encode()).decode()}


def rail(page: Page) -> Any:
    return page.get_by_role("navigation", name="Rooms")


def test_who_signed_out_in_another_tab_signs_in_again_and_arrives_where_they_wanted(open_page: OpenPage) -> None:
    page = open_page("/sign-in")
    sign_in(page)
    expect(rows(page).first).to_be_visible()
    other = page.context.new_page()
    other.goto("/project/demo/traces")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in")
    rail(page).get_by_role("link", name="API keys").click()
    page.wait_for_url("**/sign-in?to=*keys")
    sign_in(page)
    page.wait_for_url("**/project/demo/keys")


def test_a_stream_that_is_refused_because_the_session_ended_leads_to_the_sign_in(open_page: OpenPage) -> None:
    page = open_page("/sign-in")
    sign_in(page)
    expect(rows(page).first).to_be_visible()
    page.get_by_role("button", name="Pause live").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies()
    page.get_by_role("button", name="Resume live").click()
    page.wait_for_url("**/sign-in?to=*")


def test_a_server_that_is_gone_is_said_to_be_and_the_page_goes_on_when_it_is_back(
    browser: Any, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    """In a context of its own, whose console may complain."""
    context = browser.new_context(storage_state=signed_in, base_url=sightline.address)
    page = context.new_page()
    page.goto("/project/demo/traces")
    expect(rows(page).first).to_be_visible()
    gone = page.get_by_role("status").filter(has_text="The server does not answer")

    def refuse(route: Route) -> None:
        route.abort("connectionrefused")

    page.route("**/api/**", refuse)
    rail(page).get_by_role("link", name="API keys").click()
    expect(gone).to_be_visible()
    expect(page.get_by_text("Failed to fetch")).to_have_count(0)
    page.unroute("**/api/**", refuse)
    expect(gone).to_have_count(0)
    expect(page.get_by_text("pk-lf-pages")).to_be_visible()
    context.close()


def test_a_key_is_made_with_a_note_and_deleted_after_a_question(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/keys", signed_in)
    page.get_by_label("Note (optional)").fill("the nightly run")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text("Copy the secret now")).to_be_visible()
    made = page.get_by_role("list", name="API keys").get_by_role("listitem").filter(has_text="the nightly run")
    expect(made).to_contain_text("Last used: never")
    delete = page.get_by_role("button", name="Delete the nightly run")
    delete.click()
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("Last used: never")
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(made).to_be_visible()
    delete.click()
    question.get_by_role("button", name="Delete the key").click()
    expect(question).to_have_count(0)
    expect(made).to_have_count(0)
    expect(page.get_by_text("Copy the secret now")).to_have_count(0)


def test_the_first_lesson_fills_in_a_key_that_works_and_says_that_no_model_runs(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    page = open_page("/sign-in", signed_in)
    page.route(
        "**/api/web/projects/demo/traces?**", lambda route: route.fulfill(json={"data": [], "meta": {"cursor": None}})
    )
    page.goto("/project/demo/traces")
    expect(page.get_by_text("No model runs beside this server yet")).to_be_visible()
    snippets = page.locator("pre")
    expect(snippets.first).to_contain_text("sk-lf-…")
    page.get_by_role("button", name="Make a key and fill it in").click()
    expect(page.get_by_text("now hold a new key pair")).to_be_visible()
    code = snippets.first.inner_text()
    pair = re.findall(r"[ps]k-lf-[0-9a-f]+", code)
    page.unroute_all()
    answer = page.request.get(
        "/api/public/projects",
        headers=key(*pair),
    )
    assert answer.status == 200
    assert "base64 | tr -d" in snippets.last.inner_text()


def palette(page: Page, text: str) -> Any:
    """The palette's offers for a text, after it has been opened with the keyboard."""
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Page, command, text or trace id").fill(text)
    return page.get_by_role("listbox", name="Results").get_by_role("option")


def test_the_palette_opens_any_trace_the_server_knows_and_offers_no_other(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    strange = "Nachtlauf/7"
    sightline.ingest("trace-create", id=strange, name="nightly", timestamp="2026-11-24T12:00:00Z")
    page = open_page("/project/demo/traces", signed_in)
    expect(rows(page).first).to_be_visible()
    whole = (rows(page).first.get_attribute("id") or "").removeprefix("trace-")
    with page.expect_response(re.compile(f"search={whole[:8]}&")):
        offers = palette(page, whole[:8])
    expect(offers).to_have_count(1)
    expect(offers).to_contain_text("Traces that mention")
    page.keyboard.press("Escape")
    offers = palette(page, strange)
    expect(offers.first).to_contain_text(f"Trace {strange}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces/Nachtlauf%2F7")
    expect(page.get_by_role("main")).to_contain_text("nightly")
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("nightly")


def test_on_a_telephone_the_palette_changes_the_theme_and_signs_out(open_page: OpenPage) -> None:
    page = open_page("/sign-in", viewport=NARROW)
    sign_in(page)
    expect(rows(page).first).to_be_visible()
    page.get_by_role("button", name="Commands").click()
    page.get_by_role("option", name="Theme: dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Commands").click()
    page.get_by_role("option", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    expect(page.get_by_label("Email")).to_be_visible()


def test_every_page_names_its_tab(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in)
    expect(page).to_have_title("Traces · Sightline")
    rail(page).get_by_role("link", name="API keys").click()
    expect(page).to_have_title("API keys · Sightline")
    rail(page).get_by_role("link", name="Ask").click()
    expect(page).to_have_title("Ask · Sightline")


def test_the_rail_leads_back_to_the_list_as_it_was_left(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces?search=how%20many%20digits&range=7d", signed_in)
    expect(rows(page)).to_have_count(1)
    rail(page).get_by_role("link", name="API keys").click()
    page.wait_for_url("**/keys")
    rail(page).get_by_role("link", name="Traces").click()
    page.wait_for_url("**/traces?search=*range=7d")
    expect(rows(page)).to_have_count(1)
    rail(page).get_by_role("link", name="Traces").click()
    page.wait_for_url("**/traces")


def test_an_address_that_leads_nowhere_keeps_the_rail_and_an_unknown_project_says_so(
    open_page: OpenPage, signed_in: dict[str, Any]
) -> None:
    page = open_page("/project/demo/nothing", signed_in)
    missing = page.get_by_role("heading", name="There is no page at this address")
    expect(missing).to_be_visible()
    expect(rail(page).get_by_role("link", name="Traces")).to_be_visible()
    page.goto("/project/elsewhere/traces")
    expect(missing).to_be_visible()
    expect(page.get_by_text("Select an item")).to_have_count(0)
    page.goto("/project/demo/traces?range=7w")
    expect(rows(page).first).to_be_visible()
    expect(page.get_by_role("button", name="Time range")).to_contain_text("Last 24 hours")


def test_a_used_link_leads_in_whoever_is_signed_in_and_says_so_to_others(
    open_page: OpenPage, signed_in: dict[str, Any]
) -> None:
    page = open_page("/sign-in#token=used-before", signed_in)
    page.wait_for_url("**/project/demo/traces")
    stranger = open_page("/sign-in#token=used-before")
    expect(stranger.get_by_role("alert")).to_have_text(re.compile("^[A-Z]"))
