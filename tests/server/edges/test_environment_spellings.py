"""`LANGFUSE_TRACING_ENVIRONMENT=Production`: one spelling is stored, whatever way in, and any finds it."""

import json
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from server.edges.running_site import HERE, Sent, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIME = "2026-01-01T00:00:00Z"
SPELLINGS = ("Production", "production", "PRODUCTION")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(site: Site) -> Sent:
    """A span, an event and scores of `Production`, and a span of another environment."""
    await site.send({"langfuse.environment": "elsewhere"})
    sent = await site.send({"langfuse.environment": "Production", "user.id": "ada"})
    events = [
        {"type": "trace-create", "body": {"id": "spelt", "environment": "Production"}},
        {"type": "score-create", "body": {"traceId": "spelt", "name": "n", "value": 1, "environment": "Production"}},
    ]
    batch = [each | {"id": f"spelt-{place}", "timestamp": TIME} for place, each in enumerate(events)]
    answer = await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE)
    assert answer.json()["errors"] == []
    for body in ({"value": 1}, {"value": "good"}):
        score = {"traceId": sent.trace_id, "name": "posted", "environment": "Production", **body}
        answer = await site.client.post("/api/public/scores", json=score, headers=HERE)
        assert answer.status_code == 200, answer.text
    return sent


@pytest.mark.parametrize("asked", SPELLINGS)
async def test_every_list_finds_it_by_any_spelling(site: Site, sent: Sent, asked: str):
    async def found(path: str, **params: Any) -> list[Any]:
        rows = list((await site.get(path, **params))["data"])
        assert {row["environment"] for row in rows} == {"production"}, path
        return rows

    assert {row["id"] for row in await found("/traces", environment=asked)} == {sent.trace_id, "spelt"}
    condition = {"type": "stringOptions", "column": "environment", "operator": "any of", "value": [asked]}
    for path in ("/traces", "/observations", "/v2/observations"):
        assert await found(path, filter=json.dumps([condition]))
    assert len(await found("/observations", environment=asked)) == 1
    assert len(await found("/v2/observations", environment=asked)) == 1
    assert len(await found("/v2/scores", environment=asked)) == 3
    assert len(await found("/v3/scores", environment=asked)) == 3


@pytest.mark.parametrize("asked", SPELLINGS)
async def test_metrics_and_the_page_count_it(site: Site, sent: Sent, asked: str, ada: httpx2.AsyncClient):
    query = {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "filters": [{"type": "string", "column": "environment", "operator": "=", "value": asked}],
        "fromTimestamp": "2020-01-01T00:00:00Z",
        "toTimestamp": "2100-01-01T00:00:00Z",
    }
    [row] = (await site.get("/v2/metrics", query=json.dumps(query)))["data"]
    assert int(row["count_count"]) == 1
    daily = await site.get("/metrics/daily", environment=asked)
    assert sum(day["countTraces"] for day in daily["data"]) == 2
    listed = await ada.get("/api/web/projects/here/traces", params={"environment": asked})
    assert {row["id"] for row in listed.json()["data"]} == {sent.trace_id, "spelt"}
