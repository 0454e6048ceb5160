"""Metrics at Langfuse's paths: what can be asked, what comes back, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from server.edges.running_site import ELSEWHERE, HERE, Sent, Site
from server.edges.sdk import sdk
from sightline.server.dashboards.store.views import VIEWS

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY: dict[str, Any] = {"fromTimestamp": "2026-11-02T00:00:00Z", "toTimestamp": "2026-11-03T00:00:00Z"}
COUNT = [{"measure": "count", "aggregation": "count"}]


def nanoseconds(minutes: float) -> int:
    return int((NOON + timedelta(minutes=minutes)).timestamp()) * 1_000_000_000


async def span(site: Site, minutes: float, seconds: float = 1, **attributes: Any) -> Sent:
    name = attributes.pop("name", "work")
    start = nanoseconds(minutes)
    end = start + int(seconds * 1e9)
    trace_id, parent = attributes.pop("trace_id", None), attributes.pop("parent", "")
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    return await site.send(
        given, name=name, start_time_unix_nano=start, end_time_unix_nano=end, trace_id=trace_id, parent=parent
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def day(site: Site) -> list[Sent]:
    """Three observations of one day in two traces, and scores on them."""
    first = await span(
        site, 0, 2, name="ask", user__id="ada", session__id="s1", langfuse__trace__tags="red,blue",
        langfuse__trace__name="chat", langfuse__observation__metadata__team="lab",
    )  # fmt: skip
    model = {
        "langfuse__observation__type": "generation",
        "gen_ai__request__model": "m-1",
        "langfuse__observation__usage_details": '{"input": 10, "input_cached_tokens": 5, "output": 20, "total": 35}',
        "langfuse__observation__cost_details": '{"input": 0.25, "output": 0.5, "total": 0.75}',
    }
    second = await span(site, 1, 4, name="call", trace_id=first.trace_id, parent=first.span_id, user__id="ada", **model)
    third = await span(site, 90, 1, name="ask", user__id="eve", langfuse__environment="staging")
    for body in (
        {"name": "good", "value": 0.5, "traceId": first.trace_id, "observationId": second.span_id},
        {"name": "good", "value": 1.0, "traceId": third.trace_id},
        {"name": "fine", "value": 1, "dataType": "BOOLEAN", "traceId": third.trace_id},
        {"name": "colour", "value": "red", "traceId": third.trace_id},
    ):
        stamped = body | {"timestamp": NOON.isoformat()}
        answer = await site.client.post("/api/public/scores", json=stamped, headers=HERE)
        assert answer.status_code == 200, answer.text
    return [first, second, third]


async def ask(site: Site, path: str = "/v2/metrics", **query: Any) -> list[dict[str, Any]]:
    whole = {"view": "observations", "metrics": COUNT, **DAY, **query}
    rows: list[dict[str, Any]] = (await site.get(path, query=json.dumps(whole)))["data"]
    return rows


async def refused(site: Site, path: str = "/v2/metrics", **query: Any) -> str:
    whole = {"view": "observations", "metrics": COUNT, **DAY, **query}
    answer = await site.client.get(f"/api/public{path}", params={"query": json.dumps(whole)}, headers=HERE)
    assert answer.status_code == 400, answer.text
    return str(answer.json())


def metric(measure: str, aggregation: str = "sum") -> dict[str, str]:
    return {"measure": measure, "aggregation": aggregation}


async def test_the_client_reads_a_count(site: Site):
    async with sdk(site) as api:
        query = {"view": "observations", "metrics": COUNT, **DAY}
        assert (await api.metrics.metrics(query=json.dumps(query))).data == [{"count_count": 3}]


@pytest.mark.parametrize(
    ("measure", "aggregation", "value"),
    [
        ("latency", "max", 4000),
        ("latency", "avg", 7000 / 3),
        ("latency", "p50", 2000),
        ("inputTokens", "sum", 15),
        ("outputTokens", "sum", 20),
        ("totalTokens", "sum", 35),
        ("totalTokens", "avg", 35),
        ("outputTokensPerSecond", "max", 5),
        ("tokensPerSecond", "max", 8.75),
        ("inputCost", "sum", 0.25),
        ("totalCost", "sum", 0.75),
        ("uniqueUserIds", "uniq", 2),
        ("uniqueSessionIds", "uniq", 1),
        ("traceId", "uniq", 2),
        ("countScores", "sum", 1),
        ("streamingLatency", "max", None),
    ],
)
async def test_measures_of_observations(site: Site, measure: str, aggregation: str, value: float):
    [row] = await ask(site, metrics=[metric(measure, aggregation)])
    assert row == {f"{aggregation}_{measure}": value if value is None else pytest.approx(value)}


@pytest.mark.parametrize(
    ("dimension", "values"),
    [
        ("name", {"ask": 2, "call": 1}),
        ("type", {"SPAN": 2, "GENERATION": 1}),
        ("environment", {"default": 2, "staging": 1}),
        ("isRootObservation", {True: 2, False: 1}),
        ("providedModelName", {None: 2, "m-1": 1}),
        ("traceName", {"chat": 2, "ask": 1}),
        ("startTimeMonth", {"2026-11": 3}),
        ("promptVersion", {None: 3}),
    ],
)
async def test_dimensions_of_observations(site: Site, dimension: str, values: dict[Any, int]):
    rows = await ask(site, dimensions=[{"field": dimension}])
    assert {row[dimension]: row["count_count"] for row in rows} == values


async def test_tags_group_as_a_whole(site: Site):
    rows = await ask(site, dimensions=[{"field": "tags"}])
    assert sorted((row["tags"], row["count_count"]) for row in rows) == [([], 1), (["blue", "red"], 2)]


async def test_costs_and_usage_by_their_types(site: Site):
    rows = await ask(site, dimensions=[{"field": "costType"}], metrics=[metric("costByType")])
    assert rows == [{"costType": "output", "sum_costByType": 0.5}, {"costType": "input", "sum_costByType": 0.25}]
    rows = await ask(site, dimensions=[{"field": "usageType"}], metrics=[metric("usageByType")])
    assert {row["usageType"]: row["sum_usageByType"] for row in rows} == {
        "input": 10,
        "input_cached_tokens": 5,
        "output": 20,
    }


async def test_steps_of_time_are_filled_up(site: Site):
    rows = await ask(site, timeDimension={"granularity": "hour"})
    assert len(rows) == 24
    assert (rows[12]["time_dimension"], rows[12]["count_count"]) == ("2026-11-02T12:00:00.000Z", 2)
    assert sum(row["count_count"] for row in rows) == 3


@pytest.mark.parametrize(
    ("granularity", "steps"), [("auto", 48), ("day", 1), ("minute", 3), ("week", 1), ("month", 1), ("30m", 48)]
)
async def test_every_granularity_is_a_step_of_time(site: Site, granularity: str, steps: int):
    assert len(await ask(site, timeDimension={"granularity": granularity})) == steps


async def test_time_beside_a_dimension_has_only_what_happened(site: Site):
    rows = await ask(site, timeDimension={"granularity": "hour"}, dimensions=[{"field": "name"}])
    assert [(row["time_dimension"][11:13], row["count_count"]) for row in rows].count(("12", 1)) == 2
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ({"type": "string", "column": "name", "operator": "=", "value": "ask"}, 2),
        ({"type": "string", "column": "name", "operator": "contains", "value": "al"}, 1),
        ({"type": "string", "column": "name", "operator": "does not contain", "value": "al"}, 2),
        ({"type": "string", "column": "name", "operator": "starts with", "value": "a"}, 2),
        ({"type": "string", "column": "name", "operator": "ends with", "value": "l"}, 1),
        ({"type": "stringOptions", "column": "userId", "operator": "any of", "value": ["ada", "x"]}, 2),
        ({"type": "stringOptions", "column": "userId", "operator": "none of", "value": ["ada"]}, 1),
        ({"type": "arrayOptions", "column": "tags", "operator": "all of", "value": ["red", "blue"]}, 2),
        ({"type": "arrayOptions", "column": "tags", "operator": "any of", "value": ["red", "x"]}, 2),
        ({"type": "arrayOptions", "column": "tags", "operator": "none of", "value": ["red"]}, 1),
        ({"type": "boolean", "column": "isRootObservation", "operator": "=", "value": True}, 2),
        ({"type": "boolean", "column": "isRootObservation", "operator": "<>", "value": True}, 1),
        ({"type": "number", "column": "latency", "operator": ">", "value": 1.5}, 2),
        ({"type": "null", "column": "providedModelName", "operator": "is null", "value": ""}, 2),
        ({"type": "null", "column": "promptVersion", "operator": "is not null", "value": ""}, 0),
        ({"type": "datetime", "column": "startTime", "operator": ">=", "value": "2026-11-02T13:00:00Z"}, 1),
        ({"type": "stringObject", "column": "metadata", "key": "team", "operator": "=", "value": "lab"}, 1),
        ({"type": "numberObject", "column": "metadata", "key": "team", "operator": ">", "value": 1}, 0),
    ],
)
async def test_filters(site: Site, condition: dict[str, Any], count: int):
    [row] = await ask(site, filters=[condition])
    assert row["count_count"] == count


async def test_scores_are_measured_by_type_and_know_their_trace_and_observation(site: Site):
    numbers = await ask(
        site, view="scores-numeric", dimensions=[{"field": "name"}], metrics=[metric("value", "avg"), *COUNT]
    )
    assert {row["name"]: (row["avg_value"], row["count_count"]) for row in numbers} == {
        "good": (0.75, 2),
        "fine": (1, 1),
    }
    [truth] = await ask(site, view="scores-boolean", dimensions=[{"field": "booleanValue"}])
    assert truth == {"booleanValue": True, "count_count": 1}
    [colour] = await ask(site, view="scores-categorical", dimensions=[{"field": "stringValue"}])
    assert colour == {"stringValue": "red", "count_count": 1}
    by_model = await ask(site, view="scores-numeric", dimensions=[{"field": "observationModelName"}])
    assert {row["observationModelName"]: row["count_count"] for row in by_model} == {"m-1": 1, None: 2}
    by_trace = await ask(site, view="scores-numeric", dimensions=[{"field": "traceName"}])
    assert {row["traceName"]: row["count_count"] for row in by_trace} == {"chat": 1, "ask": 2}


async def test_a_replaced_score_counts_once(site: Site):
    for value in (0.1, 0.9):
        body = {"id": "twice", "name": "again", "value": value, "traceId": "t", "timestamp": NOON.isoformat()}
        await site.client.post("/api/public/scores", json=body, headers=HERE)
    where = [{"type": "string", "column": "name", "operator": "=", "value": "again"}]
    [row] = await ask(site, view="scores-numeric", metrics=[metric("value", "avg"), *COUNT], filters=where)
    assert row == {"avg_value": 0.9, "count_count": 1}
    await site.client.delete("/api/public/scores/twice", headers=HERE)


async def test_a_histogram_has_bins_of_lower_upper_and_height(site: Site):
    [row] = await ask(site, metrics=[metric("latency", "histogram")], config={"bins": 2})
    bins = row["histogram_latency"]
    assert len(bins) == 2
    assert sum(height for _, _, height in bins) == pytest.approx(3)


async def test_the_largest_few_of_an_id_can_be_asked_for(site: Site):
    rows = await ask(
        site,
        dimensions=[{"field": "userId"}],
        orderBy=[{"field": "count_count", "direction": "desc"}],
        config={"row_limit": 1},
    )
    assert rows == [{"userId": "ada", "count_count": 2}]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"view": "moons"}, "view"),
        ({"view": "traces"}, "view"),
        ({"dimensions": [{"field": "moon"}]}, "dimension 'moon' is unknown"),
        ({"metrics": [metric("moon")]}, "measure 'moon' is unknown"),
        ({"metrics": [metric("count", "product")]}, "aggregation"),
        ({"metrics": []}, "metrics"),
        ({"metrics": [*COUNT, *COUNT]}, "twice"),
        ({"metrics": [metric("uniqueUserIds", "avg")]}, "different values"),
        ({"toTimestamp": "2026-11-01T00:00:00Z"}, "before"),
        ({"fromTimestamp": None}, "fromTimestamp"),
        ({"config": {"bins": 101}}, "bins"),
        ({"config": {"row_limit": 1001}}, "row_limit"),
        ({"timeDimension": {"granularity": "fortnight"}}, "granularity"),
        ({"orderBy": [{"field": "moon", "direction": "asc"}]}, "orderBy"),
        ({"dimensions": [{"field": "costType"}]}, "costByType only"),
        ({"dimensions": [{"field": "userId"}]}, "too many values"),
        ({"dimensions": [{"field": "traceId"}], "config": {"row_limit": 5}}, "too many values"),
        ({"filters": [{"type": "string", "column": "moon", "operator": "=", "value": "x"}]}, "'moon' is unknown"),
        ({"filters": [{"type": "string", "column": "name", "operator": "~", "value": "x"}]}, "operator '~'"),
        (
            {"filters": [{"type": "number", "column": "name", "operator": "=", "value": 1}]},
            "type 'number' does not fit",
        ),
        ({"filters": [{"type": "number", "column": "latency", "operator": "=", "value": "x"}]}, "use a number"),
        (
            {"filters": [{"type": "stringObject", "column": "metadata", "operator": "=", "value": "x"}]},
            "key is missing",
        ),
        ({"filters": [{"type": "datetime", "column": "startTime", "operator": ">", "value": "noon"}]}, "ISO 8601"),
    ],
)
async def test_a_question_without_an_answer_is_refused_and_says_why(site: Site, query: dict[str, Any], said: str):
    assert said in await refused(site, **query)


async def test_a_query_that_is_not_json_is_refused(site: Site):
    answer = await site.client.get("/api/public/v2/metrics", params={"query": "{"}, headers=HERE)
    assert answer.status_code == 400


async def test_every_dimension_and_measure_of_every_view_has_an_answer(site: Site):
    for name, view in VIEWS.items():
        for dimension, field in view.dimensions.items():
            by_type = {"costs": "costByType", "usages": "usageByType"}.get(field.needs or "", "count")
            rows = await ask(site, "/metrics", view=name, dimensions=[{"field": dimension}], metrics=[metric(by_type)])
            assert all({*row} == {dimension, f"sum_{by_type}"} for row in rows), (name, dimension)
        for measure, field in view.measures.items():
            kinds = ("uniq",) if field.kind == "text" else ("sum", "p99", "uniq", "histogram")
            for aggregation in kinds:
                [row] = await ask(site, "/metrics", view=name, metrics=[metric(measure, aggregation)])
                assert {*row} == {f"{aggregation}_{measure}"}, name


async def test_the_legacy_view_of_traces(site: Site):
    [row] = await ask(
        site,
        "/metrics",
        view="traces",
        metrics=[
            *COUNT,
            metric("observationsCount"),
            metric("totalCost"),
            metric("latency", "max"),
            metric("scoresCount"),
        ],
    )
    assert row == {
        "count_count": 2,
        "sum_observationsCount": 3,
        "sum_totalCost": 0.75,
        "max_latency": 64_000,
        "sum_scoresCount": 4,
    }


async def test_daily_totals(site: Site):
    window = {"fromTimestamp": DAY["fromTimestamp"], "toTimestamp": DAY["toTimestamp"]}
    found = await site.get("/metrics/daily", **window)
    assert found["meta"] == {"page": 1, "limit": 50, "totalItems": 1, "totalPages": 1}
    [day] = found["data"]
    assert (day["date"], day["countTraces"], day["countObservations"], day["totalCost"]) == ("2026-11-02", 2, 3, 0.75)
    assert day["usage"] == [
        {
            "model": "m-1",
            "inputUsage": 15,
            "outputUsage": 20,
            "totalUsage": 35,
            "totalCost": 0.75,
            "countObservations": 1,
            "countTraces": 1,
        }
    ]


@pytest.mark.parametrize(
    ("params", "observations"),
    [
        ({"traceName": "chat"}, 2),
        ({"traceName": "ask"}, 1),
        ({"userId": "eve"}, 1),
        ({"tags": "red,blue"}, 2),
        ({"environment": "staging"}, 1),
    ],
)
async def test_daily_totals_of_some_traces(site: Site, params: dict[str, str], observations: int):
    window = {"fromTimestamp": DAY["fromTimestamp"], "toTimestamp": DAY["toTimestamp"]}
    [day] = (await site.get("/metrics/daily", **window, **params))["data"]
    assert day["countObservations"] == observations


async def test_another_project_measures_nothing_of_this_one(site: Site):
    query = json.dumps({"view": "observations", "metrics": COUNT, **DAY})
    answer = await site.client.get("/api/public/v2/metrics", params={"query": query}, headers=ELSEWHERE)
    assert answer.json()["data"] == [{"count_count": 0}]
    daily = await site.client.get("/api/public/metrics/daily", headers=ELSEWHERE)
    assert daily.json()["data"] == []


async def test_experiments_are_measured_by_name(site: Site):
    marks = {"langfuse.experiment.id": "e1", "langfuse.experiment.name": "tuned"}
    await site.send({**marks, "langfuse.environment": "sdk-experiment"}, start_time_unix_nano=nanoseconds(2_000))
    rows = await ask(
        site,
        fromTimestamp="2026-11-03T00:00:00Z",
        toTimestamp="2026-11-05T00:00:00Z",
        dimensions=[{"field": "experimentName"}],
        orderBy=[{"field": "count_count", "direction": "desc"}],
        config={"row_limit": 3},
    )
    assert rows == [{"experimentName": "tuned", "count_count": 1}]


async def test_tools_are_counted_as_offered_and_as_called(site: Site):
    call = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    said = {
        "langfuse__observation__type": "generation",
        "langfuse__trace__name": "with tools",
        "langfuse__observation__input": json.dumps({"messages": [], "tools": [call, {"name": "search"}]}),
        "langfuse__observation__output": json.dumps({"role": "assistant", "tool_calls": [call, call]}),
    }
    await span(site, 200, **said)
    query = {
        "view": "observations",
        "metrics": [{"measure": name, "aggregation": "sum"} for name in ("toolDefinitions", "toolCalls")],
        "filters": [{"column": "calledToolNames", "operator": "any of", "value": ["look"], "type": "arrayOptions"}],
        **DAY,
    }
    [row] = (await site.get("/v2/metrics", query=json.dumps(query)))["data"]
    assert {name: int(value) for name, value in row.items()} == {"sum_toolDefinitions": 2, "sum_toolCalls": 2}
