"""Ask without a model: the page's own part of it, before a model that this file plays."""

import base64
import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from website import OpenPage, scene

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

MODEL = {
    "id": "sightline-tiny",
    "name": "Sightline tiny",
    "description": "A small model.",
    "methods": [],
    "suggestions": ["How many digits are there?"],
}
DONE = {
    "answer": "three of them",
    "usage": {"inputTokens": 21, "outputTokens": 3},
    "timingsMs": {"encode": 20.0, "decode": 12.2, "looked": 33.1},
    "traceId": "0123456789abcdef0123456789abcdef",
    "observationId": None,
    "looked": None,
}


def ask_page(open_page: OpenPage, signed_in: dict[str, Any]) -> Page:
    page = open_page("/sign-in", signed_in)
    page.route("**/models", lambda route: route.fulfill(json={"data": [MODEL]}))
    page.route("**/samples", lambda route: route.fulfill(json={"data": []}))
    page.route("**/ask", said)
    page.goto("/project/demo/ask")
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    return page


def said(route: Route) -> None:
    """The page's address ends like that of the question, which is posted."""
    if route.request.method != "POST":
        route.continue_()
        return
    route.fulfill(content_type="text/event-stream", body=f"event: done\ndata: {json.dumps(DONE)}\n\n")


def choose(page: Page, name: str, content: bytes) -> None:
    page.get_by_label("Image file").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def test_image_and_answers_outlive_leaving_the_page_and_a_reload(
    open_page: OpenPage, signed_in: dict[str, Any]
) -> None:
    page = ask_page(open_page, signed_in)
    expect(page).to_have_title("Ask · Sightline")
    choose(page, "scene.png", base64.b64decode(scene()))
    page.get_by_role("button", name="How many digits are there?").click()
    expect(page.get_by_text("three of them")).to_be_visible()
    expect(page.get_by_text("65.3 ms in all")).to_be_visible()
    page.get_by_role("link", name="Traces", exact=True).click()
    page.wait_for_url("**/traces**")
    page.go_back()
    expect(page.get_by_text("three of them")).to_be_visible()
    page.reload()
    expect(page.get_by_text("three of them")).to_be_visible()
    expect(page.get_by_role("img", name="The image in question")).to_be_visible()
    page.get_by_role("button", name="Describe").click()
    expect(page.get_by_text("three of them")).to_have_count(2)


def test_a_file_that_only_claims_to_be_an_image_is_refused_when_it_is_chosen(
    open_page: OpenPage, signed_in: dict[str, Any]
) -> None:
    page = ask_page(open_page, signed_in)
    choose(page, "broken.png", b"not a picture")
    expect(page.get_by_role("alert")).to_have_text(
        re.compile(r"broken\.png cannot be read as an image: choose a PNG, JPEG, WebP or GIF image\.")
    )
    expect(page.get_by_role("img", name="The image in question")).to_have_count(0)
