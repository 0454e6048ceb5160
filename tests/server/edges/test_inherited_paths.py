"""What only one row of a trace says of it counts for all its observations: in lists, in filters and in metrics."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from server.edges.running_site import HERE, Sent, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEGIN = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY: dict[str, Any] = {"fromTimestamp": "2026-11-02T00:00:00Z", "toTimestamp": "2026-11-03T00:00:00Z"}
CALL = {
    "langfuse.observation.type": "generation",
    "langfuse.observation.cost_details": '{"total": 0.0026}',
}


async def span(site: Site, minutes: float, **fields: Any) -> Sent:
    start = int((BEGIN + timedelta(minutes=minutes)).timestamp()) * 1_000_000_000
    attributes = fields.pop("attributes")
    return await site.send(attributes, start_time_unix_nano=start, end_time_unix_nano=start + 1_000_000_000, **fields)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(site: Site) -> dict[str, Sent]:
    """A trace whose root alone says whose it is; one that nothing is said of; one whose call has a user of its own."""
    whose = {
        "user.id": "MM",
        "session.id": "MS",
        "langfuse.trace.name": "MN",
        "langfuse.trace.tags": "blue,red",
        "langfuse.environment": "staging",
    }
    root = await span(site, 0, attributes=whose, name="ask")
    inside = {"trace_id": root.trace_id, "parent": root.span_id}
    call = await span(site, 1, attributes=CALL, name="call", **inside)
    bare = await span(site, 2, attributes=CALL, name="bare")
    other = await span(site, 3, attributes={"user.id": "MM"}, name="other")
    own = await span(
        site, 4, attributes={**CALL, "user.id": "OWN"}, name="own", trace_id=other.trace_id, parent=other.span_id
    )
    return {"root": root, "call": call, "bare": bare, "other": other, "own": own}


def asking(kind: str, column: str, operator: str, value: Any = None) -> dict[str, str]:
    return {"filter": json.dumps([{"type": kind, "column": column, "operator": operator, "value": value}])}


@pytest.mark.parametrize("path", ["/observations", "/v2/observations"])
@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"userId": "MM"}, {"root", "call", "other"}),
        ({"userId": "OWN"}, {"own"}),
        (asking("stringOptions", "userId", "any of", ["MM", "OWN"]), {"root", "call", "other", "own"}),
        (asking("stringOptions", "userId", "none of", ["MM"]), {"bare", "own"}),
        (asking("null", "userId", "is null"), {"bare"}),
        (asking("string", "userId", "contains", "M"), {"root", "call", "other"}),
        (asking("string", "userId", "does not contain", "M"), {"bare", "own"}),
        (asking("string", "sessionId", "=", "MS"), {"root", "call"}),
        (asking("string", "traceName", "=", "MN"), {"root", "call"}),
        (asking("string", "traceName", "=", "other"), {"other", "own"}),
        (asking("string", "traceName", "starts with", "ot"), {"other", "own"}),
        (asking("string", "traceName", "=", "call"), set()),
        (asking("arrayOptions", "traceTags", "all of", ["red", "blue"]), {"root", "call"}),
        (asking("arrayOptions", "tags", "any of", ["red", "green"]), {"root", "call"}),
        (asking("arrayOptions", "tags", "none of", ["red"]), {"bare", "other", "own"}),
        (asking("arrayOptions", "tags", "all of", ["red", "green"]), set()),
        (asking("string", "traceEnvironment", "=", "staging"), {"root", "call"}),
    ],
)
async def test_observations_are_found_by_what_their_trace_says(
    site: Site, sent: dict[str, Sent], path: str, params: dict[str, str], names: set[str]
):
    page = await site.get(path, **params)
    assert {row["id"] for row in page["data"]} == {sent[name].span_id for name in names}
    if path == "/observations":
        assert page["meta"]["totalItems"] == len(names)


async def test_a_window_without_the_row_that_says_it_finds_it_too(site: Site, sent: dict[str, Sent]):
    window = {"fromStartTime": (BEGIN + timedelta(seconds=30)).isoformat(), "toStartTime": DAY["toTimestamp"]}
    page = await site.get("/v2/observations", userId="MM", name="call", **window)
    assert [row["id"] for row in page["data"]] == [sent["call"].span_id]


async def test_a_page_shows_what_the_trace_says(site: Site, sent: dict[str, Sent]):
    page = await site.get("/v2/observations", fields="core,basic,trace_context")
    rows = {row["id"]: row for row in page["data"]}
    shown = ("userId", "sessionId", "traceName", "tags")
    said = {name: tuple(rows[each.span_id][key] for key in shown) for name, each in sent.items()}
    assert said == {
        "root": ("MM", "MS", "MN", ["blue", "red"]),
        "call": ("MM", "MS", "MN", ["blue", "red"]),
        "bare": (None, None, "bare", []),
        "other": ("MM", None, "other", []),
        "own": ("OWN", None, "other", []),
    }


async def costs(site: Site, path: str, dimension: str, **query: Any) -> dict[str, Any]:
    asked = {
        "view": "observations",
        "dimensions": [{"field": dimension}],
        "metrics": [{"measure": "totalCost", "aggregation": "sum"}],
        "orderBy": [{"field": "sum_totalCost", "direction": "desc"}],
        "config": {"row_limit": 10},
        **DAY,
        **query,
    }
    rows = (await site.get(path, query=json.dumps(asked)))["data"]
    return {str(row[dimension]): row["sum_totalCost"] for row in rows}


@pytest.mark.parametrize("path", ["/metrics", "/v2/metrics"])
@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("userId", {"MM": 0.0026, "OWN": 0.0026, "None": 0.0026}),
        ("sessionId", {"MS": 0.0026, "None": 0.0052}),
        ("traceName", {"MN": 0.0026, "other": 0.0026, "bare": 0.0026}),
        ("tags", {"['blue', 'red']": 0.0026, "[]": 0.0052}),
    ],
)
async def test_costs_belong_to_what_their_trace_says(
    site: Site, sent: dict[str, Sent], path: str, dimension: str, expected: dict[str, float]
):
    assert await costs(site, path, dimension) == pytest.approx(expected)


async def test_metrics_filter_and_count_by_what_the_trace_says(site: Site, sent: dict[str, Sent]):
    of_user = {"type": "string", "column": "userId", "operator": "=", "value": "MM"}
    assert await costs(site, "/v2/metrics", "name", filters=[of_user]) == {"call": 0.0026, "ask": None, "other": None}
    asked = {
        "view": "observations",
        "metrics": [{"measure": "uniqueUserIds", "aggregation": "uniq"}],
        "filters": [{"type": "string", "column": "name", "operator": "=", "value": "call"}],
        **DAY,
    }
    assert (await site.get("/v2/metrics", query=json.dumps(asked)))["data"] == [{"uniq_uniqueUserIds": 1}]


async def test_a_window_of_metrics_reaches_the_row_that_says_it(site: Site, sent: dict[str, Sent]):
    late = {"fromTimestamp": (BEGIN + timedelta(seconds=30)).isoformat()}
    of_user = {"type": "string", "column": "userId", "operator": "=", "value": "MM"}
    assert await costs(site, "/v2/metrics", "name", filters=[of_user], **late) == {"call": 0.0026, "other": None}


async def test_a_trace_that_is_told_late_is_its_observations_too(site: Site):
    at = "2026-11-05T12:00:00Z"
    events: list[tuple[str, dict[str, Any]]] = [
        ("generation-create", {"id": "late-call", "traceId": "late", "name": "call", "startTime": at}),
        ("trace-create", {"id": "late", "userId": "EU", "name": "EN", "timestamp": at}),
    ]
    for number, (kind, body) in enumerate(events):
        event = {"id": f"late-{number}", "timestamp": at, "type": kind, "body": body}
        answer = await site.client.post("/api/public/ingestion", json={"batch": [event]}, headers=HERE)
        assert answer.json()["errors"] == []
    for path in ("/observations", "/v2/observations"):
        for params in ({"userId": "EU"}, asking("string", "traceName", "=", "EN")):
            assert [row["id"] for row in (await site.get(path, **params))["data"]] == ["late-call"]
