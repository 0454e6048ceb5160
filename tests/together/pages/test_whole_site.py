"""The pages in a real Chromium, before a real server that real spans were sent to. Any console error fails a test."""

import secrets
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from website import EMAIL, MAP, NARROW, PASSWORD, PUBLIC_KEY, OpenPage, Sightline, answer, rows, span

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

MOST_SCRIPT_BYTES = 200_000


def findings(page: Page) -> list[str]:
    """What axe holds to be serious."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})
    return [
        f"{each['id']}: {each['help']} {each['nodes'][0]['html'][:200]}"
        for each in found.response["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def map_of(page: Page) -> str:
    """The map over the picture, as the browser painted it."""
    painted: str = page.evaluate(MAP)
    return painted


def test_who_is_not_signed_in_signs_in_first_and_then_arrives_where_they_wanted(open_page: OpenPage) -> None:
    page = open_page("/project/demo/keys")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/project/demo/keys")
    expect(page.get_by_text(PUBLIC_KEY)).to_be_visible()


def test_a_new_trace_appears_without_a_reload(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    page = open_page("/project/demo/traces", signed_in)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    sightline.send(answer("a yellow zero"))
    expect(rows(page).first).to_contain_text("a yellow zero")
    expect(rows(page).first.locator("img")).to_have_js_property("complete", True)


def test_new_traces_wait_while_a_person_has_chosen_a_row(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    page = open_page("/project/demo/traces", signed_in)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("[aria-selected=true]")).to_have_count(1)
    sightline.send(answer("a patient nine"))
    waiting = page.get_by_role("button", name="1 new")
    expect(waiting).to_be_visible()
    expect(rows(page).first).not_to_contain_text("a patient nine")
    waiting.click()
    expect(rows(page).first).to_contain_text("a patient nine")


def test_a_row_opens_beside_the_list_at_an_address_of_its_own(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in)
    page.get_by_role("row").filter(has_text="a red seven left").click()
    beside = page.get_by_role("complementary", name="Trace")
    expect(beside.get_by_role("treeitem")).to_have_count(2)
    assert "peek=" in page.url
    page.reload()
    expect(beside.get_by_role("tree")).to_be_visible()
    page.keyboard.press("Escape")
    expect(beside).to_have_count(0)
    expect(rows(page).first).to_be_visible()


def test_the_map_follows_the_word_that_is_pointed_at(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in)
    page.get_by_role("row").filter(has_text="a red seven left").click()
    words = page.get_by_role("toolbar").get_by_role("button")
    expect(words).to_have_text(["a", "red", "seven", "left"])
    words.nth(1).hover()
    expect(page.get_by_test_id("looked-map")).not_to_have_css("opacity", "0")
    red = map_of(page)
    words.nth(2).hover()
    page.wait_for_function(
        "before => document.querySelector('[data-testid=looked-map]').toDataURL() !== before", arg=red
    )
    seven = map_of(page)
    words.nth(2).focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"red => {MAP} === red", arg=red)
    assert red != seven


def test_two_pinned_words_stand_side_by_side(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in)
    page.get_by_role("row").filter(has_text="a red seven left").click()
    words = page.get_by_role("toolbar").get_by_role("button")
    words.nth(1).click()
    words.nth(3).click()
    expect(page.get_by_role("figure").filter(has=page.get_by_test_id("looked-map"))).to_have_text(["red", "left"])


def test_a_filter_stands_in_the_address_and_narrows_the_list(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in)
    expect(rows(page).filter(has_text="a red seven left")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.type("how many digits")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    assert "search=" in page.url
    page.get_by_role("button", name="Remove filter").click()
    expect(rows(page).filter(has_text="a red seven left")).to_have_count(1)


def test_a_search_for_whole_words_that_finds_nothing_offers_to_look_inside_words(
    open_page: OpenPage, signed_in: dict[str, Any]
) -> None:
    page = open_page("/project/demo/traces?search=many%20digi", signed_in)
    page.get_by_role("button", name="Look inside words too").click()
    expect(rows(page)).to_have_count(1)


def test_ten_thousand_spans_open_as_a_few_dozen_lines(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    trace_id = secrets.token_hex(16)
    root = span("a long run", trace_id)
    steps = [span(f"step {n}", trace_id, root["spanId"]) for n in range(9_999)]
    for start in range(0, len(steps), 2_500):
        sightline.send([root, *steps[start : start + 2_500]])
    page = open_page(f"/project/demo/traces/{trace_id}", signed_in)
    expect(page.get_by_placeholder("Search 10,000 spans")).to_be_visible()
    expect(page.get_by_role("treeitem").first).to_be_visible()
    assert 10 < page.get_by_role("treeitem").count() < 120
    page.get_by_role("tree").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text("step")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: OpenPage, signed_in: dict[str, Any], scheme: str) -> None:
    page = open_page("/gallery", signed_in, color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    found = findings(page)
    page.goto("/project/demo/traces")
    expect(rows(page).first).to_be_visible()
    found += findings(page)
    page.get_by_role("row").filter(has_text="a red seven left").click()
    expect(page.get_by_role("toolbar")).to_be_visible()
    found += findings(page)
    page.goto("/project/demo/ask")
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    found += findings(page)
    for address in ("/project/demo/members", "/account"):
        page.goto(address)
        expect(page.get_by_role("listitem").first).to_be_visible()
        found += findings(page)
    assert found == []


def test_a_telephone_shows_cards_and_nothing_sticks_out(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in, viewport=NARROW)
    expect(rows(page).first).to_be_visible()
    for path in ("/project/demo/traces", "/project/demo/ask", "/project/demo/keys"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


def test_the_list_page_loads_at_most_200_kilobytes_of_script(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in)
    expect(rows(page).first).to_be_visible()
    scripts: list[dict[str, Any]] = page.evaluate(
        "performance.getEntriesByType('resource').filter(each => each.name.endsWith('.js'))"
        ".map(each => ({name: each.name, bytes: each.encodedBodySize}))"
    )
    first = [each for each in scripts if "/chart-" not in each["name"]]
    assert first
    assert sum(each["bytes"] for each in first) <= MOST_SCRIPT_BYTES
