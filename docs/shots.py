"""Takes the screenshots under docs/shots from a real demo: `make shots`.

Starts `sightline demo` on a fresh folder, signs in by the link it prints, asks the tiny model about a held-out scene on
the Ask page, and photographs what a person would see, light, dark and on a phone.
"""

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

SHOTS = Path(__file__).parent / "shots"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-color-profile=srgb"
).split()
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
expect.set_options(timeout=60_000)


@contextmanager
def demo() -> Iterator[str]:
    """A running demo; gives its one-time sign-in link."""
    with tempfile.TemporaryDirectory(prefix="shots-") as folder:
        command = [sys.executable, "-m", "sightline.cli", "demo", "--no-open", "--data-dir", folder, "--port", "3400"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield link_of(process)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def link_of(process: "subprocess.Popen[str]") -> str:
    """The link among the lines the demo prints."""
    for line in process.stdout or ():
        if found := re.search(r"http://\S+/sign-in#token=\S+", line):
            return found.group()
    raise SystemExit("the demo ended without printing a sign-in link")


def opened(browser: Browser, state: Any = None, **options: Any) -> Page:
    """A page in a profile of its own, in one time zone and language."""
    context = browser.new_context(
        **{"viewport": WIDE, "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce", **options},
        storage_state=state,
    )
    return context.new_page()


def ask(page: Page, link: str, place: int, question: str | None = None) -> None:
    """Asks about a held-out sample: the suggestion that starts with `question`, if any, and for a description."""
    page.goto(f"{link.partition('/sign-in')[0]}/project/demo/ask")
    page.get_by_role("button", name=re.compile("^Sample ")).nth(place).click()
    expect(page.get_by_role("textbox", name="Question")).to_be_visible()
    for button in ["Describe"] if question is None else [question, "Describe"]:
        before = page.get_by_role("link", name="Open trace").count()
        page.get_by_role("button", name=re.compile(f"^{button}")).first.click()
        expect(page.get_by_role("link", name="Open trace")).to_have_count(before + 1)


def point(page: Page, word: int) -> None:
    """Points at a word of the last answer, so that its map lies over the image."""
    words = page.get_by_role("toolbar", name=re.compile("Words of the answer")).last.get_by_role("button")
    words.nth(min(word, words.count() - 1)).hover()
    page.wait_for_timeout(300)


def take(browser: Browser, link: str) -> None:
    """Every screenshot, in the order a newcomer would see the pages."""
    first = opened(browser)
    first.goto(link)
    first.wait_for_url("**/traces**")
    state = first.context.storage_state()
    first.context.close()
    for theme, suffix in (("light", ""), ("dark", "-dark")):
        page = opened(browser, state, color_scheme=theme)
        ask(page, link, place=3 if theme == "light" else 0, question="How many digits" if theme == "light" else None)
        point(page, 2)
        page.screenshot(path=SHOTS / f"ask{suffix}.png")
        page.get_by_role("link", name="Open trace").last.click()
        page.wait_for_url("**/traces/**")
        point(page, 2)
        page.screenshot(path=SHOTS / f"trace{suffix}.png")
        page.goto(f"{link.partition('/sign-in')[0]}/project/demo/traces")
        expect(page.get_by_role("row").nth(3)).to_be_visible()
        page.wait_for_timeout(1_500)  # charts load apart
        page.screenshot(path=SHOTS / f"traces{suffix}.png")
        page.context.close()
    phone = opened(browser, state, viewport=PHONE)
    ask(phone, link, place=2)
    phone.screenshot(path=SHOTS / "ask-phone.png")
    phone.context.close()


def main() -> None:
    SHOTS.mkdir(exist_ok=True)
    with demo() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        take(browser, link)
        browser.close()


if __name__ == "__main__":
    main()
