"""A marker in everything a project can hold, and the search for it in every byte of a folder."""

import base64
import hashlib
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow

from server.edges.running_site import HERE, Site

CODECS = {0x82: "lz4_raw", 0x90: "zstd"}
"""ClickHouse's methods of compression that texts are stored with."""
CHECKSUM, HEADER = 16, 9
"""Bytes before each compressed block: a checksum, then method and both sizes."""


def found(folder: Path, marker: str) -> dict[str, set[str]]:
    """Words with the marker, by the file they stand in; compressed blocks are unpacked."""
    word = re.compile(re.escape(marker.encode()) + rb"[a-z-]*")
    places: dict[str, set[str]] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        body = path.read_bytes()
        words = {each.decode() for text in (body, *unpacked(body)) for each in word.findall(text)}
        if words:
            places[str(path.relative_to(folder))] = words
        assert marker not in path.name
    return places


def unpacked(body: bytes) -> Iterator[bytes]:
    """The contents of the compressed blocks a file consists of."""
    place = 0
    while len(body) - place > CHECKSUM + HEADER:
        method, packed, plain = struct.unpack_from("<BII", body, place + CHECKSUM)
        begin, end = place + CHECKSUM + HEADER, place + CHECKSUM + packed
        if end > len(body) or packed < HEADER:
            return
        if method in CODECS:
            yield pyarrow.Codec(CODECS[method]).decompress(body[begin:end], plain, asbytes=True)
        place = end


def picture(text: str) -> bytes:
    """A PNG of one pixel with a text in it."""
    pixel = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    return pixel + text.encode()


def data_uri(body: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(body).decode()


async def ask(site: Site, method: str, path: str, body: Any = None, expect: int = 200, **options: Any) -> Any:
    """A call of the public API; its answer."""
    headers = options.pop("headers", HERE)
    answer = await site.client.request(method, f"/api/public{path}", json=body, headers=headers, **options)
    assert answer.status_code == expect, answer.text
    return answer.json() if answer.content else None


async def upload(site: Site, body: bytes, trace_id: str) -> str:
    """A file as the SDK uploads it; its id."""
    announced = {
        "contentType": "image/png",
        "contentLength": len(body),
        "sha256Hash": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        "field": "input",
        "traceId": trace_id,
    }
    said = await ask(site, "POST", "/media", announced, expect=201)
    if said["uploadUrl"]:
        answer = await site.client.put(said["uploadUrl"], content=body)
        assert answer.status_code == 200, answer.text
    return str(said["mediaId"])


async def marked_trace(site: Site, marker: str, *, session: str | None = None, shared: bytes = b"") -> str:
    """A trace with the marker wherever a client can put it, and all that is said about it elsewhere; its id."""
    attributes: dict[str, Any] = {
        "langfuse.observation.input": f"{marker}-input {data_uri(picture(f'{marker}-inline'))}",
        "langfuse.observation.output": f"{marker}-output " + (data_uri(shared) if shared else ""),
        "langfuse.observation.metadata.note": f"{marker}-metadata",
        "langfuse.trace.name": f"{marker}-name",
        "langfuse.trace.tags": f"{marker}-tag",
        "langfuse.trace.metadata.note": f"{marker}-trace-metadata",
        "user.id": f"{marker}-user",
        "gen_ai.request.model": f"{marker}-model",
    }
    sent = await site.send(attributes | ({"session.id": session} if session else {}), name=f"{marker}-span")
    trace_id = sent.trace_id
    event = {"id": f"{marker}-body", "traceId": trace_id, "name": "e", "input": f"{marker}-event"}
    batch = [{"id": f"{marker}-id", "type": "event-create", "timestamp": "2026-05-01T00:00:00Z", "body": event}]
    await ask(site, "POST", "/ingestion", {"batch": batch}, expect=207)
    await upload(site, picture(f"{marker}-uploaded"), trace_id)
    score = {"name": "s", "value": 1, "traceId": trace_id, "comment": f"{marker}-score", "metadata": {"m": marker}}
    await ask(site, "POST", "/scores", score)
    for kind, identity in (("TRACE", trace_id), ("OBSERVATION", sent.span_id)):
        said = {"projectId": "here", "objectType": kind, "objectId": identity, "content": f"{marker}-comment"}
        await ask(site, "POST", "/comments", said)
    config = (await ask(site, "POST", "/score-configs", {"name": "quality", "dataType": "NUMERIC"}))["id"]
    queues = (await ask(site, "GET", "/annotation-queues"))["data"]
    queue = queues[0] if queues else None
    queue = queue or await ask(site, "POST", "/annotation-queues", {"name": "look", "scoreConfigIds": [config]})
    for kind, identity in (("TRACE", trace_id), ("OBSERVATION", sent.span_id)):
        await ask(site, "POST", f"/annotation-queues/{queue['id']}/items", {"objectId": identity, "objectType": kind})
    await ask(site, "POST", "/v2/datasets", {"name": "runs"})
    item = await ask(site, "POST", "/dataset-items", {"datasetName": "runs", "input": "q"})
    run = {"runName": "r", "datasetItemId": item["id"], "traceId": trace_id, "observationId": sent.span_id}
    await ask(site, "POST", "/dataset-run-items", run)
    return trace_id
