"""A file as large as the setting allows."""

from collections.abc import Callable

from server.edges.running_site import HERE, opened
from server.edges.test_media import announced, announcement
from sightline.server.settings import Settings


async def test_a_file_as_large_as_the_setting_allows_goes_in_and_out_in_blocks(fresh_settings: Callable[..., Settings]):
    """Its limit was a constant of 100 MiB before, whatever the setting said."""
    content = bytes(range(256)) * 4096 * 110
    async with opened(fresh_settings(max_media_bytes=len(content))) as site:
        first = await announced(site, content, contentType="video/mp4")
        refused = await site.client.put(first["uploadUrl"], content=content + b"x")
        assert (refused.status_code, "SIGHTLINE_MAX_MEDIA_BYTES" in refused.json()["message"]) == (413, True)
        assert (await site.client.put(first["uploadUrl"], content=content)).status_code == 200
        url = (await site.get(f"/media/{first['mediaId']}"))["url"]
        part = await site.client.get(url, headers={"Range": "bytes=-5"})
        assert (part.status_code, part.content) == (206, content[-5:])
        whole = await site.client.get(url)
        assert (whole.headers["content-length"], whole.content == content) == (str(len(content)), True)
        larger = announcement(b"x", contentLength=len(content) + 1)
        assert (await site.client.post("/api/public/media", json=larger, headers=HERE)).status_code == 400
        assert not list((fresh_settings().data_dir / "spool").iterdir())
