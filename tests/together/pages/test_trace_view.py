"""A trace as a person reads it: what is open follows what arrives, and nothing that was recorded is hidden."""

import json
import re
import secrets
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from website import NARROW, OpenPage, Sightline, answer, now, rows, scene, span

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

INPUT = "langfuse.observation.input"
OUTPUT = "langfuse.observation.output"


def open_trace(open_page: OpenPage, signed_in: dict[str, Any], trace_id: str, **options: Any) -> Page:
    page = open_page(f"/project/demo/traces/{trace_id}", signed_in, **options)
    expect(page.get_by_role("tree")).to_be_visible()
    return page


def shown(page: Page) -> Locator:
    return page.get_by_role("region", name="Observation")


def test_the_open_observation_follows_what_arrives(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    trace_id, generation_id = secrets.token_hex(16), secrets.token_hex(8)
    messages = [{"role": "user", "content": "tell me more"}]
    sightline.ingest(
        "generation-create", id=generation_id, traceId=trace_id, name="slow", startTime=now(), input=messages
    )
    page = open_page(f"/project/demo/traces?peek={trace_id}&observation={generation_id}", signed_in)
    expect(shown(page).get_by_text("Still running", exact=True)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    reply = {"role": "assistant", "content": "here is more"}
    sightline.ingest("generation-update", id=generation_id, traceId=trace_id, endTime=now(), output=reply)
    expect(shown(page).get_by_text("here is more")).to_be_visible()
    expect(shown(page).get_by_text("Still running")).to_have_count(0)
    score = {"traceId": trace_id, "observationId": generation_id, "name": "helpful", "value": 0.93}
    sightline.post("/api/public/scores", score)
    expect(shown(page).get_by_text("helpful")).to_be_visible()


def test_records_with_roles_are_no_conversation_and_a_request_shows_all_it_says(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    people = [{"name": "Ann", "role": "CEO", "email": "ann@example.org"}]
    messages = [
        {"role": "user", "name": "Ben", "content": "weather?"},
        {"role": "tool", "tool_call_id": "call_1", "content": "18"},
    ]
    request = {"messages": messages, "tools": [{"name": "get_weather"}], "temperature": 0.25}
    sent = span("extract", secrets.token_hex(16), **{INPUT: json.dumps(request), OUTPUT: json.dumps(people)})
    sightline.send([sent])
    page = open_trace(open_page, signed_in, sent["traceId"])
    shown(page).get_by_role("button", name="0: {1}").click()
    for text in ("Ben", "call_1", "get_weather", "0.25", "ann@example.org", "CEO"):
        expect(shown(page).get_by_text(text).first).to_be_visible()


def test_an_image_in_a_json_field_is_shown_as_a_picture(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    deep = {"rounds": [{"sides": [{"image": f"data:image/png;base64,{scene()}", "q": "what is red?"}]}]}
    sent = span("look", secrets.token_hex(16), **{INPUT: json.dumps(deep)})
    sightline.send([sent])
    page = open_trace(open_page, signed_in, sent["traceId"])
    expect(shown(page).get_by_role("img", name="Attached")).to_have_js_property("naturalWidth", 64)
    expect(shown(page).get_by_text("@@@langfuseMedia")).to_have_count(0)


def test_markdown_is_shown_as_it_is_meant_and_raw_as_it_was_written(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    text = "Be **brief**.\n\n- one\n- two <b>too</b>\n\n[source](https://example.org/a)"
    sent = span("advise", secrets.token_hex(16), **{INPUT: text})
    sightline.send([sent])
    page = open_trace(open_page, signed_in, sent["traceId"])
    expect(shown(page).get_by_role("strong")).to_have_text("brief")
    expect(shown(page).get_by_role("listitem")).to_have_count(2)
    expect(shown(page).get_by_text("two <b>too</b>")).to_be_visible()
    expect(shown(page).get_by_role("link", name="source")).to_have_attribute("href", "https://example.org/a")
    shown(page).get_by_role("button", name="Raw").click()
    expect(shown(page).locator("pre")).to_have_text(text)


def test_thirty_levels_are_each_indented_and_readable(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    trace_id, above = secrets.token_hex(16), ""
    spans = []
    for level in range(30):
        spans.append(span(f"level {level}: a step", trace_id, above, **{"gen_ai.usage.input_tokens": 12_345_678}))
        above = spans[-1]["spanId"]
    sightline.send(spans)
    page = open_trace(open_page, signed_in, trace_id)
    names = page.get_by_role("treeitem").get_by_text(re.compile("^level"))
    expect(names).to_have_count(30)
    boxes = [each.bounding_box() for each in names.all()]
    lefts = [box["x"] for box in boxes if box]
    assert lefts == sorted(set(lefts))
    assert all(box["width"] >= 60 for box in boxes if box)
    number = page.get_by_role("treeitem").first.get_by_title("12,345,678 tokens")
    expect(number).to_have_text("12.3 M")
    assert number.evaluate("each => each.scrollWidth <= each.clientWidth")


@pytest.mark.parametrize("can_copy", [True, False])
def test_copying_without_a_clipboard_works_or_says_that_it_did_not(
    open_page: OpenPage, signed_in: dict[str, Any], can_copy: bool
) -> None:
    page = open_page("/sign-in", signed_in)
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "addEventListener('copy', () => { window.copied = String(document.activeElement.value) });"
        + ("" if can_copy else "document.execCommand = () => false;")
    )
    page.goto("/project/demo/keys")
    page.get_by_role("button", name="Make a key").click()
    copy = page.get_by_role("button", name=re.compile("Copy Your new key pair"))
    copy.click()
    if can_copy:
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert "LANGFUSE_SECRET_KEY" in page.evaluate("window.copied")
    else:
        expect(page.get_by_role("alert")).to_contain_text("Not copied")


def test_a_header_with_long_ids_and_many_scores_stays_short(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    user = "user-" + "0123456789abcdef" * 10
    sent = span("long", secrets.token_hex(16), **{"langfuse.user.id": user, "langfuse.session.id": "s" * 150})
    sightline.send([sent])
    for number in range(33):
        sightline.post("/api/public/scores", {"traceId": sent["traceId"], "name": f"metric-{number}", "value": 0.5})
    page = open_trace(open_page, signed_in, sent["traceId"], viewport=NARROW)
    more = page.get_by_role("button", name=re.compile(r"^\+\d+ more$"))
    expect(more).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    assert page.get_by_role("main").locator("header").first.evaluate("each => each.offsetHeight") < 220
    more.click()
    expect(page.get_by_role("button", name="Fewer scores")).to_be_visible()
    expect(page.get_by_text("metric-32")).to_be_in_viewport()
    page.get_by_role("link", name=user).click()
    expect(rows(page)).to_have_count(1)
    assert f"userId={user}" in page.url


def test_a_stack_trace_keeps_its_lines_and_opens_in_full(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    lines = [f'  File "app.py", line {number}' for number in range(20)]
    sent = span("failing", secrets.token_hex(16))
    sent["status"] = {"code": 2, "message": "\n".join(["ValueError: no", *lines])}
    sightline.send([sent])
    page = open_trace(open_page, signed_in, sent["traceId"])
    message = shown(page).locator("pre").filter(has_text="ValueError: no")
    expect(message).to_have_css("white-space", "pre-wrap")
    expect(message).not_to_contain_text("line 19")
    shown(page).get_by_role("button", name="Show 9 more lines").click()
    expect(message).to_contain_text('\n  File "app.py", line 19')


def test_the_slide_over_takes_the_focus_and_gives_it_back(open_page: OpenPage, signed_in: dict[str, Any]) -> None:
    page = open_page("/project/demo/traces", signed_in)
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("Enter")
    beside = page.get_by_role("complementary", name="Trace")
    expect(beside).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("Copied|Not copied"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(beside).to_have_count(0)
    expect(page.get_by_role("grid", name="Traces")).to_be_focused()


def test_right_to_left_texts_read_from_their_side(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    sent = span("greet", secrets.token_hex(16), **{INPUT: "שלום עולם."})
    sightline.send([sent])
    page = open_trace(open_page, signed_in, sent["traceId"])
    text = shown(page).get_by_text("שלום עולם.")
    assert text.evaluate("each => getComputedStyle(each).direction") == "rtl"


def test_the_page_of_a_trace_is_named_and_leads_back(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    spans = answer("a named seven")
    sightline.send(spans)
    page = open_trace(open_page, signed_in, spans[0]["traceId"])
    expect(page).to_have_title("chat sightline-tiny · Sightline")
    page.get_by_role("main").get_by_role("link", name="Traces", exact=True).click()
    expect(rows(page).first).to_be_visible()
    expect(page).not_to_have_title(re.compile("chat"))


def test_what_cannot_be_told_is_not_told(open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]) -> None:
    trace_id = secrets.token_hex(16)
    sightline.ingest("trace-create", id=trace_id, name="no spans", input="q")
    page = open_trace(open_page, signed_in, trace_id)
    expect(page.get_by_role("main").locator("header").first).to_contain_text("Duration–")
    ahead = span("ahead", secrets.token_hex(16))
    ahead_ns = time.time_ns() + 3 * 86_400_000_000_000
    ahead |= {"startTimeUnixNano": str(ahead_ns), "endTimeUnixNano": str(ahead_ns + 1_000_000)}
    sightline.send([ahead])
    page = open_trace(open_page, signed_in, ahead["traceId"])
    expect(page.locator("time").first).not_to_have_text("now")
