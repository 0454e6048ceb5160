"""Langfuse's paths: shapes, paging, filters and refusals as its clients expect them."""

from typing import Any

import pytest

from server.edges.running_site import HERE, SCORES_ONLY, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(site: Site, path: str, **params: Any) -> str:
    answer = await site.client.get(f"/api/public{path}", params=params, headers=HERE)
    assert answer.status_code == 400, answer.text
    return str(answer.json())


async def score(site: Site, **body: Any) -> Any:
    answer = await site.client.post("/api/public/scores", json=body, headers=HERE)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def test_health_ready_and_the_keys_project(site: Site):
    assert (await site.client.get("/api/public/health")).json()["status"] == "OK"
    assert (await site.client.get("/api/public/ready")).status_code == 200
    [project] = (await site.get("/projects"))["data"]
    assert (project["id"], project["organization"]["id"], project["metadata"]) == ("here", "lab", {})


async def test_a_server_that_drains_is_alive_but_not_ready(site: Site):
    site.app.state.draining = True
    try:
        assert (await site.client.get("/api/public/ready")).status_code == 503
        assert (await site.client.get("/api/public/health")).status_code == 200
    finally:
        site.app.state.draining = False


async def test_only_the_field_groups_asked_for_come_back(site: Site):
    sent = await site.send({"langfuse.observation.input": "q", "langfuse.observation.metadata.long": "x" * 300})
    core = {"id", "traceId", "startTime", "endTime", "projectId", "parentObservationId", "type"}
    [bare] = (await site.get("/v2/observations", traceId=sent.trace_id, fields="core"))["data"]
    assert {name for name, value in bare.items() if name in core or value is not None} == core
    assert {name for name in bare if name not in core} == {"modelId", "inputPrice", "outputPrice", "totalPrice"}
    [usual] = (await site.get("/v2/observations", traceId=sent.trace_id))["data"]
    assert {"name", "level", "isRootObservation"} <= set(usual)
    assert "input" not in usual
    [short] = (await site.get("/v2/observations", traceId=sent.trace_id, fields="metadata"))["data"]
    assert short["metadata"]["long"] == "x" * 200
    [full] = (await site.get("/v2/observations", traceId=sent.trace_id, fields="metadata", expandMetadata="long"))[
        "data"
    ]
    assert full["metadata"]["long"] == "x" * 300
    assert "nonsense" in await refused(site, "/v2/observations", fields="core,nonsense")
    assert "parseIoAsJson" in await refused(site, "/v2/observations", parseIoAsJson="true")


async def test_metadata_that_is_json_is_read_as_what_it_says(site: Site):
    values = {"number": "3", "text": "three", "list": "[1]", "quoted": '"a"'}
    attributes = {f"langfuse.observation.metadata.{name}": value for name, value in values.items()}
    sent = await site.send(attributes)
    wanted = {"number": 3, "text": "three", "list": [1], "quoted": '"a"'}
    [current] = (await site.get("/v2/observations", traceId=sent.trace_id, fields="metadata"))["data"]
    older = await site.get(f"/observations/{sent.span_id}")
    for row in (current, older, await site.get(f"/traces/{sent.trace_id}")):
        assert {name: row["metadata"][name] for name in values} == wanted


async def test_observations_are_found_by_what_the_parameters_say(site: Site):
    root = await site.send({"langfuse.environment": "e-1", "langfuse.trace.name": "t-name"}, name="root-1")
    child = await site.send(
        {"langfuse.observation.type": "generation", "langfuse.observation.level": "WARNING", "user.id": "u-1"},
        trace_id=root.trace_id,
        parent=root.span_id,
        name="child-1",
    )

    async def ids(**params: Any) -> set[str]:
        return {row["id"] for row in (await site.get("/v2/observations", **params))["data"]}

    assert await ids(traceId=root.trace_id) == {root.span_id, child.span_id}
    assert await ids(traceId=root.trace_id, isRootObservation="true") == {root.span_id}
    assert await ids(parentObservationId=root.span_id) == {child.span_id}
    assert await ids(traceId=root.trace_id, parentObservationId="") == {root.span_id}
    assert await ids(traceId=root.trace_id, type="GENERATION") == {child.span_id}
    assert await ids(traceId=root.trace_id, level="WARNING") == {child.span_id}
    assert await ids(userId="u-1") == {root.span_id, child.span_id}
    assert await ids(name="root-1") == {root.span_id}
    assert await ids(environment=["e-1", "e-2"]) == {root.span_id}
    where = '[{"type":"string","column":"%s","operator":"=","value":"%s"}]'
    assert await ids(filter=where % ("id", child.span_id)) == {child.span_id}
    assert await ids(filter=where % ("traceName", "t-name")) == {root.span_id, child.span_id}
    assert await ids(filter=where % ("type", "GENERATION"), traceId=root.trace_id) == {child.span_id}
    assert await ids(traceId=root.trace_id, fromStartTime="2100-01-01T00:00:00Z") == set()
    assert "moon" in await refused(site, "/v2/observations", filter=where % ("moon", "1"))
    assert "not JSON" in await refused(site, "/v2/observations", filter="[")
    assert "cursor" in await refused(site, "/v2/observations", cursor="!!")
    assert "Invalid request data" in await refused(site, "/v2/observations", limit="1001")
    assert "Invalid request data" in await refused(site, "/v2/observations", fromStartTime="yesterday")


async def test_the_legacy_list_counts_its_pages(site: Site):
    for number in range(3):
        await site.send({"session.id": "pages"}, name=f"n{number}")
    page = await site.get("/traces", sessionId="pages", limit=2, page=2)
    assert page["meta"] == {"page": 2, "limit": 2, "totalItems": 3, "totalPages": 2}
    assert len(page["data"]) == 1
    assert len(page["data"][0]["observations"]) == 1
    slim = await site.get("/traces", sessionId="pages", fields="core")
    assert "input" not in slim["data"][0]
    assert (slim["data"][0]["observations"], slim["data"][0]["scores"], slim["data"][0]["latency"]) == ([], [], -1)
    oldest = await site.get("/traces", sessionId="pages", orderBy="timestamp.asc", limit=1)
    assert oldest["data"][0]["name"] == "n0"
    by_name = await site.get("/traces", sessionId="pages", orderBy="name.asc")
    assert [trace["name"] for trace in by_name["data"]] == ["n0", "n1", "n2"]
    assert "orderBy" in await refused(site, "/traces", orderBy="moon.asc")
    assert "orderBy" in await refused(site, "/traces", orderBy="name.up")
    assert "Invalid request data" in await refused(site, "/traces", limit="101")


async def test_the_filter_parameter_goes_before_simple_ones(site: Site):
    sent = await site.send({"session.id": "filtered", "langfuse.trace.tags": "a,b"})
    conditions = '[{"type":"arrayOptions","column":"tags","operator":"all of","value":["a","b"]}]'
    found = await site.get("/traces", filter=conditions, sessionId="filtered")
    assert [trace["id"] for trace in found["data"]] == [sent.trace_id]


async def test_what_is_not_there_is_404_in_langfuses_words(site: Site):
    for path in ("/traces/none", "/observations/none", "/v2/scores/none", "/scores/none", "/media/none"):
        answer = await site.client.get(f"/api/public{path}", headers=HERE)
        assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError"), path
    unknown = await site.client.get("/api/public/no-such-thing", headers=HERE)
    assert (unknown.status_code, unknown.json()["error"]) == (404, "LangfuseNotFoundError")
    wrong_verb = await site.client.put("/api/public/projects", headers=HERE)
    assert (wrong_verb.status_code, wrong_verb.json()["error"]) == (405, "MethodNotAllowedError")
    written_only = await site.client.get("/api/public/ingestion", headers=HERE)
    assert (written_only.status_code, written_only.json()["error"]) == (405, "MethodNotAllowedError")


@pytest.mark.parametrize(
    ("body", "v2", "v3"),
    [
        ({"value": 0.5}, {"dataType": "NUMERIC", "value": 0.5}, 0.5),
        ({"value": "red"}, {"dataType": "CATEGORICAL", "value": 0, "stringValue": "red"}, "red"),
        ({"value": 1, "dataType": "BOOLEAN"}, {"dataType": "BOOLEAN", "value": 1, "stringValue": "True"}, True),
        ({"value": "good", "dataType": "TEXT"}, {"dataType": "TEXT", "stringValue": "good"}, "good"),
        ({"value": "7", "dataType": "CORRECTION"}, {"dataType": "CORRECTION", "stringValue": "7"}, "7"),
    ],
)
async def test_a_score_has_its_type_in_both_versions(site: Site, body: Any, v2: dict[str, Any], v3: Any):
    made = await score(site, name="n", traceId="typed", comment="c", metadata={"a": 1}, **body)
    older = await site.get(f"/v2/scores/{made}")
    assert {name: older.get(name) for name in v2} == v2
    assert ("value" in older) == (v2["dataType"] != "TEXT")
    [newer] = (await site.get("/v3/scores", id=made, fields="details,subject,annotation"))["data"]
    assert (newer["value"], newer["comment"], newer["metadata"]) == (v3, "c", {"a": 1})
    assert newer["subject"] == {"kind": "trace", "id": "typed"}
    assert "comment" not in (await site.get("/v3/scores", id=made))["data"][0]


async def test_older_reads_know_scores_of_traces_only_and_no_corrections(site: Site):
    await site.send({}, trace_id=f"{77_001:032x}")
    about = {"traceId": f"{77_001:032x}", "name": "first"}
    plain = await score(site, value=1, **about)
    correction = await score(site, value="so", dataType="CORRECTION", **about)
    session = await score(site, value=1, sessionId="s", name="first")
    assert [row["id"] for row in (await site.get("/scores", name="first"))["data"]] == [plain]
    assert {row["id"] for row in (await site.get("/v2/scores", name="first"))["data"]} == {plain, correction, session}
    trace = await site.get(f"/traces/{about['traceId']}")
    assert [row["id"] for row in trace["scores"]] == [plain]
    for hidden in (correction, session):
        assert (await site.client.get(f"/api/public/scores/{hidden}", headers=HERE)).status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"value": 1, "traceId": "t"}, "name"),
        ({"name": "n", "value": 1}, "traceId, sessionId or datasetRunId"),
        ({"name": "n", "value": 1, "observationId": "o", "sessionId": "s"}, "observationId needs traceId"),
        ({"name": "n", "value": 2, "dataType": "BOOLEAN", "traceId": "t"}, "0 or 1"),
        ({"name": "n", "value": "x", "dataType": "NUMERIC", "traceId": "t"}, "finite number"),
        ({"name": "n", "value": 1, "dataType": "CATEGORICAL", "traceId": "t"}, "a text"),
        ({"name": "n", "value": "x" * 501, "dataType": "TEXT", "traceId": "t"}, "500"),
        ({"name": "n", "value": 1, "traceId": "t", "source": "EVAL"}, "source"),
        ({"name": "n", "value": 1, "traceId": "t", "source": "ANNOTATION"}, "configId"),
        ({"name": "n", "value": [1], "traceId": "t"}, "value"),
        (3, "Invalid request data"),
    ],
)
async def test_a_wrong_score_says_what_is_wrong(site: Site, body: Any, said: str):
    answer = await site.client.post("/api/public/scores", json=body, headers=HERE)
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid request data")
    assert said in answer.text


async def test_a_list_of_scores_keeps_the_good_ones(site: Site):
    good = {"id": "kept", "name": "n", "value": 1, "traceId": "listed"}
    answer = await site.client.post("/api/public/scores", json=[good, {"name": "n"}], headers=HERE)
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (207, 1, 1)
    assert answer.json()["errors"][0]["message"].startswith("score 1: ")
    assert (await site.get("/v2/scores/kept"))["value"] == 1
    again = await site.client.post("/api/public/scores", json=[{**good, "value": 2}], headers=SCORES_ONLY)
    assert (again.status_code, again.json()["rejected"]) == (207, 1), "the public key alone changes no score"
    assert (await site.get("/v2/scores/kept"))["value"] == 1
    again = await site.client.post("/api/public/scores", json=[{**good, "value": 2}], headers=HERE)
    assert (again.status_code, again.json()) == (202, {"message": "Accepted"})
    assert (await site.get("/v2/scores/kept"))["value"] == 2


async def test_scores_are_found_by_what_the_parameters_say(site: Site):
    sent = await site.send({"user.id": "scored"})
    for value in (1, 2, 3):
        await score(site, name="steps", value=value, traceId=sent.trace_id, environment="found")
    await score(site, name="steps", value=1, dataType="BOOLEAN", traceId=sent.trace_id, observationId=sent.span_id)

    async def values(**params: Any) -> list[Any]:
        found = (await site.get("/v3/scores", traceId=sent.trace_id, **params))["data"]
        return sorted(row["value"] for row in found)

    assert await values(dataType="numeric", value="1,3") == [1, 3]
    assert await values(dataType="NUMERIC", valueMin=2) == [2, 3]
    assert await values(dataType="BOOLEAN", value="true") == [True]
    assert await values(observationId=sent.span_id) == [True]
    assert await values(environment="found", source="api") == [1, 2, 3]
    first = await site.get("/v3/scores", traceId=sent.trace_id, limit=3)
    rest = await site.get("/v3/scores", traceId=sent.trace_id, limit=3, cursor=first["meta"]["cursor"])
    assert len({row["id"] for row in first["data"] + rest["data"]}) == 4
    assert "cursor" not in rest["meta"]
    older = await site.get("/v2/scores", traceId=sent.trace_id, operator=">=", value=2)
    assert (older["meta"]["totalItems"], older["data"][0]["trace"]["userId"]) == (2, "scored")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"value": "1"}, "exactly one dataType"),
        ({"value": "x", "dataType": "TEXT"}, "exactly one dataType"),
        ({"value": "maybe", "dataType": "BOOLEAN"}, "true or false"),
        ({"value": "nan", "dataType": "NUMERIC"}, "finite number"),
        ({"valueMin": 1}, "dataType=NUMERIC"),
        ({"valueMax": 1, "dataType": "NUMERIC,BOOLEAN"}, "dataType=NUMERIC"),
        ({"observationId": "o"}, "needs traceId"),
        ({"traceId": "t", "sessionId": "s"}, "exclude each other"),
        ({"dataType": "COLOUR"}, "unknown"),
        ({"fields": "everything"}, "unknown field groups"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"limit": 101}, "Invalid request data"),
    ],
)
async def test_score_filters_that_make_no_sense_are_refused(site: Site, params: dict[str, Any], said: str):
    assert said in await refused(site, "/v3/scores", **params)


async def test_a_deleted_score_is_gone(site: Site):
    made = await score(site, name="n", value=1, traceId="t")
    answer = await site.client.delete(f"/api/public/scores/{made}", headers=HERE)
    assert answer.status_code == 202
    assert (await site.client.get(f"/api/public/v2/scores/{made}", headers=HERE)).status_code == 404


async def test_traces_are_deleted_by_list(site: Site):
    sent = [await site.send() for _ in range(2)]
    ids = [each.trace_id for each in sent]
    answer = await site.client.request("DELETE", "/api/public/traces", json={"traceIds": ids}, headers=HERE)
    assert answer.status_code == 200
    assert (await site.client.get(f"/api/public/traces/{ids[0]}", headers=HERE)).status_code == 404


async def test_every_event_of_a_batch_gets_its_own_verdict(site: Site):
    def event(number: int, kind: str, body: Any) -> dict[str, Any]:
        return {"id": f"e{number}", "type": kind, "timestamp": "2026-01-01T00:00:00Z", "body": body}

    batch = [
        event(1, "score-create", {"id": "from-batch", "name": "n", "value": 1, "traceId": "t"}),
        event(2, "score-create", {"name": "n"}),
        event(3, "sdk-log", {"log": "hello"}),
        event(4, "moon-landing", {"id": "t"}),
        {"id": "e5"},
        "not an event",
    ]
    answer = await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE)
    assert answer.status_code == 207
    assert [each["id"] for each in answer.json()["successes"]] == ["e1", "e3"]
    assert [(each["id"], each["status"]) for each in answer.json()["errors"]] == [
        ("e2", 400),
        ("e4", 400),
        ("e5", 400),
        ("", 400),
    ]
    kept = await site.get("/v2/scores/from-batch")
    assert (kept["name"], kept["timestamp"]) == ("n", "2026-01-01T00:00:00.000Z")
    alone = await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=SCORES_ONLY)
    assert {each["id"]: each["status"] for each in alone.json()["errors"]}["e4"] == 401
    assert (await site.client.post("/api/public/ingestion", json={}, headers=HERE)).status_code == 400


async def test_pages_anywhere_may_call_the_public_api_but_not_the_pages_own(site: Site):
    asked = {"Origin": "https://app.test", "Access-Control-Request-Method": "POST"}
    allowed = await site.client.options("/api/public/scores", headers=asked)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "*")
    refused_ = await site.client.options("/api/web/session", headers=asked)
    assert "access-control-allow-origin" not in refused_.headers
