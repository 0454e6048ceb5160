"""Traces of long ago, as an import brings them: kept, counted and listed at their times."""

from datetime import UTC, datetime

import pytest

from server.edges.running_site import HERE, Site
from sightline.server.edges.answers import iso

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_year_has_four_digits():
    assert iso(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000Z"
    assert iso(datetime(2026, 5, 1, 12, 0, 0, 123_999, tzinfo=UTC)) == "2026-05-01T12:00:00.123Z"


async def test_what_is_counted_is_listed_whatever_its_time(site: Site):
    times = ("2000-01-01T00:00:00Z", "2001-09-09T00:00:00Z", "2026-01-01T00:00:00Z")
    batch = [
        {"id": f"old-{time}", "type": "trace-create", "timestamp": time, "body": {"id": time, "timestamp": time}}
        for time in times
    ]
    answer = await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE)
    assert answer.json()["errors"] == []
    listed = await site.get("/traces")
    assert {row["id"] for row in listed["data"]} == set(times)
    assert listed["meta"]["totalItems"] == len(times)
    assert all(len(row["timestamp"]) == len("2026-01-01T00:00:00.000Z") for row in listed["data"])
    early = await site.get("/traces", fromTimestamp="1950-01-01T00:00:00Z", toTimestamp="2001-01-01T00:00:00Z")
    assert [row["timestamp"] for row in early["data"]] == ["2000-01-01T00:00:00.000Z"]
