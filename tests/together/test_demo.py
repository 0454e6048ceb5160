"""The first five minutes: `sightline demo` as a newcomer would run it, up to a question asked on the page."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from together.pages.website import FLAGS, MAP, PATIENCE_MS, WIDE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PORT = "23400"
"""The next free one is taken where it is not."""


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sign-in link that a running demo printed; SIGTERM ends it without a complaint, as Ctrl-C would."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "sightline.cli", "demo", "--no-open", "--data-dir", str(folder), "--port", PORT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        found = (re.search(r"http://127\.0\.0\.1:\d+/sign-in#token=\S+", line) for line in process.stdout)
        first = next((each.group() for each in found if each), None)
        assert first, process.stderr.read()
        yield first
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def page(link: str) -> Iterator[Page]:
    """A browser signed in by the link, on which any error of a script fails the test."""
    with sync_playwright() as playwright:
        assert Path("/usr/bin/chromium").exists()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport=WIDE, locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
        page.set_default_timeout(PATIENCE_MS)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(link)
        page.wait_for_url("**/traces**")
        yield page
        browser.close()
        assert problems == []


def test_the_first_questions_are_there_as_traces(page: Page):
    expect(page.get_by_role("row").filter(has_text="chat sightline-tiny")).to_have_count(9)


def test_a_question_is_answered_and_its_words_show_where_the_model_looked(page: Page):
    page.goto(f"{page.url.partition('/traces')[0]}/ask")
    page.get_by_role("button", name=re.compile("^Sample ")).first.click()
    page.get_by_role("button", name=re.compile("^How many digits")).first.click()
    expect(page.get_by_role("link", name="Open trace")).to_have_count(1)
    page.get_by_role("button", name="Describe", exact=True).click()
    expect(page.get_by_role("link", name="Open trace")).to_have_count(2)
    expect(page.get_by_text("preprocess").first).to_be_visible()
    words = page.get_by_role("toolbar", name=re.compile("Words of the answer")).last.get_by_role("button")
    maps = set()
    for word in words.all():
        word.hover()
        page.wait_for_timeout(200)
        maps.add(page.evaluate(MAP))
    assert len(maps) > 1


def test_its_trace_is_one_click_away_with_every_stage(page: Page):
    page.get_by_role("link", name="Open trace").last.click()
    page.wait_for_url("**/traces/**")
    for stage in ("preprocess", "vision_encoder", "bridge", "prefill", "decode"):
        expect(page.get_by_role("treeitem", name=re.compile(stage))).to_be_visible()
    expect(page.get_by_test_id("looked-map")).to_be_visible()


def test_new_traces_arrived_in_the_list(page: Page):
    page.goto(f"{page.url.partition('/traces')[0]}/traces")
    expect(page.get_by_role("row").filter(has_text="chat sightline-tiny")).to_have_count(11)
