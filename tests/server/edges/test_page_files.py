"""Files on the pages: told by HEAD, played by ranges, and never run."""

import base64
import re
from typing import Any

import httpx2
import pytest

from server.edges.running_site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOUND = bytes(range(256)) * 40
PAPER = b"%PDF-1.7\n%%EOF\n"
SCRIPT = b"<script>alert(document.cookie)</script>"
SANDBOX = "sandbox; default-src 'none'"


async def stored(site: Site, content: bytes, content_type: str) -> str:
    """The address of a file that came inside a span."""
    uri = f"data:{content_type};base64,{base64.b64encode(content).decode()}"
    sent = await site.send({"langfuse.observation.input": uri})
    observation = await site.get(f"/observations/{sent.span_id}")
    found = re.search(r"\|id=([\w-]+)\|", observation["input"])
    assert found, observation["input"]
    return f"/api/web/projects/here/media/{found[1]}"


async def test_the_size_of_a_file_is_told_without_its_content(site: Site, ada: httpx2.AsyncClient):
    address = await stored(site, SOUND, "audio/wav")
    told = await ada.head(address)
    assert (told.status_code, told.content) == (200, b"")
    assert (told.headers["content-length"], told.headers["content-type"]) == (str(len(SOUND)), "audio/wav")
    assert (await ada.head("/api/web/projects/here/media/none")).status_code == 404
    assert (await ada.head(address.replace("here", "elsewhere"))).status_code in (403, 404)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, 10_239),
        ("bytes=100-199", 100, 199),
        ("bytes=10000-99999", 10_000, 10_239),
        ("bytes=-40", 10_200, 10_239),
        ("bytes=-99999", 0, 10_239),
    ],
)
async def test_a_player_seeks_by_ranges(site: Site, ada: httpx2.AsyncClient, asked: str, first: int, last: int):
    answer = await ada.get(await stored(site, SOUND, "audio/wav"), headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (206, f"bytes {first}-{last}/{len(SOUND)}")
    assert answer.content == SOUND[first : last + 1]
    assert answer.headers["content-type"] == "audio/wav"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=-", "bytes=9-3", "lines=1-2", "bytes=a-b"])
async def test_a_range_that_cannot_be_read_is_the_whole_file(site: Site, ada: httpx2.AsyncClient, asked: str):
    answer = await ada.get(await stored(site, SOUND, "audio/wav"), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, SOUND)


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=-0"])
async def test_a_range_outside_of_the_file_is_refused_with_its_length(site: Site, ada: httpx2.AsyncClient, asked: str):
    answer = await ada.get(await stored(site, SOUND, "audio/wav"), headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10240")


async def test_a_range_of_another_file_than_before_is_the_whole_one(site: Site, ada: httpx2.AsyncClient):
    address = await stored(site, SOUND, "audio/wav")
    etag = (await ada.get(address)).headers["etag"]
    asked = {"Range": "bytes=0-9"}
    assert (await ada.get(address, headers=asked | {"If-Range": etag})).status_code == 206
    for other in ('"another"', f"W/{etag}", "Tue, 01 Dec 2026 00:00:00 GMT"):
        answer = await ada.get(address, headers=asked | {"If-Range": other})
        assert (answer.status_code, answer.content) == (200, SOUND)


@pytest.mark.parametrize(
    ("content", "content_type", "disposition"),
    [
        (SOUND, "audio/wav", r'attachment; filename="[\w-]{22}\.wav"'),
        (SCRIPT, "application/pdf", r'attachment; filename="[\w-]{22}\.pdf"'),
        (b"<svg onload='alert(1)'/>", "image/svg+xml", r'attachment; filename="[\w-]{22}\.svg"'),
    ],
)
async def test_what_a_browser_might_run_is_a_download_in_a_sandbox(
    site: Site, ada: httpx2.AsyncClient, content: bytes, content_type: str, disposition: str
):
    for headers in ({}, {"Range": "bytes=0-"}):
        answer = await ada.get(await stored(site, content, content_type), headers=headers)
        assert answer.content == content
        assert re.fullmatch(disposition, answer.headers["content-disposition"])
        assert answer.headers["content-security-policy"] == SANDBOX
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_pdf_opens_in_a_tab_without_anything_from_our_origin(site: Site, ada: httpx2.AsyncClient):
    answer = await ada.get(await stored(site, PAPER, "application/pdf"))
    policy: dict[str, Any] = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert answer.headers["content-disposition"].startswith("inline; filename=")
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "script-src" not in policy
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("application/pdf", "nosniff")
