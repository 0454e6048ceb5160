"""Every page test gets a server of its own module, a Chromium, and pages whose console must stay empty."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from website import (
    CHROMIUM,
    EMAIL,
    FLAGS,
    PASSWORD,
    PATIENCE_MS,
    PUBLIC_KEY,
    SECRET_KEY,
    STATIC,
    WIDE,
    OpenPage,
    Sightline,
    answer,
)

expect.set_options(timeout=PATIENCE_MS)


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
    environment["SIGHTLINE_SIGN_IN_LIMIT"] = "1000/minute"  # all tests come from one address
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "sightline.cli", "server", "--port", "0", "--data-dir", str(folder / "data")]
    with (
        (folder / "errors.txt").open("w+") as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            running = Sightline(announced(process, errors.name), folder / "data")
            running.send(answer("a red seven left"))
            running.send(answer("two", "how many digits are there?"))
            yield running
        finally:
            process.terminate()
            process.wait(30)


def announced(process: subprocess.Popen[str], errors: str) -> str:
    """The address, from what the server prints when it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r" at (http://\S+)", line):
            return found[1]
    return pytest.fail(f"the server printed no address: {Path(errors).read_text()}", pytrace=False)


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


@pytest.fixture
def refusals() -> tuple[int, ...]:
    """Statuses that a page may be answered; Chromium writes each down. 401 is how the server says who is signed out."""
    return (401,)


def is_complaint(said: ConsoleMessage, refusals: tuple[int, ...]) -> bool:
    refused = any(f"status of {status}" in said.text for status in refusals)
    return said.type in ("error", "warning") and not refused


@pytest.fixture
def open_page(browser: Browser, sightline: Sightline, refusals: tuple[int, ...]) -> Iterator[OpenPage]:
    """Opens an address in a fresh profile; at the end nothing may have been written to any console."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def opened(address: str, state: dict[str, Any] | None = None, **options: Any) -> Page:
        settled = {"viewport": WIDE, "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce", **options}
        context = browser.new_context(storage_state=state, base_url=sightline.address, **settled)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said, refusals) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
