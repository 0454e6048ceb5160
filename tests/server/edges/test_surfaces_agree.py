"""What a trace used and cost is the same on every surface, whoever reported it, in whatever order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from server.edges.awkward_traces import TRACES, Awkward, Part
from server.edges.running_site import HERE, Site, any_value

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = count(1)
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
WINDOW = {
    "fromTimestamp": (NOW - timedelta(days=1)).isoformat(),
    "toTimestamp": (NOW + timedelta(days=1)).isoformat(),
}
ORDERS = {"parents first": list, "children first": lambda parts: [*reversed(parts)]}


@dataclass
class Sent:
    trace_id: str
    apart_id: str
    user: str
    session: str


async def send(site: Site, awkward: Awkward, parts: Sequence[Part]) -> Sent:
    """Every span in a request of its own, and a read between them: what comes late changes what was said."""
    number = next(_numbers)
    sent = Sent(f"{number:031x}a", f"{number:031x}b", f"user-{number}", f"session-{number}")
    ids = {part.name: f"{number:08x}{place:08x}" for place, part in enumerate(awkward.parts)} | {"lost": "f" * 16}
    for part in parts:
        for start_s in (0.5, 0.0) if part.again else (0.0,):
            await export(site, sent, part, ids, awkward.parts.index(part) / 100 + start_s)
        await of_list(site, sent)
    return sent


async def export(site: Site, sent: Sent, part: Part, ids: dict[str, str], start_s: float) -> None:
    start = int(NOW.timestamp() * 1e9) + int(start_s * 1e9)
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            trace_id=bytes.fromhex(sent.apart_id if part.apart else sent.trace_id),
            span_id=bytes.fromhex(ids[part.name]),
            parent_span_id=bytes.fromhex(ids[part.parent]) if part.parent else b"",
            name=part.name,
            start_time_unix_nano=start,
            end_time_unix_nano=start + 1_000_000_000,
        )
    )
    said = part.attributes() | {"user.id": sent.user, "session.id": sent.session}
    if part.call:
        said["gen_ai.response.id"] = f"{part.call}-{sent.user}"
    span.attributes.extend(KeyValue(key=key, value=any_value(value)) for key, value in said.items())
    answer = await site.client.post(
        "/v1/traces",
        content=request.SerializeToString(),
        headers={**HERE, "Content-Type": "application/x-protobuf"},
    )
    assert answer.status_code == 200, answer.text


async def of_list(site: Site, sent: Sent) -> float:
    rows = (await site.get("/traces", userId=sent.user))["data"]
    return sum(row["totalCost"] for row in rows)


async def of_detail(site: Site, sent: Sent) -> float:
    ids = [row["id"] for row in (await site.get("/traces", userId=sent.user))["data"]]
    return sum([(await site.get(f"/traces/{each}"))["totalCost"] for each in ids])


async def of_session(site: Site, sent: Sent) -> float:
    traces = (await site.get(f"/sessions/{sent.session}"))["traces"]
    rows = (await site.get("/traces", sessionId=sent.session))["data"]
    assert {trace["id"] for trace in traces} == {row["id"] for row in rows}
    return sum(row["totalCost"] for row in rows)


async def of_metrics(site: Site, sent: Sent, view: str, measure: str, path: str) -> float:
    query = {
        "view": view,
        "metrics": [{"measure": measure, "aggregation": "sum"}],
        "filters": [{"type": "string", "column": "userId", "operator": "=", "value": sent.user}],
        **WINDOW,
    }
    [row] = (await site.get(path, query=json.dumps(query)))["data"]
    return float(row[f"sum_{measure}"] or 0)


async def of_daily(site: Site, sent: Sent) -> tuple[float, float]:
    days = (await site.get("/metrics/daily", userId=sent.user))["data"]
    usage = sum(model["totalUsage"] for day in days for model in day["usage"])
    return float(usage), sum(day["totalCost"] for day in days)


async def of_page(ada: httpx2.AsyncClient, sent: Sent) -> tuple[float, float]:
    answer = await ada.get("/api/web/projects/here/traces", params={"userId": sent.user})
    rows = answer.json()["data"]
    return sum(row["totalTokens"] or 0 for row in rows), sum(row["totalCostUsd"] or 0 for row in rows)


async def of_open_page(ada: httpx2.AsyncClient, sent: Sent) -> tuple[float, float]:
    answers = [await ada.get(f"/api/web/projects/here/traces/{each}") for each in (sent.trace_id, sent.apart_id)]
    heads = [answer.json()["trace"] for answer in answers if answer.status_code == 200]
    return sum(head["totalTokens"] or 0 for head in heads), sum(head["totalCostUsd"] or 0 for head in heads)


async def told_by(site: Site, ada: httpx2.AsyncClient, sent: Sent) -> dict[str, Any]:
    """Tokens and cost by surface; None for what a surface does not say."""
    v1, v2 = "/metrics", "/v2/metrics"
    return {
        "list": (None, await of_list(site, sent)),
        "detail": (None, await of_detail(site, sent)),
        "session": (None, await of_session(site, sent)),
        "page's list": await of_page(ada, sent),
        "page's trace": await of_open_page(ada, sent),
        "daily": await of_daily(site, sent),
        **{
            f"{path} of {view}": (
                await of_metrics(site, sent, view, "totalTokens", path),
                await of_metrics(site, sent, view, "totalCost", path),
            )
            for path in (v1, v2)
            for view in ("observations", "traces")
            if (path, view) != (v2, "traces")
        },
    }


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("awkward", TRACES, ids=lambda each: each.kind)
async def test_every_surface_counts_the_same(site: Site, ada: httpx2.AsyncClient, awkward: Awkward, order: str):
    sent = await send(site, awkward, ORDERS[order](awkward.parts))
    told = await told_by(site, ada, sent)
    tokens = awkward.tokens + awkward.apart_tokens
    assert {surface: (said if said is None else pytest.approx(said)) for surface, (said, _) in told.items()} == {
        surface: None if said is None else tokens for surface, (said, _) in told.items()
    }
    assert {surface: cost for surface, (_, cost) in told.items()} == pytest.approx(dict.fromkeys(told, awkward.cost))
    assert len(TRACES) >= 15
