"""Media through Langfuse's flow: announced, uploaded to a signed address, read back from another."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.edges.running_site import HERE, Site
from sightline.server.runtime.clock import clock

pytestmark = pytest.mark.asyncio(loop_scope="module")


def announcement(content: bytes, **more: Any) -> dict[str, Any]:
    return {
        "contentType": "image/png",
        "contentLength": len(content),
        "sha256Hash": base64.b64encode(hashlib.sha256(content).digest()).decode(),
        "field": "input",
        "traceId": "t",
        **more,
    }


async def announced(site: Site, content: bytes, **more: Any) -> Any:
    answer = await site.client.post("/api/public/media", json=announcement(content, **more), headers=HERE)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_file_goes_in_by_one_signed_address_and_out_by_another(site: Site):
    content = b"not really a picture"
    first = await announced(site, content)
    sha256 = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
    assert first["mediaId"] == sha256[:22]
    assert (await site.client.get(f"/api/public/media/{first['mediaId']}", headers=HERE)).status_code == 404
    assert (await site.client.put(first["uploadUrl"], content=content)).status_code == 200
    finished = {"uploadedAt": "2026-01-01T00:00:00Z", "uploadHttpStatus": 200, "uploadTimeMs": 3}
    patched = await site.client.patch(f"/api/public/media/{first['mediaId']}", json=finished, headers=HERE)
    assert patched.status_code == 204
    media = await site.get(f"/media/{first['mediaId']}")
    assert (media["contentType"], media["contentLength"]) == ("image/png", len(content))
    assert media["urlExpiry"].endswith("Z")
    assert (await site.client.get(media["url"])).content == content
    assert (await announced(site, content))["uploadUrl"] is None


async def test_a_file_of_a_dataset_item_is_found_from_the_items_text(site: Site):
    content = b"what the item shows"
    place = {"traceId": None, "datasetId": "d", "datasetItemId": "i", "field": "expectedOutput"}
    first = await announced(site, content, **place)
    token = f"@@@langfuseMedia:type=image/png|id={first['mediaId']}|source=bytes@@@"
    await site.client.post("/api/public/v2/datasets", json={"name": "shown"}, headers=HERE)
    item = {"datasetName": "shown", "id": "i", "input": "none", "expectedOutput": {"pictures": [token, "it's"]}}
    before = await site.client.post("/api/public/dataset-items", json=item, headers=HERE)
    assert before.json()["mediaReferences"] == []
    await site.client.put(first["uploadUrl"], content=content)
    [reference] = (await site.get("/dataset-items/i"))["mediaReferences"]
    assert (reference["field"], reference["referenceString"]) == ("expectedOutput", token)
    assert (reference["jsonPath"], reference["media"]["contentLength"]) == ("$['pictures'][0]", len(content))
    assert (await site.client.get(reference["media"]["url"])).content == content


async def test_bytes_that_are_not_what_was_announced_are_refused(site: Site):
    first = await announced(site, b"announced")
    answer = await site.client.put(first["uploadUrl"], content=b"different")
    assert answer.status_code in (400, 422)
    assert "message" in answer.json()


async def test_an_address_works_for_its_file_its_verb_and_its_hour(site: Site):
    first = await announced(site, b"a file")
    url = first["uploadUrl"]
    other = await announced(site, b"another file")
    assert (await site.client.put(url.replace(first["mediaId"], other["mediaId"]), content=b"x")).status_code == 403
    assert (await site.client.put(url.replace("project=here", "project=elsewhere"), content=b"x")).status_code == 403
    assert (await site.client.get(url)).status_code == 403
    later = datetime.now(UTC) + timedelta(hours=2)
    with clock(lambda: later):
        assert (await site.client.put(url, content=b"a file")).status_code == 403


async def test_only_pictures_are_shown_in_place(site: Site):
    page = b"<script>alert(1)</script>"
    first = await announced(site, page, contentType="text/html")
    await site.client.put(first["uploadUrl"], content=page)
    answer = await site.client.get((await site.get(f"/media/{first['mediaId']}"))["url"])
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "wrong",
    [
        {"contentType": "application/x-msdownload"},
        {"contentLength": 0},
        {"contentLength": 2_000_001},
        {"sha256Hash": "short"},
        {"field": "elsewhere"},
        {"traceId": ""},
        {"traceId": None},
        {"datasetId": "d", "datasetItemId": "i"},
        {"field": "expectedOutput"},
    ],
)
async def test_a_wrong_announcement_is_refused(site: Site, wrong: dict[str, Any]):
    answer = await site.client.post("/api/public/media", json=announcement(b"x", **wrong), headers=HERE)
    assert (answer.status_code, answer.json().keys()) == (400, {"message", "error"})
