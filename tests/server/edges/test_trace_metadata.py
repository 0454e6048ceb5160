"""A trace's metadata: its own over that of a root that came by OTLP; the same in lists, filters and details."""

import json
from typing import Any

import pytest

from server.edges.running_site import Site
from server.edges.test_ingestion_paths import accepted, event

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def found(site: Site, key: str, value: Any, kind: str = "stringObject") -> list[str]:
    condition = {"type": kind, "column": "metadata", "key": key, "operator": "=", "value": value}
    return [row["id"] for row in (await site.get("/traces", filter=json.dumps([condition])))["data"]]


async def test_what_a_root_says_by_otlp_is_its_traces(site: Site):
    said = {"langfuse.observation.metadata.m": "1", "langfuse.observation.metadata.own": "root"}
    sent = await site.send(said | {"langfuse.trace.metadata.own": "trace"}, name="with-metadata")
    await site.send({"langfuse.observation.metadata.inner": "1"}, trace_id=sent.trace_id, parent=sent.span_id)
    whole = await site.get(f"/traces/{sent.trace_id}")
    [listed] = (await site.get("/traces", name="with-metadata"))["data"]
    assert listed["metadata"] == whole["metadata"]
    assert (whole["metadata"]["m"], whole["metadata"]["own"], "inner" in whole["metadata"]) == (1, "trace", False)
    assert whole["metadata"].keys() >= {"resourceAttributes", "scope"}
    assert await found(site, "m", 1, "numberObject") == [sent.trace_id]
    assert await found(site, "own", "trace") == [sent.trace_id]
    assert await found(site, "own", "root") == await found(site, "inner", "1") == []
    [short] = (await site.get("/traces", name="with-metadata", fields="core"))["data"]
    assert "metadata" not in short


async def test_what_an_event_says_of_a_root_is_the_roots_alone(site: Site):
    root = {"id": "apart-root", "traceId": "apart", "metadata": {"of": "root"}}
    await accepted(site, event("trace-create", 1, {"id": "apart", "metadata": {"by": "trace"}}))
    await accepted(site, event("span-create", 2, root))
    await accepted(site, event("trace-create", 3, {"id": "apart", "metadata": {"by": "trace again"}}))
    assert (await site.get("/traces/apart"))["metadata"] == {"by": "trace again"}
    assert await found(site, "by", "trace again") == ["apart"]
    assert await found(site, "by", "trace") == await found(site, "of", "root") == []
