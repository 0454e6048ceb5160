"""Nothing is missed: neither what comes while a page loads nor what comes before its stream is open."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from website import OpenPage, Sightline, answer, rows, span

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TRACES = "/project/demo/traces"
UNTIL_THE_HINT_HAS_COME_MS = 1_500


@pytest.fixture
def page(open_page: OpenPage, signed_in: dict[str, Any]) -> Page:
    """A page that shows nothing live yet."""
    page = open_page("/project/demo/keys", signed_in)
    expect(page.get_by_role("heading", name="keys")).to_be_visible()
    return page


def answered_before(page: Page, address: str, happens: Callable[[], None]) -> None:
    """The first answer to the address is made before something happens, and arrives after its hint."""

    def late(route: Route) -> None:
        response = route.fetch()
        happens()
        page.wait_for_timeout(UNTIL_THE_HINT_HAS_COME_MS)
        route.fulfill(response=response)

    page.route(re.compile(address), late, times=1)


def test_a_trace_that_came_while_the_list_was_loading_is_shown(page: Page, sightline: Sightline) -> None:
    answered_before(page, r"/api/web/.+/traces\?", lambda: sightline.send(answer("a word from meanwhile")))
    page.goto(TRACES)
    expect(rows(page).first).to_contain_text("a word from meanwhile")


def test_a_trace_that_came_while_the_charts_were_loading_is_counted(page: Page, sightline: Sightline) -> None:
    answered_before(page, "/api/web/.+/traces/series", lambda: sightline.send(answer("a word to count")))
    page.goto(TRACES)
    expect(rows(page).first).to_contain_text("a word to count")
    listed = page.get_by_role("grid").get_attribute("aria-rowcount")
    expect(page.get_by_role("region", name="Volume")).to_contain_text(f"traces{listed}")


def test_a_step_that_came_while_its_trace_was_loading_is_shown(page: Page, sightline: Sightline) -> None:
    first = answer("a word with a step to come")
    trace_id, root_id = first[0]["traceId"], first[0]["spanId"]
    sightline.send(first)
    late = [span("a late step", trace_id, root_id)]
    answered_before(page, f"/api/web/.+/traces/{trace_id}", lambda: sightline.send(late))
    page.goto(f"{TRACES}/{trace_id}")
    expect(page.get_by_role("tree")).to_contain_text("a late step")


def test_a_trace_that_came_before_the_stream_was_open_is_shown(page: Page, sightline: Sightline) -> None:
    held: list[Route] = []
    page.route("**/live", lambda route: held.append(route))  # noqa: PLW0108 - Playwright counts a handler's parameters
    page.goto(TRACES)
    expect(rows(page).first).to_be_visible()
    sightline.send(answer("a word before the stream"))
    held[0].continue_()
    expect(rows(page).first).to_contain_text("a word before the stream")
