"""Files in a trace as a person meets them: pictures are seen, sounds are heard, all else is opened or downloaded."""

import base64
import io
import json
import math
import secrets
import struct
import time
import wave
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from website import NARROW, OpenPage, Sightline, scene, span

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

INPUT = "langfuse.observation.input"
RATE_HZ = 8_000


def tone() -> bytes:
    """Half a second of 440 Hz, as WAV."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        heights = (math.sin(2 * math.pi * 440 * step / RATE_HZ) for step in range(RATE_HZ // 2))
        sound.writeframes(b"".join(struct.pack("<h", int(9_000 * height)) for height in heights))
    return buffer.getvalue()


def paper() -> bytes:
    """A PDF of one yellow page."""
    buffer = io.BytesIO()
    Image.new("RGB", (200, 280), (250, 220, 90)).save(buffer, "PDF")
    return buffer.getvalue()


PACKED = b"PK\x05\x06" + bytes(18)
"""A ZIP with nothing in it."""


def uri(content_type: str, content: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


def files(packed: str) -> list[dict[str, Any]]:
    """The messages of a question about one file of each kind; one came by another way, as a token."""
    content = [
        {"type": "text", "text": "What do these say?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{scene()}"}},
        {"type": "input_audio", "input_audio": {"data": uri("audio/wav", tone()), "format": "wav"}},
        {"type": "file", "file": {"file_data": uri("application/pdf", paper()), "filename": "bill.pdf"}},
        {"type": "file", "file": {"file_data": packed}},
        {"type": "file", "file": {"file_data": uri("video/mp4", b"no film at all" * 100)}},
    ]
    return [{"role": "user", "content": content}]


@pytest.fixture(scope="module")
def trace_id(sightline: Sightline) -> str:
    trace_id = secrets.token_hex(16)
    packed = sightline.upload("application/zip", PACKED, trace_id)
    # Some hours old: the newest trace of the shared server is for others to look at.
    begun_ns = time.time_ns() - 5 * 3_600 * 10**9
    times = {"startTimeUnixNano": str(begun_ns), "endTimeUnixNano": str(begun_ns + 80_000_000)}
    sightline.send([span("listen", trace_id, **{INPUT: json.dumps(files(packed))}) | times])
    return trace_id


def opened(open_page: OpenPage, signed_in: dict[str, Any], trace_id: str, **options: Any) -> Page:
    page = open_page(f"/project/demo/traces/{trace_id}", signed_in, **options)
    expect(page.get_by_role("group", name="Attached file")).to_have_count(4)
    return page


def card(page: Page, content_type: str) -> Locator:
    return page.get_by_role("group", name=f"Attached file, {content_type}")


def test_each_kind_of_file_is_shown_as_what_it_is(
    open_page: OpenPage, signed_in: dict[str, Any], trace_id: str
) -> None:
    page = opened(open_page, signed_in, trace_id)
    expect(page.get_by_role("img", name="Attached")).to_have_js_property("naturalWidth", 64)
    expect(card(page, "audio/wav").get_by_text("7.86 KB")).to_be_visible()
    expect(card(page, "application/zip").get_by_text("22 B")).to_be_visible()
    expect(card(page, "video/mp4").get_by_text("cannot play it")).to_be_visible()
    expect(page.get_by_text("This image cannot be shown")).to_have_count(0)
    expect(page.get_by_role("link", name="Open", exact=True)).to_have_count(1)
    expect(page.get_by_role("link", name="Download")).to_have_count(4)


def test_a_sound_knows_its_length_and_can_be_sought(
    open_page: OpenPage, signed_in: dict[str, Any], trace_id: str
) -> None:
    sound = opened(open_page, signed_in, trace_id).get_by_label("Attached audio")
    expect(sound).to_have_js_property("duration", 0.5)
    reached = sound.evaluate(
        "each => new Promise(done => { each.onseeked = () => done(each.currentTime); each.currentTime = 0.3 })"
    )
    assert reached == pytest.approx(0.3, abs=0.01)


def test_a_pdf_opens_in_a_tab_of_its_own(open_page: OpenPage, signed_in: dict[str, Any], trace_id: str) -> None:
    page = opened(open_page, signed_in, trace_id)
    with page.expect_popup() as opening:
        card(page, "application/pdf").get_by_role("link", name="Open").click()
    opening.value.wait_for_load_state()
    assert opening.value.evaluate("[document.contentType, window.opener]") == ["application/pdf", None]


def test_files_are_downloaded_under_a_name_with_their_extension(
    open_page: OpenPage, signed_in: dict[str, Any], trace_id: str
) -> None:
    page = opened(open_page, signed_in, trace_id)
    for content_type, suffix, content in (("audio/wav", ".wav", tone()), ("application/zip", ".zip", PACKED)):
        with page.expect_download() as downloading:
            card(page, content_type).get_by_role("link", name="Download").click()
        assert downloading.value.suggested_filename.endswith(suffix)
        assert Path(downloading.value.path()).read_bytes() == content


def test_a_picture_that_is_none_can_still_be_downloaded(
    open_page: OpenPage, sightline: Sightline, signed_in: dict[str, Any]
) -> None:
    sent = span("look", secrets.token_hex(16), **{INPUT: uri("image/png", b"no picture at all")})
    sightline.send([sent])
    page = open_page(f"/project/demo/traces/{sent['traceId']}", signed_in)
    expect(card(page, "image/png").get_by_text("This image cannot be shown")).to_be_visible()
    expect(card(page, "image/png").get_by_role("link", name="Download")).to_be_visible()


def test_cards_fit_a_phone(open_page: OpenPage, signed_in: dict[str, Any], trace_id: str) -> None:
    page = opened(open_page, signed_in, trace_id, viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    for each in page.get_by_role("group", name="Attached file").all():
        box = each.bounding_box()
        assert box
        assert box["x"] + box["width"] <= NARROW["width"]
