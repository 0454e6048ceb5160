"""Every field with every operator finds the same rows through the list, observations, metrics and the page's API."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from server.edges.running_site import HERE, Site
from sightline.server.questions import GRAMMAR, Field
from sightline.server.tracing.fields import OBSERVATION_FIELDS, TRACE_FIELDS

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIDE = {"fromTimestamp": "2020-01-01T00:00:00Z", "toTimestamp": "2100-01-01T00:00:00Z"}
TEXTS = ("ask", "call", "gpt", "DEFAULT", "a", "1")
TIME = "2026-11-02T12:00:00Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def rows(site: Site) -> None:
    """A few traces that differ in everything that can be asked about."""
    for number, name in enumerate(("ask", "call", "ask again")):
        root = await site.send(
            {
                "user.id": f"user-{number % 2}",
                "session.id": "one" if number else "",
                "langfuse.trace.tags": "a,b" if number else "b",
                "langfuse.release": f"r{number}",
                "langfuse.version": f"{number}",
                "langfuse.environment": "staging" if number == 2 else "default",
                "langfuse.observation.metadata.team": "lab" if number else "1",
                "langfuse.observation.input": "what is it",
                "langfuse.observation.output": "a duck" if number else "",
                "langfuse.trace.public": number == 1,
            },
            name=name,
        )
        await site.send(
            {
                "langfuse.observation.type": "generation",
                "gen_ai.request.model": f"gpt-{number}",
                "gen_ai.usage.input_tokens": 10 * number,
                "gen_ai.usage.output_tokens": 1,
                "langfuse.observation.cost_details": json.dumps({"input": 0.5, "total": float(number)}),
                "langfuse.observation.level": "ERROR" if number else "WARNING",
                "langfuse.observation.prompt.name": "talk",
                "langfuse.observation.prompt.version": number + 1,
            },
            name="call",
            trace_id=root.trace_id,
            parent=root.span_id,
        )
        score = {"name": "good", "value": float(number), "traceId": root.trace_id}
        assert (await site.client.post("/api/public/scores", json=score, headers=HERE)).status_code == 200


def questions(fields: Mapping[str, Field]) -> Iterator[dict[str, Any]]:
    """One condition for each field, type and operator."""
    for column, field in fields.items():
        for name, grammar in GRAMMAR.items():
            if field.kind in grammar.fits:
                for operator in grammar.operators:
                    key = {"key": "good" if field.kind == "scores" else "team"} if grammar.is_keyed else {}
                    for value in values(grammar.operand):
                        yield {"column": column, "type": name, "operator": operator, "value": value, **key}


def values(operand: str) -> list[Any]:
    return {
        "text": list(TEXTS[:3]),
        "texts": [["ask", "a", "one"], ["DEFAULT", "GENERATION", "user-1"]],
        "number": [0, 1.5],
        "time": [TIME],
        "truth": [True, False],
        "none": [None],
    }[operand]


async def counted(site: Site, view: str, condition: Any, measure: str) -> tuple[int, float]:
    query = {
        "view": view,
        "metrics": [{"measure": "count", "aggregation": "count"}, {"measure": measure, "aggregation": "sum"}],
        "filters": [condition],
        **WIDE,
    }
    [row] = (await site.get("/metrics", query=json.dumps(query)))["data"]
    return int(row["count_count"]), float(row[f"sum_{measure}"] or 0)


@pytest.mark.parametrize("column", TRACE_FIELDS)
async def test_a_field_of_traces_is_the_same_in_list_page_charts_and_metrics(
    site: Site, ada: httpx2.AsyncClient, column: str
):
    found = 0
    for condition in questions({column: TRACE_FIELDS[column]}):
        text = json.dumps([condition])
        listed = await site.get("/traces", filter=text)
        ids = [row["id"] for row in listed["data"]]
        page = await ada.get("/api/web/projects/here/traces", params={"filter": text})
        series = await ada.get("/api/web/projects/here/traces/series", params={"filter": text})
        assert [row["id"] for row in page.json()["data"]] == ids, condition
        assert listed["meta"]["totalItems"] == len(ids), condition
        assert (series.json()["whole"] or {"count": 0})["count"] == len(ids), condition
        count, cost = await counted(site, "traces", condition, "totalCost")
        assert (count, cost) == (len(ids), pytest.approx(sum(row["totalCost"] for row in listed["data"]))), condition
        found += len(ids)
    assert found, "no condition on this field found anything: the rows must differ in it"


@pytest.mark.parametrize("column", OBSERVATION_FIELDS)
async def test_a_field_of_observations_is_the_same_in_both_reads_and_in_metrics(site: Site, column: str):
    found = 0
    for condition in questions({column: OBSERVATION_FIELDS[column]}):
        text = json.dumps([condition])
        current = await site.get("/v2/observations", filter=text, fields="core,usage", limit=100)
        legacy = await site.get("/observations", filter=text, limit=100)
        ids = [row["id"] for row in current["data"]]
        assert [row["id"] for row in legacy["data"]] == ids, condition
        assert legacy["meta"]["totalItems"] == len(ids), condition
        count, cost = await counted(site, "observations", condition, "totalCost")
        told = sum(row["costDetails"].get("total", 0) for row in current["data"])
        assert (count, cost) == (len(ids), pytest.approx(told)), condition
        found += len(ids)
    assert found, "no condition on this field found anything: the rows must differ in it"


async def test_what_names_a_trace_is_said_once():
    from pathlib import Path

    import sightline.server

    sources = Path(sightline.server.__file__).parent.rglob("*.py")
    said = [path for path in sources for _ in range(path.read_text().count("argMaxIf(trace_name"))]
    assert [path.name for path in said] == ["summaries.py"]
