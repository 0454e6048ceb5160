"""The `filter` parameter over observations, traces and scores: every type of condition, and what is refused."""

import json
from typing import Any

import pytest
import pytest_asyncio

from server.edges.running_site import HERE, Sent, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


def condition(kind: str, column: str, operator: str, value: Any = None, key: str | None = None) -> dict[str, Any]:
    return {"type": kind, "column": column, "operator": operator, "value": value} | ({"key": key} if key else {})


async def found(site: Site, path: str, *conditions: dict[str, Any], **params: Any) -> set[str]:
    page = await site.get(path, filter=json.dumps(conditions), **params)
    return {row["id"] for row in page["data"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(site: Site) -> dict[str, Sent]:
    """Three spans of as many traces, in one session."""
    common = {"session.id": "filtered"}
    return {
        "short": await site.send(
            common
            | {
                "langfuse.observation.input": "what is Red ?",
                "langfuse.observation.metadata.place": "here",
                "langfuse.observation.metadata.count": "3",
                "langfuse.observation.metadata.sure": "true",
                "langfuse.trace.tags": "a,b",
                "user.id": "ada",
            },
            name="ask/short",
        ),
        "model": await site.send(
            common
            | {
                "langfuse.observation.type": "generation",
                "langfuse.observation.model.name": "nobody-knows-it",
                "langfuse.observation.usage_details": '{"input":10,"output":5}',
                "langfuse.observation.cost_details": '{"total":0.5}',
                "langfuse.trace.tags": "b",
                "langfuse.trace.metadata.region": "eu",
            },
            name="ask/model",
        ),
        "failed": await site.send(common | {"langfuse.observation.level": "ERROR"}, name="other"),
    }


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (condition("string", "name", "starts with", "ask/"), {"short", "model"}),
        (condition("string", "name", "ends with", "el"), {"model"}),
        (condition("string", "name", "does not contain", "ask"), {"failed"}),
        (condition("string", "input", "contains", "Red"), {"short"}),
        (condition("string", "input", "matches", "red"), {"short"}),
        (condition("stringOptions", "level", "any of", ["ERROR", "WARNING"]), {"failed"}),
        (condition("stringOptions", "type", "none of", ["GENERATION"]), {"short", "failed"}),
        (condition("number", "totalTokens", ">=", 15), {"model"}),
        (condition("number", "totalCost", "<", 0.1), {"short", "failed"}),
        (condition("number", "latency", "=", 0.25), {"short", "model", "failed"}),
        (condition("number", "tokens", ">=", 15), {"model"}),
        (condition("number", "tokensPerSecond", "=", 20), {"model"}),
        (condition("number", "inputTokens", "=", 10), {"model"}),
        (condition("datetime", "endTime", "<", "2020-01-01T00:00:00Z"), set()),
        (condition("arrayOptions", "traceTags", "any of", ["a"]), {"short"}),
        (condition("arrayOptions", "tags", "none of", ["a"]), {"model", "failed"}),
        (condition("stringObject", "metadata", "=", "here", "place"), {"short"}),
        (condition("stringObject", "metadata", "=", "eu", "region"), {"model"}),
        (condition("stringObject", "metadata", "matches", "eu", "region"), {"model"}),
        (condition("stringObject", "metadata", "matches", "EU", "region"), set()),
        (condition("stringObject", "metadata", "matches", "e", "region"), set()),
        (condition("categoryOptions", "metadata", "any of", ["here", "there"], "place"), {"short"}),
        (condition("categoryOptions", "metadata", "none of", ["here"], "place"), {"model", "failed"}),
        (condition("numberObject", "metadata", ">", 2, "count"), {"short"}),
        (condition("booleanObject", "metadata", "=", True, "sure"), {"short"}),
        (condition("boolean", "isRootObservation", "<>", False), {"short", "model", "failed"}),
        (condition("null", "userId", "is null"), {"model", "failed"}),
        (condition("null", "model", "is not null"), {"model"}),
    ],
)
async def test_observations_are_found_by_every_type(
    site: Site, sent: dict[str, Sent], asked: dict[str, Any], names: set[str]
):
    ids = {sent[name].span_id for name in names}
    assert await found(site, "/v2/observations", asked, sessionId="filtered") == ids
    in_session = condition("string", "sessionId", "=", "filtered")
    assert await found(site, "/observations", asked, in_session) == ids


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (condition("string", "name", "contains", "ask"), {"short", "model"}),
        (condition("stringOptions", "userId", "none of", ["ada"]), {"model", "failed"}),
        (condition("arrayOptions", "tags", "any of", ["a", "b"]), {"short", "model"}),
        (condition("arrayOptions", "tags", "all of", ["a", "b"]), {"short"}),
        (condition("number", "errorCount", ">", 0), {"failed"}),
        (condition("number", "latency", ">", 1), set()),
        (condition("number", "totalCost", ">=", 0.01), {"model"}),
        (condition("number", "totalCost", "<", 0.01), {"short", "failed"}),
        (condition("number", "inputCost", ">", 0), set()),
        (condition("number", "outputCost", "=", 0), {"short", "model", "failed"}),
        (condition("number", "inputTokens", "=", 10), {"model"}),
        (condition("number", "outputTokens", "=", 5), {"model"}),
        (condition("number", "totalTokens", "=", 15), {"model"}),
        (condition("number", "tokens", "<", 15), {"short", "failed"}),
        (condition("string", "level", "=", "ERROR"), {"failed"}),
        (condition("stringOptions", "level", "any of", ["DEFAULT"]), {"short", "model"}),
        (condition("number", "warningCount", ">", 0), set()),
        (condition("number", "defaultCount", ">", 0), {"short", "model"}),
        (condition("number", "debugCount", "=", 0), {"short", "model", "failed"}),
        (condition("boolean", "bookmarked", "=", False), {"short", "model", "failed"}),
        (condition("boolean", "bookmarked", "=", True), set()),
        (condition("categoryOptions", "metadata", "any of", ["eu"], "region"), {"model"}),
        (condition("stringObject", "metadata", "starts with", "e", "region"), {"model"}),
        (condition("null", "userId", "is not null"), {"short"}),
        (condition("boolean", "public", "=", False), {"short", "model", "failed"}),
        (condition("datetime", "timestamp", ">", "2020-01-01T00:00:00Z"), {"short", "model", "failed"}),
    ],
)
async def test_traces_are_found_by_what_their_rows_add_up_to(
    site: Site, sent: dict[str, Sent], asked: dict[str, Any], names: set[str]
):
    assert await found(site, "/traces", asked, sessionId="filtered") == {sent[name].trace_id for name in names}


async def test_traces_are_found_by_their_scores(site: Site, sent: dict[str, Sent]):
    for name, value in (("short", 0.2), ("model", 0.9)):
        for body in (
            {"name": "f-mean", "value": value},
            {"name": "f-colour", "value": "red" if value > 0.5 else "blue"},
        ):
            scored = {"traceId": sent[name].trace_id, **body}
            assert (await site.client.post("/api/public/scores", json=scored, headers=HERE)).status_code == 200
    high = condition("numberObject", "scores_avg", ">", 0.5, "f-mean")
    assert await found(site, "/traces", high) == {sent["model"].trace_id}
    yes = {"name": "f-yes", "value": 1, "dataType": "BOOLEAN", "traceId": sent["short"].trace_id}
    assert (await site.client.post("/api/public/scores", json=yes, headers=HERE)).status_code == 200
    for value, names in ((True, {"short"}), (False, set())):
        truth = condition("booleanObject", "scores", "=", value, "f-yes")
        assert await found(site, "/traces", truth) == {sent[name].trace_id for name in names}
    red = condition("categoryOptions", "score_categories", "none of", ["red"], "f-colour")
    assert await found(site, "/traces", red, sessionId="filtered") == {sent["short"].trace_id, sent["failed"].trace_id}


async def test_scores_are_found_by_their_traces_and_by_themselves(site: Site, sent: dict[str, Sent]):
    ids = {}
    for name in ("short", "model"):
        body = {"name": "f-own", "value": len(name), "traceId": sent[name].trace_id, "metadata": {"by": name}}
        ids[name] = (await site.client.post("/api/public/scores", json=body, headers=HERE)).json()["id"]

    async def scores(**params: Any) -> set[str]:
        return {row["id"] for row in (await site.get("/v2/scores", name="f-own", **params))["data"]}

    assert await scores(userId="ada") == {ids["short"]}
    assert await scores(traceTags="b") == set(ids.values())
    assert await scores(traceTags="a,b") == {ids["short"]}
    assert await scores(filter=json.dumps([condition("stringObject", "metadata", "=", "model", "by")])) == {
        ids["model"]
    }
    assert await scores(filter=json.dumps([condition("number", "value", ">", 100)])) == set()


@pytest.mark.parametrize(
    ("path", "asked", "said"),
    [
        ("/traces", condition("string", "moon", "=", "x"), "moon"),
        ("/traces", condition("number", "name", "=", 1), "does not fit 'name'"),
        ("/observations", condition("string", "name", "any of", "x"), "operator"),
        ("/observations", condition("number", "latency", "=", "fast"), "value"),
        ("/observations", condition("stringObject", "metadata", "=", "x"), "key"),
        ("/v2/observations", condition("moonphase", "name", "=", "x"), "moonphase"),
        ("/v2/scores", condition("boolean", "value", "=", True), "does not fit 'value'"),
    ],
)
async def test_a_condition_that_makes_no_sense_is_refused(site: Site, path: str, asked: dict[str, Any], said: str):
    params = {"filter": json.dumps([asked])}
    answer = await site.client.get(f"/api/public{path}", params=params, headers=HERE)
    assert (answer.status_code, said in answer.text) == (400, True), answer.text


@pytest.mark.parametrize("path", ["/scores", "/v2/scores"])
async def test_an_unknown_source_of_scores_is_refused(site: Site, path: str):
    answer = await site.client.get(f"/api/public{path}", params={"source": "bogus"}, headers=HERE)
    assert (answer.status_code, "ANNOTATION" in answer.text) == (400, True), answer.text
    for source in ("API", "ANNOTATION", "EVAL"):
        await site.get(path, source=source)


@pytest.mark.parametrize("path", ["/traces", "/observations", "/v2/observations"])
async def test_a_column_of_the_filter_takes_the_place_of_its_parameter(site: Site, sent: dict[str, Sent], path: str):
    of_session = condition("string", "sessionId", "=", "filtered")
    ask = condition("string", "name", "contains", "ask")
    id_of = "trace_id" if path == "/traces" else "span_id"
    wanted = {getattr(sent[name], id_of) for name in ("short", "model")}
    assert await found(site, path, of_session, ask, name="nowhere") == wanted
    time = {"/traces": ("timestamp", "fromTimestamp")}.get(path, ("startTime", "fromStartTime"))
    since = condition("datetime", time[0], ">", "2020-01-01T00:00:00Z")
    assert await found(site, path, of_session, ask, since, **{time[1]: "2090-01-01T00:00:00Z"}) == wanted
    default = condition("stringOptions", "environment", "none of", ["nowhere"])
    assert await found(site, path, of_session, ask, default, environment="nowhere") == wanted
    # Parameters of other columns still hold, and so do two conditions on one.
    assert await found(site, path, ask, userId="ada") >= {getattr(sent["short"], id_of)}
    both = condition("string", "name", "=", "ask/short"), condition("string", "name", "=", "ask/model")
    assert await found(site, path, of_session, *both) == set()
    until = [condition("datetime", time[0], "<", f"{year}-01-01T00:00:00Z") for year in (2021, 2090)]
    assert await found(site, path, of_session, *until) == set()


async def test_what_wrappers_repeat_is_counted_once_by_filters_too(site: Site):
    usage = {
        "langfuse.observation.usage_details": '{"input":7,"input_cached_tokens":2,"output":1}',
        "langfuse.observation.cost_details": '{"input":0.2,"output":0.1}',
    }
    outer = await site.send({**usage, "session.id": "wrapped"}, name="chain")
    call = usage | {"langfuse.observation.type": "generation"}
    middle = await site.send(call, name="wrapper", trace_id=outer.trace_id, parent=outer.span_id)
    await site.send(call, name="call", trace_id=outer.trace_id, parent=middle.span_id)
    [trace] = (await site.get("/traces", sessionId="wrapped"))["data"]
    assert trace["totalCost"] == pytest.approx(0.3)
    for column, value in (("inputTokens", 9), ("outputTokens", 1), ("totalTokens", 10)):
        exactly = condition("number", column, "=", value)
        assert await found(site, "/traces", exactly, sessionId="wrapped") == {outer.trace_id}, column
    for column, value in (("inputCost", 0.2), ("outputCost", 0.1), ("totalCost", 0.3)):
        between = condition("number", column, ">", value - 0.01), condition("number", column, "<", value + 0.01)
        assert await found(site, "/traces", *between, sessionId="wrapped") == {outer.trace_id}, column
