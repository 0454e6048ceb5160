"""Files: taken out of texts, uploaded with their hash checked, shown small within bounds."""

import base64
import hashlib
import io
import json
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from server.tracing.making import HERE, media_bytes, observation
from sightline.server.runtime.errors import Forbidden, InvalidRequest, NotFound, TooLarge, Unprocessable
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.actions.inline import media_id
from sightline.server.tracing.records import MediaUpload, TraceId, TraceQuery


def picture(width: int = 40, height: int = 20) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height), "crimson").save(body, "PNG")
    return body.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises a huge picture; there is nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def announced(body: bytes, content_type: str = "image/png", **changes) -> MediaUpload:
    fields = {
        "sha256_base64": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        "content_type": content_type,
        "content_length": len(body),
        "field": "input",
        "trace_id": TraceId("t1"),
    }
    return MediaUpload(**fields | changes)


async def test_a_data_uri_becomes_media_and_a_token(tracing: Tracing):
    body = picture()
    uri = "data:image/png;base64," + base64.b64encode(body).decode()
    identity = media_id(hashlib.sha256(body).digest())
    text = json.dumps([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": uri}}, "and " + uri]}])
    await tracing.record(HERE, [observation("t1", "o1", input=text, metadata={"raw": json.dumps(uri)})])
    stored = await tracing.observation(HERE, "o1")
    token = f"@@@langfuseMedia:type=image/png|id={identity}|source=base64_data_uri@@@"
    assert stored.input == text.replace(uri, token)
    assert stored.metadata == {"raw": f'"{token}"'}
    assert await media_bytes(tracing, HERE, identity) == (body, "image/png")
    [listed] = (await tracing.traces(HERE, TraceQuery())).items
    assert listed.media_id == identity


async def test_blob_parts_and_base64_sources_lose_their_content_to_media(tracing: Tracing):
    body = picture(8, 8)
    content = base64.b64encode(body).decode()
    parts = [
        {"type": "blob", "mime_type": "image/png", "content": content},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": content}},
        {"type": "blob", "mime_type": "image/png", "content": "not base64!"},
    ]
    await tracing.record(HERE, [observation("t1", "o1", input=json.dumps([{"role": "user", "parts": parts}]))])
    first, second, third = json.loads((await tracing.observation(HERE, "o1")).input)[0]["parts"]
    token = f"@@@langfuseMedia:type=image/png|id={media_id(hashlib.sha256(body).digest())}|source=bytes@@@"
    assert first == {"type": "blob", "mime_type": "image/png", "content": token}
    assert second["source"]["data"] == token
    assert third == parts[2]


IMAGE, SOUND = b"\x89PNG" + bytes(40), b"RIFF" + bytes(60)


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


@pytest.mark.parametrize(
    ("part", "body", "content_type"),
    [
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, SOUND, "audio/wav"),
        ({"message": {"audio": {"data": "", "format": "mp3"}}}, SOUND, "audio/mpeg"),
        ({"inline_data": {"mime_type": "image/png", "data": ""}}, IMAGE, "image/png"),
        ({"inlineData": {"mimeType": "application/pdf", "data": ""}}, IMAGE, "application/pdf"),
        ({"image": {"format": "png", "source": {"bytes": ""}}}, IMAGE, "image/png"),
        ({"document": {"format": "pdf", "name": "Report", "source": {"bytes": ""}}}, IMAGE, "application/pdf"),
        ({"video": {"format": "mp4", "source": {"bytes": ""}}}, SOUND, "video/mp4"),
        ({"type": "file", "mediaType": "audio/wav", "data": ""}, SOUND, "audio/wav"),
        ({"type": "image", "mediaType": "image/jpeg", "image": ""}, IMAGE, "image/jpeg"),
        ({"type": "file", "mediaType": "image/png", "data": {"type": "data", "data": ""}}, IMAGE, "image/png"),
        ({"b64_json": "", "output_format": "webp"}, IMAGE, "image/webp"),
    ],
)
async def test_base64_beside_a_type_or_a_format_becomes_media_in_every_shape(
    tracing: Tracing, part: dict[str, Any], body: bytes, content_type: str
):
    sent = json.dumps([{"role": "user", "content": [part]}]).replace('""', json.dumps(encoded(body)))
    await tracing.record(HERE, [observation("t1", "o1", input=sent)])
    identity = media_id(hashlib.sha256(body).digest())
    stored = (await tracing.observation(HERE, "o1")).input
    token = f"@@@langfuseMedia:type={content_type}|id={identity}|source=bytes@@@"
    assert json.loads(stored) == json.loads(sent.replace(encoded(body), token))
    assert await media_bytes(tracing, HERE, identity) == (body, content_type)


@pytest.mark.parametrize(
    "part",
    [
        {"data": encoded(IMAGE)},
        {"mimeType": "application/x-unknown", "data": encoded(IMAGE)},
        {"format": "uuid", "data": encoded(IMAGE)},
        {"mimeType": "image/png", "fileUri": "gs://bucket/picture.png"},
        {"mimeType": "image/png", "name": "abcdefghijklmnopqrst"},
        {"mediaType": "image/png", "data": "https://example.org/picture.png"},
    ],
)
async def test_base64_of_unknown_content_and_words_stay_text(tracing: Tracing, part: dict[str, Any]):
    sent = json.dumps({"parts": [part]})
    await tracing.record(HERE, [observation("t1", "o1", input=sent)])
    assert (await tracing.observation(HERE, "o1")).input == sent


async def test_text_that_only_looks_like_a_file_stays_as_it_is(tracing: Tracing):
    html = "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="
    text = f'"data:image/png;base64,AAAA and {{\\"type\\":\\"blob\\"}} {html}"'
    await tracing.record(HERE, [observation("t1", "o1", input=text)])
    assert (await tracing.observation(HERE, "o1")).input == text


async def test_an_upload_is_found_only_after_its_content_arrived(tracing: Tracing):
    body = picture()
    media, needs_upload = await tracing.register_media(HERE, announced(body))
    assert needs_upload
    with pytest.raises(NotFound, match="not uploaded yet"):
        await tracing.media(HERE, media.id)
    await tracing.upload_media(HERE, media.id, body)
    await tracing.finish_media(HERE, media.id, 200, None)
    assert (await tracing.media(HERE, media.id)).uploaded_at is not None
    assert await media_bytes(tracing, HERE, media.id) == (body, "image/png")
    _, needs_upload = await tracing.register_media(HERE, announced(body, trace_id=TraceId("t2")))
    assert not needs_upload


async def test_content_that_is_not_what_was_announced_is_refused(tracing: Tracing):
    body = picture()
    media, _ = await tracing.register_media(HERE, announced(body))
    with pytest.raises(Unprocessable, match="SHA-256"):
        await tracing.upload_media(HERE, media.id, body[:-1] + b"x")
    with pytest.raises(InvalidRequest, match="bytes arrived"):
        await tracing.upload_media(HERE, media.id, body[:-1])
    with pytest.raises(TooLarge):
        await tracing.upload_media(HERE, media.id, body + b"x")
    with pytest.raises(NotFound):
        await tracing.media(HERE, media.id)
    with pytest.raises(InvalidRequest, match="SHA-256"):
        await tracing.register_media(HERE, announced(body, sha256_base64="short"))


async def test_a_bomb_is_refused_and_a_broken_picture_has_no_thumbnail(tracing: Tracing):
    huge = bomb(10_000, 10_000)
    media, _ = await tracing.register_media(HERE, announced(huge))
    with pytest.raises(TooLarge, match="100,000,000 pixels"):
        await tracing.upload_media(HERE, media.id, huge)
    enormous = bomb(60_000, 60_000)
    media, _ = await tracing.register_media(HERE, announced(enormous))
    with pytest.raises(TooLarge):
        await tracing.upload_media(HERE, media.id, enormous)
    for broken in (picture()[:60], b"no picture at all"):
        media, _ = await tracing.register_media(HERE, announced(broken))
        await tracing.upload_media(HERE, media.id, broken)
        with pytest.raises(Unprocessable):
            await tracing.thumbnail(HERE, media.id)


async def test_a_thumbnail_is_a_small_webp(tracing: Tracing):
    body = picture(400, 200)
    media, _ = await tracing.register_media(HERE, announced(body))
    await tracing.upload_media(HERE, media.id, body)
    small = Image.open(io.BytesIO(await tracing.thumbnail(HERE, media.id, side=96)))
    assert (small.format, small.size) == ("WEBP", (96, 48))
    assert await tracing.thumbnail(HERE, media.id, side=96) == await tracing.thumbnail(HERE, media.id, side=96)


async def test_a_signature_holds_for_one_verb_and_until_it_expires(tracing: Tracing):
    soon = datetime.now(UTC) + timedelta(minutes=5)
    signature = tracing.sign(HERE, "m", "PUT", soon)
    tracing.check_signature(HERE, "m", "PUT", soon, signature)
    past = datetime.now(UTC) - timedelta(seconds=1)
    for verb, expires, claimed in (
        ("GET", soon, signature),
        ("PUT", soon, "é"),
        ("PUT", soon + timedelta(1), signature),
    ):
        with pytest.raises(Forbidden, match="signature"):
            tracing.check_signature(HERE, "m", verb, expires, claimed)
    with pytest.raises(Forbidden, match="expired"):
        tracing.check_signature(HERE, "m", "PUT", past, tracing.sign(HERE, "m", "PUT", past))
