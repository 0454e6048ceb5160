"""The list of traces: its keys, its columns, its charts, its filter, and what it says where nothing is found."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from website import OpenPage, Sightline, answer, rows

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TRACES = "/project/demo/traces"


@pytest.fixture
def traces(open_page: OpenPage, signed_in: dict[str, Any]) -> Page:
    """The list with its first rows, following what comes."""
    page = open_page(TRACES, signed_in)
    expect(rows(page).first).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def test_enter_presses_the_button_that_has_the_focus_and_not_the_row_under_the_cursor(traces: Page) -> None:
    traces.keyboard.press("j")
    expect(traces.locator("[aria-selected=true]")).to_have_count(1)
    traces.get_by_role("button", name="Errors", exact=True).focus()
    traces.keyboard.press("Enter")
    expect(traces.get_by_role("button", name="Errors", exact=True)).to_have_attribute("aria-pressed", "true")
    assert "peek=" not in traces.url


def test_enter_follows_a_link(traces: Page) -> None:
    traces.get_by_role("link", name="Ask").first.focus()
    traces.keyboard.press("Enter")
    traces.wait_for_url("**/project/demo/ask")


def test_enter_opens_the_row_under_the_cursor(traces: Page) -> None:
    traces.keyboard.press("j")
    expect(traces.locator("[aria-selected=true]")).to_have_count(1)
    traces.keyboard.press("Enter")
    expect(traces.get_by_role("complementary", name="Trace")).to_be_visible()


def test_escape_leaves_the_columns_as_they_are_and_arrows_work_at_once(traces: Page) -> None:
    expect(traces.get_by_role("columnheader", name="Name")).to_be_visible()
    traces.get_by_role("button", name="Columns").press("Enter")
    menu = traces.get_by_role("listbox", name="Columns")
    expect(menu.get_by_role("option", name="Image")).to_be_focused()
    traces.keyboard.press("ArrowDown")
    expect(menu.get_by_role("option", name="Name")).to_be_focused()
    traces.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(traces.get_by_role("columnheader", name="Name")).to_be_visible()


def test_a_browser_that_kept_no_column_at_all_shows_the_usual_ones(traces: Page) -> None:
    kept = ["image", "name", "input", "output", "latency", "tokens", "cost", "scores", "user", "session"]
    kept += ["environment", "tags", "spans", "id", "time"]
    traces.evaluate(
        "names => localStorage.setItem('sightline.traces.columns',"
        " JSON.stringify(Object.fromEntries(names.map(name => [name, false]))))",
        kept,
    )
    traces.reload()
    expect(traces.get_by_role("columnheader", name="Name")).to_be_visible()


def test_what_came_during_a_pause_is_there_after_it(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    page = open_page(f"{TRACES}?paused=true", signed_in)
    expect(rows(page).first).to_be_visible()
    sightline.send(answer("seen after a pause"))
    page.get_by_role("button", name="Resume live").click()
    expect(rows(page).first).to_contain_text("seen after a pause")


def test_a_trace_that_was_closed_holds_no_new_one_back(traces: Page, sightline: Sightline) -> None:
    rows(traces).first.click()
    beside = traces.get_by_role("complementary", name="Trace")
    expect(beside.get_by_role("tree")).to_be_visible()
    sightline.send(answer("a word that waits"))
    expect(traces.get_by_role("button", name=re.compile("new$"))).to_have_count(1)
    traces.keyboard.press("Escape")
    expect(beside).to_have_count(0)
    expect(rows(traces).first).to_contain_text("a word that waits")
    sightline.send(answer("a word that does not"))
    expect(rows(traces).first).to_contain_text("a word that does not")
