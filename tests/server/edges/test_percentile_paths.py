"""Percentiles of metrics, against figures worked out by hand."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.edges.running_site import Site
from server.tracing.making import observation
from sightline.server.accounts.records import ProjectId

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = ProjectId("here")


async def percentiles(site: Site, latencies_s: list[float], day: int) -> dict[str, float]:
    """Of the latencies of as many observations, in milliseconds."""
    begin = datetime(2026, 10, day, tzinfo=UTC)
    rows = [
        observation(
            f"p{day}", f"p{day}-{place}", project_id=HERE, start_time=begin, end_time=begin + timedelta(seconds=latency)
        )
        for place, latency in enumerate(latencies_s)
    ]
    await site.app.state.services.tracing.record(HERE, rows)
    asked: dict[str, Any] = {
        "view": "observations",
        "metrics": [{"measure": "latency", "aggregation": name} for name in ("p50", "p75", "p90", "p95", "p99")],
        "fromTimestamp": begin.isoformat(),
        "toTimestamp": (begin + timedelta(days=1)).isoformat(),
    }
    [row] = (await site.get("/v2/metrics", query=json.dumps(asked)))["data"]
    return {name.removesuffix("_latency"): value for name, value in row.items()}


async def test_few_values_are_interpolated(site: Site):
    thirty = await percentiles(site, [180.0 * place for place in range(1, 31)], day=1)
    # The place among 0 … 29 is 29 × 0.5 = 14.5: halfway from the 15th value, 2700 s, to the 16th, 2880 s.
    assert thirty["p50"] == pytest.approx(2_790_000)
    assert thirty["p75"] == pytest.approx(180_000 * (1 + 21.75))
    assert thirty["p90"] == pytest.approx(180_000 * (1 + 26.1))
    fifteen = await percentiles(site, [float(place) for place in range(1, 16)], day=2)
    assert fifteen["p95"] == pytest.approx(14_300)
    assert fifteen["p99"] == pytest.approx(14_860)


async def test_many_values_are_close(site: Site):
    many = await percentiles(site, [place / 1000 for place in range(1, 10_001)], day=3)
    expected = {"p50": 5_000.5, "p75": 7_500.25, "p90": 9_000.1, "p95": 9_500.05, "p99": 9_900.01}
    assert many == {name: pytest.approx(value, rel=0.003) for name, value in expected.items()}
