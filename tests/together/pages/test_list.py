"""The list of traces: its keys, its columns, its charts, its filter, and what it says where nothing is found."""

import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from website import OpenPage, Sightline, answer, rows, span

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
    expect(traces.get_by_role("heading", level=1)).to_have_text("Ask")


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


def test_the_charts_count_every_trace_and_those_with_errors_among_them(traces: Page, sightline: Sightline) -> None:
    failed = answer("a word that failed")
    failed[0] |= {"status": {"code": 2, "message": "it broke"}}
    sightline.send(failed)
    expect(rows(traces).first).to_contain_text("a word that failed")
    traces.reload()
    expect(rows(traces).first).to_be_visible()
    listed = traces.get_by_role("grid").get_attribute("aria-rowcount")
    volume = traces.get_by_role("region", name="Volume")
    expect(volume).to_contain_text(f"traces{listed}")
    expect(volume).to_contain_text("with errors1")


def test_latency_is_told_of_the_whole_range(traces: Page) -> None:
    expect(traces.get_by_role("region", name="Latency")).to_contain_text("p9580.0 ms")


def test_a_trace_without_spans_has_no_latency(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    earlier = datetime.now(UTC) - timedelta(hours=2)
    sightline.ingest("trace-create", id=secrets.token_hex(16), name="said without", timestamp=earlier.isoformat())
    page = open_page(f"{TRACES}?search=said%20without", signed_in)
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("columnheader", name="Latency")).to_be_visible()
    expect(rows(page).get_by_text(" ms")).to_have_count(0)


def test_a_zoom_that_ends_outside_its_chart_is_a_zoom(traces: Page) -> None:
    chart = traces.get_by_role("region", name="Volume").locator("canvas")
    expect(chart).to_be_visible()
    box = chart.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    traces.mouse.move(box["x"] + box["width"] / 2, middle)
    traces.mouse.down()
    traces.mouse.move(box["x"] + box["width"] + 200, middle + 300, steps=4)
    traces.mouse.up()
    traces.wait_for_url(re.compile("from="))


def test_a_field_with_nothing_after_its_colon_is_reported(traces: Page) -> None:
    bar = traces.get_by_role("combobox", name="Filter traces")
    bar.fill("name: chat turn")
    expect(traces.get_by_text("Nothing stands right after “name:”.")).to_be_visible()
    bar.press("Enter")
    expect(bar).to_have_value("name: chat turn")
    assert "search=" not in traces.url


def test_comparisons_and_negation_narrow_the_list_and_stand_in_the_address(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    # Some hours old: the newest trace of the shared server is for others to look at.
    begun_ns = time.time_ns() - 5 * 3_600 * 10**9
    for name, lasting_s in (("slow step", 3), ("slower step", 9)):
        times = {"startTimeUnixNano": str(begun_ns), "endTimeUnixNano": str(begun_ns + lasting_s * 10**9)}
        sightline.send([span(name, secrets.token_hex(16)) | times])
    page = open_page(TRACES, signed_in)
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type('latency>1000ms -name:"slower step"')
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove filter latency > 1 s")).to_be_visible()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("slow step")
    expect(page.get_by_role("region", name="Volume")).to_contain_text("traces1")
    page.reload()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Remove filter name ≠ slower step").click()
    expect(rows(page)).to_have_count(2)


def test_an_unknown_field_and_an_open_quote_are_told_and_not_searched_for(traces: Page) -> None:
    bar = traces.get_by_role("combobox", name="Filter traces")
    for typed, told in (
        ("latncy>1000", "There is no field latncy. Fields: id, name, user"),
        ('name:"store-audit', "A quote is not closed"),
    ):
        bar.fill(typed)
        expect(traces.get_by_text(told)).to_be_visible()
        bar.press("Enter")
        expect(bar).to_have_value(typed)
    assert "search=" not in traces.url
    assert "name=" not in traces.url


def test_tab_completes_a_word_that_is_begun_and_otherwise_leaves_the_filter(traces: Page) -> None:
    bar = traces.get_by_role("combobox", name="Filter traces")
    bar.fill("err")
    bar.press("Tab")
    expect(bar).to_have_value("errors ")
    expect(bar).to_be_focused()
    bar.press("Tab")
    expect(bar).not_to_be_focused()


def test_a_search_without_a_hit_can_look_at_all_time_with_the_same_filter(
    open_page: OpenPage, signed_in: dict[str, Any]
) -> None:
    page = open_page(f"{TRACES}?search=nowhere", signed_in, viewport={"width": 360, "height": 740})
    expect(page.get_by_text("No trace matches this filter in this time.")).to_be_visible()
    for each in page.get_by_role("button", name=re.compile("^(Look|Search|Clear)")).all():
        box = each.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    page.get_by_role("button", name="Search all time").click()
    page.wait_for_url(re.compile("range=all"))
    assert "search=nowhere" in page.url
    expect(page.get_by_text("No trace matches this filter.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    expect(rows(page).first).to_be_visible()


def test_a_time_in_which_nothing_happened_speaks_of_no_filter(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page(f"{TRACES}?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z", signed_in)
    expect(page.get_by_text("No trace arrived in this time.")).to_be_visible()
    page.get_by_role("button", name="Show all time").click()
    expect(rows(page).first).to_be_visible()


def test_a_picture_that_is_missing_leaves_a_quiet_place(
    open_page: OpenPage, signed_in: dict[str, Any], sightline: Sightline
) -> None:
    page = open_page("/project/demo/keys", signed_in)
    page.route("**/media/**", lambda route: route.fulfill(content_type="image/png", body=b"no picture"))
    page.goto(TRACES)
    expect(rows(page).first.get_by_role("img", name="This image cannot be shown")).to_be_visible()


def test_every_column_of_the_first_view_is_on_a_screen_of_1024_pixels(
    open_page: OpenPage, signed_in: dict[str, Any]
) -> None:
    page = open_page(TRACES, signed_in, viewport={"width": 1024, "height": 700})
    expect(page.get_by_role("columnheader", name="Time")).to_be_in_viewport(ratio=1)
    expect(rows(page).first.get_by_title("chat sightline-tiny")).to_be_visible()


def test_a_list_is_found_again_where_it_was_left(traces: Page, sightline: Sightline) -> None:
    for number in range(45):
        sightline.send([span(f"step {number}", secrets.token_hex(16))])
    expect(rows(traces).first).to_contain_text("step 44")
    grid = traces.get_by_role("grid", name="Traces")
    grid.hover()
    traces.mouse.wheel(0, 400)
    traces.wait_for_function("document.querySelector('[role=grid]').scrollTop === 400")
    traces.get_by_role("link", name="Ask").first.click()
    traces.wait_for_url("**/project/demo/ask")
    expect(grid).to_have_count(0)
    traces.go_back()
    expect(grid).to_have_js_property("scrollTop", 400)
