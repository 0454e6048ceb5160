"""The pages in a real Chromium, before a real server that real spans were sent to. Any console error fails a test."""

import base64
import io
import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CHROMIUM = Path("/usr/bin/chromium")
STATIC = Path(__file__).parents[2] / "src/sightline/server/edges/web/static"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-color-profile=srgb"
).split()
PUBLIC_KEY, SECRET_KEY = "pk-lf-pages", "sk-lf-pages-0123456789abcdef0123456789abcdef"
EMAIL, PASSWORD = "ada@example.org", "a long enough password"
PATIENCE_MS = 60_000
MOST_SCRIPT_BYTES = 200_000
WIDE = {"width": 1440, "height": 900}
MAP = "document.querySelector('[data-testid=looked-map]').toDataURL()"
NARROW = {"width": 360, "height": 740}

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Sightline:
    """A running server, and the one-time link it printed."""

    address: str
    link: str

    def send(self, spans: list[dict[str, Any]]) -> None:
        """OTLP as JSON, as any exporter would post it; returns when the spans are stored."""
        body = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "tests"}, "spans": spans}]}]}
        key = base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
        request = urllib.request.Request(
            f"{self.address}/api/public/otel/v1/traces",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Basic {key}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_MS / 1000) as response:
            assert response.status == 200


def span(name: str, trace_id: str, parent_id: str = "", **attributes: str | int) -> dict[str, Any]:
    """A span of 80 ms that has just ended."""
    now_ns = time.time_ns()
    values = [
        {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}
        for key, value in attributes.items()
    ]
    return {
        "traceId": trace_id,
        "spanId": secrets.token_hex(8),
        "parentSpanId": parent_id,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(now_ns - 80_000_000),
        "endTimeUnixNano": str(now_ns),
        "attributes": values,
        "status": {},
    }


def scene() -> str:
    """A small picture with a bright left half, as base64 of a PNG."""
    picture = Image.new("RGB", (64, 64), (20, 24, 28))
    picture.paste((230, 70, 60), (6, 20, 26, 44))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def grid(row: int, column: int) -> list[list[float]]:
    """All attention on one of 8 × 8 patches."""
    return [[float((y, x) == (row, column)) for x in range(8)] for y in range(8)]


def answer(words: str, question: str = "what is on the left?") -> list[dict[str, Any]]:
    """The spans of one answer: a generation with its picture and its maps, and a step under it."""
    trace_id = secrets.token_hex(16)
    parts = [
        {"type": "blob", "mime_type": "image/png", "modality": "image", "content": scene()},
        {"type": "text", "content": question},
    ]
    maps = [{"text": word, "grid": grid(3, place % 8)} for place, word in enumerate(re.findall(r"\s?\S+", words))]
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "sightline-tiny",
        "gen_ai.usage.input_tokens": 21,
        "gen_ai.usage.output_tokens": len(maps),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": parts}]),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": words}], "finish_reason": "stop"}]
        ),
        "sightline.looked": json.dumps({"method": "gradient", "words": maps}),
    }
    generation = span("chat sightline-tiny", trace_id, **attributes)
    return [generation, span("encode", trace_id, generation["spanId"])]


@pytest.fixture(scope="module")
def sightline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sightline]:
    """A server process of its own on a free port, seeded as a script would, with two answers in it."""
    if not (STATIC / "index.html").exists():
        pytest.fail(f"the pages are not built: {STATIC} holds no index.html. Run `make web`", pytrace=False)
    seeds = {
        "ORG_ID": "acme",
        "PROJECT_ID": "demo",
        "PROJECT_NAME": "Demo",
        "PROJECT_PUBLIC_KEY": PUBLIC_KEY,
        "PROJECT_SECRET_KEY": SECRET_KEY,
        "USER_EMAIL": EMAIL,
        "USER_NAME": "Ada",
        "USER_PASSWORD": PASSWORD,
    }
    environment = {**os.environ, **{f"SIGHTLINE_INIT_{name}": value for name, value in seeds.items()}}
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "sightline.cli", "server", "--port", "0", "--data-dir", str(folder / "data")]
    with (
        (folder / "errors.txt").open("w+") as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            running = Sightline(*announced(process, errors.name))
            running.send(answer("a red seven left"))
            running.send(answer("two", "how many digits are there?"))
            yield running
        finally:
            process.terminate()
            process.wait(30)


def announced(process: subprocess.Popen[str], errors: str) -> tuple[str, str]:
    """The address and the one-time link, from what the server prints when it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"(http://\S+)/sign-in#token=\S+", line):
            return found[1], found[0]
    return pytest.fail(f"the server printed no sign-in link: {Path(errors).read_text()}", pytrace=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"the page tests need Chromium at {CHROMIUM}: run `make test`, which installs it", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, sightline: Sightline) -> dict[str, Any]:
    """The cookies of a person who signed in with their password."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{sightline.address}/sign-in", timeout=PATIENCE_MS)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/traces**", timeout=PATIENCE_MS)
    state: dict[str, Any] = dict(context.storage_state())
    context.close()
    return state


def is_complaint(said: ConsoleMessage) -> bool:
    """Chromium also writes down each 401, which is how the server says who is not signed in."""
    return said.type in ("error", "warning") and "status of 401" not in said.text


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, sightline: Sightline) -> Iterator[OpenPage]:
    """Opens an address in a fresh profile; at the end nothing may have been written to any console."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def opened(address: str, state: dict[str, Any] | None = None, **options: Any) -> Page:
        settled = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce", **options}
        context = browser.new_context(storage_state=state, base_url=sightline.address, **settled)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def rows(page: Page) -> Any:
    return page.locator("[role=row][id^=trace-]")


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


def test_a_one_time_link_signs_in_and_leads_to_the_traces(open_page: OpenPage, sightline: Sightline) -> None:
    page = open_page(sightline.link)
    page.wait_for_url("**/project/demo/traces**")
    expect(rows(page).first).to_contain_text("chat sightline-tiny")
    assert "token" not in page.url


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
