"""An emoji cut in two, as any `slice` in JavaScript makes: kept with U+FFFD for the half, on every way in."""

import json
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from server.edges.running_site import HERE, ORIGIN, Site, one_span
from sightline.server.edges.bodies import PlainJson

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUT, KEPT = "cut \ud83d", "cut \ufffd"
JSON = {**HERE, "Content-Type": "application/json"}
TIME = "2026-01-01T00:00:00Z"


async def post(site: Site, path: str, body: Any) -> httpx2.Response:
    """`json.dumps` writes half a character as JavaScript does: as an escape."""
    answer = await site.client.post(path, content=json.dumps(body), headers=JSON)
    assert answer.status_code < 300, answer.text
    return answer


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
async def test_a_span_in_json_is_kept(site: Site, path: str):
    _, sent = one_span()
    texts = {"langfuse.observation.input": CUT, "langfuse.observation.output": json.dumps({"said": CUT})}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in texts.items()]
    times = {"startTimeUnixNano": "1700000000123000000", "endTimeUnixNano": "1700000000223000000"}
    span = {"traceId": sent.trace_id, "spanId": sent.span_id, "name": CUT, "attributes": attributes, **times}
    await post(site, path, {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    [row] = (await site.get("/observations", traceId=sent.trace_id))["data"]
    assert (row["name"], row["input"], row["output"]) == (KEPT, KEPT, {"said": KEPT})


async def test_events_and_scores_are_kept(site: Site):
    trace = {"id": "cut-trace", "name": CUT, "input": {"text": CUT}, "metadata": {CUT: CUT}}
    event = {"id": "cut-event", "type": "trace-create", "timestamp": TIME, "body": trace}
    assert (await post(site, "/api/public/ingestion", {"batch": [event]})).json()["errors"] == []
    await post(site, "/api/public/scores", {"traceId": "cut-trace", "name": "mood", "value": CUT, "comment": CUT})
    found = await site.get("/traces/cut-trace")
    assert (found["name"], found["input"], found["metadata"]) == (KEPT, {"text": KEPT}, {KEPT: KEPT})
    [score] = found["scores"]
    assert (score["stringValue"], score["comment"]) == (KEPT, KEPT)


async def test_prompts_datasets_items_and_comments_are_kept(site: Site):
    await post(site, "/api/public/v2/prompts", {"name": "cut", "type": "text", "prompt": CUT, "labels": ["production"]})
    assert (await site.get("/v2/prompts/cut"))["prompt"] == KEPT
    await post(site, "/api/public/v2/datasets", {"name": "cut", "description": CUT})
    assert (await site.get("/v2/datasets/cut"))["description"] == KEPT
    made = await post(site, "/api/public/dataset-items", {"datasetName": "cut", "input": {"q": CUT}})
    assert (await site.get(f"/dataset-items/{made.json()['id']}"))["input"] == {"q": KEPT}
    sent = await site.send()
    about = {"projectId": "here", "objectType": "TRACE", "objectId": sent.trace_id, "content": CUT}
    made = await post(site, "/api/public/comments", about)
    assert (await site.get(f"/comments/{made.json()['id']}"))["content"] == KEPT


async def test_a_filter_and_a_query_read_it_too(site: Site):
    sent = await site.send(name=KEPT)
    condition = {"type": "string", "column": "name", "operator": "=", "value": CUT}
    found = await site.get("/traces", filter=json.dumps([condition]))
    assert sent.trace_id in {row["id"] for row in found["data"]}
    query = {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "filters": [condition],
        "fromTimestamp": "2020-01-01T00:00:00Z",
        "toTimestamp": "2100-01-01T00:00:00Z",
    }
    [row] = (await site.get("/v2/metrics", query=json.dumps(query)))["data"]
    assert int(row["count_count"]) >= 1


async def test_agents_and_pages_may_say_it(site: Site, ada: httpx2.AsyncClient):
    call = {"jsonrpc": "2.0", "id": CUT, "method": "ping"}
    assert (await post(site, "/mcp", call)).json()["id"] == KEPT
    body = json.dumps({"note": CUT})
    headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
    made = await ada.post("/api/web/projects/here/keys", content=body, headers=headers)
    assert made.status_code < 300, made.text
    assert KEPT in (await ada.get("/api/web/projects/here/keys")).text


async def test_every_body_that_the_framework_reads_is_read_by_one_parser(site: Site):
    routes = [each.original_route for each in iter_route_contexts(site.app.routes)]
    read = [route for route in routes if isinstance(route, APIRoute) and route.body_field]
    assert len(read) > 20
    assert [route.path for route in read if not isinstance(route, PlainJson)] == []
