"""Documents from outside that would fail inside: too deep, with numbers no double holds, half applied, half packed."""

import gzip
import json
import zlib
from typing import Any
from urllib.parse import quote

import pytest

from server.edges.running_site import HERE, LIMITS, Site
from sightline.server.edges.large.spool import SMALL_BYTES
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.runtime.json_reading import DEEPEST, guarded, is_deeper

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {**HERE, "Content-Type": "application/json"}
OTLP = "/api/public/otel/v1/traces"


def nested(levels: int, inner: str = "1") -> str:
    return "[" * levels + inner + "]" * levels


def an_export(attribute: str) -> str:
    span = (
        '{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"deep",'
        f'"startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{{"key":"a","value":{attribute}}}]}}'
    )
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'


def a_deep_attribute(levels: int) -> str:
    return '{"arrayValue":{"values":[' * levels + '{"stringValue":"x"}' + "]}}" * levels


BODIES = {
    "POST /api/public/scores": '{"id":"s","traceId":"t","name":"n","value":1,"metadata":%s}',
    "POST /api/public/ingestion": '{"batch":[%s]}',
    "POST /api/public/v2/prompts": '{"name":"p","prompt":"p","config":%s}',
    "POST /api/public/v2/datasets": '{"name":"d","metadata":%s}',
    "POST /api/public/dataset-items": '{"datasetName":"d","input":%s}',
    "POST /api/public/models": '{"modelName":"m","tokenizerConfig":%s}',
    "PUT /api/public/llm-connections": '{"provider":"p","adapter":"openai","secretKey":"sk","config":%s}',
    "POST /api/public/unstable/dashboards": '{"name":"n","filters":%s}',
    "POST /api/public/otel/v1/traces": '{"resourceSpans":%s}',
    "POST /v1/logs": '{"resourceLogs":%s}',
    "POST /v1/metrics": '{"resourceMetrics":%s}',
    "POST /api/web/session": '{"email":%s}',
    "POST /api/public/mcp": '{"jsonrpc":"2.0","id":1,"method":"ping","params":%s}',
}


@pytest.mark.parametrize("call", BODIES)
@pytest.mark.parametrize("inside", ["deep", "deeper", "1e400", "-1e999", "9" * 400, "NaN", "Infinity", "-Infinity"])
async def test_every_door_refuses_what_it_could_not_write_back(site: Site, call: str, inside: str):
    method, path = call.split()
    value = {"deep": nested(DEEPEST + 1), "deeper": nested(1_500)}.get(inside, inside)
    headers = {"Content-Type": "application/json", "Origin": "http://sightline.test", **HERE}
    answer = await site.client.request(method, path, content=BODIES[call] % value, headers=headers)
    if path.endswith("mcp"):
        assert answer.json()["error"]["code"] == -32700
        return
    assert answer.status_code == 400, answer.text
    assert "JSON" in answer.json()["message"] or "Invalid request data" in answer.json()["message"]


@pytest.mark.parametrize(
    "query",
    [
        f"traces?filter={nested(DEEPEST + 1)}",
        f"v2/observations?filter={nested(1_500)}",
        f"metrics?query={quote(json.dumps({'view': 'traces'})[:-1])},%22filters%22:{nested(DEEPEST + 1)}}}",
        "v2/metrics?query=NaN",
        "v2/metrics?query=%7B%22a%22:1e999%7D",
        "v3/scores?valueMin=nan",
        "v3/scores?valueMax=inf",
        "scores?value=nan&operator=%3E",
        "traces?page=" + "9" * 5_000,
        "traces?limit=1e3",
        "traces?fromTimestamp=" + "9" * 400,
        f"media/x/content?project=here&expires={10**14}&signature=s",
        f"media/x/content?project=here&expires=-{10**14}&signature=s",
    ],
)
async def test_every_query_is_read_as_carefully(site: Site, query: str):
    answer = await site.client.get(f"/api/public/{query}", headers=HERE)
    assert answer.status_code == 400, answer.text


async def test_a_batch_with_one_event_too_deep_is_refused_before_any_of_it_is_applied(site: Site):
    def event(number: int, metadata: str, padding: int) -> str:
        body = f'{{"id":"s{number}-{padding}","traceId":"guarded{padding}","name":"n","value":1,"metadata":{metadata}}}'
        told = f'"type":"score-create","timestamp":"2026-01-01T00:00:00Z","pad":"{"x" * padding}"'
        return f'{{"id":"{number}",{told},"body":{body}}}'

    for padding in (1, 200_000):  # In memory, and in a file.
        events = [event(number, "{}", padding) for number in range(30)] + [event(30, nested(255), padding)]
        body = f'{{"batch":[{",".join(events)}]}}'
        if len(body) > LIMITS["max_export_bytes"]:
            events = events[-8:]
            body = f'{{"batch":[{",".join(events)}]}}'
        answer = await site.client.post("/api/public/ingestion", content=body, headers=JSON)
        assert (answer.status_code, "deeper than" in answer.json()["message"]) == (400, True)
        assert (await site.get("/v2/scores", traceId=f"guarded{padding}"))["data"] == []


@pytest.mark.parametrize("levels", [40, 99, 232, 929])
async def test_a_deep_attribute_is_stored_or_refused_and_never_an_error_of_ours(site: Site, levels: int):
    for path in (OTLP, "/v1/traces"):
        answer = await site.client.post(path, content=an_export(a_deep_attribute(levels)), headers=JSON)
        assert answer.status_code == (200 if levels == 40 else 400), answer.text


@pytest.mark.parametrize("levels", [200, 253, 300, 990, 1010, 1024])
async def test_a_stored_text_of_any_depth_is_read_back(site: Site, levels: int):
    uri = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" * 2
    text = nested(levels, json.dumps({"type": "image", "url": uri, "more": "data"}))
    sent = await site.send({"langfuse.observation.input": text, "langfuse.trace.input": text})
    for path in (f"/traces/{sent.trace_id}", f"/observations/{sent.span_id}", "/v2/observations?fields=core,io"):
        answer = await site.client.get(f"/api/public{path}", headers=HERE)
        assert answer.status_code == 200, answer.text


async def test_the_guard_keeps_what_can_be_written_back():
    assert guarded(nested(DEEPEST)) == json.loads(nested(DEEPEST))
    flat = [{"a": [1]}] * (DEEPEST + 50)
    assert guarded(json.dumps(flat)) == flat
    assert not is_deeper("[" * 500, DEEPEST)
    with pytest.raises(InvalidRequest, match="deeper than 200"):
        guarded(nested(DEEPEST + 1).encode())


def packed(*parts: bytes) -> bytes:
    return b"".join(map(gzip.compress, parts))


def halves(body: str) -> tuple[bytes, bytes]:
    return body[: len(body) // 2].encode(), body[len(body) // 2 :].encode()


@pytest.mark.parametrize("size", [10, 3 * 1024 * 1024])
@pytest.mark.parametrize("path", [OTLP, "/v1/traces"])
async def test_a_gzip_stream_is_read_to_its_end(site: Site, path: str, size: int):
    text = json.dumps({"stringValue": "x" * size})
    body = an_export(text)
    cases: dict[str, tuple[bytes, int]] = {
        "two members": (packed(*halves(body)), 200),
        "an empty member": (packed(*halves(body), b""), 200),
        "garbage behind": (packed(body.encode()) + b"garbage", 400),
        "zeros behind": (packed(body.encode()) + bytes(8), 400),
        "half a member behind": (packed(body.encode(), b"more of it")[:-5], 400),
        "a member that breaks the document": (packed(body.encode(), b"more"), 400),
        "cut off": (packed(body.encode())[:-1], 400),
    }
    for case, (content, status) in cases.items():
        answer = await site.client.post(path, content=content, headers={**JSON, "Content-Encoding": "gzip"})
        assert answer.status_code == status, (case, answer.text)
    answer = await site.client.post(
        path, content=zlib.compress(body.encode()) + b"behind", headers={**JSON, "Content-Encoding": "deflate"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("path", [OTLP, "/v1/logs", "/v1/metrics"])
async def test_a_bomb_of_many_members_is_refused_like_one_of_a_single_member(site: Site, path: str):
    bomb = packed(*[bytes(SMALL_BYTES // 4)] * 40)
    assert len(bomb) < LIMITS["max_body_bytes"] < 40 * SMALL_BYTES // 4
    answer = await site.client.post(path, content=bomb, headers={**JSON, "Content-Encoding": "gzip"})
    assert (answer.status_code, "inflates to more" in answer.json()["message"]) == (413, True)


async def test_what_is_filled_in_place_of_nothing_is_no_answer(site: Site):
    answers: list[Any] = [await site.client.get(path) for path in ("/metrics", "/health", "/v1/none")]
    assert [each.status_code for each in answers] == [404] * 3
    assert all(each.headers["content-type"] == "application/json" for each in answers)
