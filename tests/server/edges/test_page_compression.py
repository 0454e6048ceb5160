"""Answers of the page API are compressed where that saves something, and streams never wait for it."""

import asyncio
import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx2
from starlette.datastructures import Headers

from server.edges.running_site import HERE, browser, one_span, opened
from sightline.server.settings import Settings

GZIP, PLAIN = {"Accept-Encoding": "gzip, br"}, {"Accept-Encoding": "identity"}
PROJECT = "/api/web/projects/here"
MANY = 300
SOUND = bytes(8_000)


async def raw(client: httpx2.AsyncClient, path: str, headers: dict[str, str]) -> tuple[httpx2.Headers, bytes]:
    """An answer as it travels."""
    answer = await client.send(client.build_request("GET", path, headers=headers), stream=True)
    assert answer.status_code == 200
    return answer.headers, b"".join([chunk async for chunk in answer.aiter_raw()])


async def test_what_is_large_and_not_compressed_already_travels_compressed(fresh_settings: Callable[..., Settings]):
    async with opened(fresh_settings()) as site, browser(site, "ada@example.org") as ada:
        uri = f"data:audio/wav;base64,{base64.b64encode(SOUND).decode()}"
        export, root = one_span({"langfuse.observation.metadata.sound": uri, "langfuse.observation.input": uri})
        for _ in range(MANY):
            child, _ = one_span(trace_id=root.trace_id, parent=root.span_id)
            export.MergeFrom(child)
        protobuf = {**HERE, "Content-Type": "application/x-protobuf"}
        stored = await site.client.post("/v1/traces", content=export.SerializeToString(), headers=protobuf)
        assert stored.status_code == 200
        _, plain = await raw(ada, f"{PROJECT}/traces/{root.trace_id}", PLAIN)
        headers, packed = await raw(ada, f"{PROJECT}/traces/{root.trace_id}", GZIP)
        small, _ = await raw(ada, "/api/web/account/sessions", GZIP)
        text = (await ada.get(f"{PROJECT}/traces/{root.trace_id}/observations/{root.span_id}")).json()["input"]
        sound, played = await raw(ada, f"{PROJECT}/media/{text.split('|id=')[1].split('|')[0]}", GZIP)
    assert (headers["content-encoding"], headers["content-length"]) == ("gzip", str(len(packed)))
    assert headers["vary"] == "Accept-Encoding"
    assert len(json.loads(plain)["observations"]) == MANY + 1
    assert json.loads(gzip.decompress(packed)) == json.loads(plain)
    assert len(packed) * 5 < len(plain)
    assert ("content-encoding" in small, "content-encoding" in sound) == (False, False)
    assert played == SOUND


async def test_hints_are_neither_compressed_nor_held_back(fresh_settings: Callable[..., Settings]):
    async with opened(fresh_settings()) as site, browser(site, "ada@example.org") as ada:
        request = ada.build_request("GET", f"{PROJECT}/live", headers=GZIP)
        sent: asyncio.Queue[Any] = asyncio.Queue()
        forever = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await forever.wait()
            return {"type": "http.disconnect"}

        scope = {
            **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"},
            **{"path": f"{PROJECT}/live", "raw_path": None, "query_string": b"", "root_path": ""},
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }
        streaming = asyncio.create_task(site.app(scope, receive, sent.put))
        start = await asyncio.wait_for(sent.get(), 60)
        first = await asyncio.wait_for(sent.get(), 60)
        assert not streaming.done()
        site.app.state.hub.close()
        await asyncio.wait_for(streaming, 60)
    headers = Headers(raw=start["headers"])
    assert headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in headers
    assert first["body"].startswith(b": connected")
