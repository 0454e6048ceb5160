"""Langfuse's paths of datasets, their items and runs over them."""

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from server.edges.running_site import ELSEWHERE, HERE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITEMS = "/api/public/dataset-items"
RUN_ITEMS = "/api/public/dataset-run-items"


async def post(site: Site, path: str, **body: Any) -> httpx2.Response:
    return await site.client.post(f"/api/public{path}", json=body, headers=HERE)


async def stored(site: Site, path: str, **body: Any) -> Any:
    answer = await post(site, path, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def item(site: Site, dataset: str, item_id: str, **more: Any) -> Any:
    return await stored(site, "/dataset-items", datasetName=dataset, id=item_id, **more)


async def call(site: Site, verb: str, path: str) -> httpx2.Response:
    return await site.client.request(verb, f"/api/public{path}", headers=HERE)


async def test_a_dataset_is_made_changed_and_found_by_a_name_with_slashes(site: Site):
    made = await stored(site, "/v2/datasets", name="folder/digits", description="d", metadata={"a": 1})
    changed = await stored(site, "/v2/datasets", name="folder/digits", metadata=[2])
    assert (changed["id"], changed["description"], changed["metadata"]) == (made["id"], "d", [2])
    assert (await site.get(f"/v2/datasets/{quote('folder/digits', safe='')}"))["id"] == made["id"]
    page = await site.get("/v2/datasets", limit=1)
    assert (page["data"][0]["name"], page["meta"]["limit"]) == ("folder/digits", 1)
    missing = await call(site, "GET", "/v2/datasets/folder%2Fletters")
    assert (missing.status_code, missing.json()["error"]) == (404, "LangfuseNotFoundError")
    nameless = await post(site, "/v2/datasets", description="no name")
    assert (nameless.status_code, nameless.json()["message"]) == (400, "Invalid request data")


async def test_an_item_is_put_and_put_again(site: Site):
    await stored(site, "/v2/datasets", name="put")
    first = await item(site, "put", "put/1", input={"q": 1}, expectedOutput="a", metadata={"m": 1}, sourceTraceId="t")
    again = await item(site, "put", "put/1", input={"q": 2})
    assert (again["input"], again["expectedOutput"], again["sourceTraceId"]) == ({"q": 2}, "a", "t")
    assert (again["createdAt"], again["datasetName"], again["mediaReferences"]) == (first["createdAt"], "put", [])
    assert (await site.get("/dataset-items/put%2F1"))["input"] == {"q": 2}
    assert [row["id"] for row in (await site.get("/dataset-items", sourceTraceId="t"))["data"]] == ["put/1"]


async def test_archived_items_leave_lists_and_runs_but_are_read_by_id(site: Site):
    await stored(site, "/v2/datasets", name="shelf")
    await item(site, "shelf", "s1", input=1)
    await item(site, "shelf", "s2", input=2, status="ARCHIVED")
    page = await site.get("/dataset-items", datasetName="shelf")
    assert ([row["id"] for row in page["data"]], page["meta"]["totalItems"]) == (["s1"], 1)
    assert (await site.get("/dataset-items/s2"))["status"] == "ARCHIVED"
    refused = await post(site, "/dataset-run-items", runName="r", datasetItemId="s2", traceId="t")
    assert (refused.status_code, refused.json()["error"]) == (404, "LangfuseNotFoundError")


async def test_items_are_read_as_they_were(site: Site):
    await stored(site, "/v2/datasets", name="history")
    first = await item(site, "history", "h1", input="old")
    await item(site, "history", "h1", input="new")
    page = await site.get("/dataset-items", datasetName="history", version=first["version"])
    assert [row["input"] for row in page["data"]] == ["old"]
    lonely = await site.client.get(ITEMS, params={"version": first["version"]}, headers=HERE)
    assert (lonely.status_code, "datasetName" in lonely.json()["message"]) == (400, True)


async def test_an_id_of_another_dataset_is_a_conflict(site: Site):
    for name in ("mine", "yours"):
        await stored(site, "/v2/datasets", name=name)
    await item(site, "mine", "taken")
    taken = await post(site, "/dataset-items", datasetName="yours", id="taken")
    assert (taken.status_code, taken.json()["error"]) == (409, "LangfuseConflictError")
    unknown = await post(site, "/dataset-items", datasetName="nowhere")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "LangfuseNotFoundError")
    wrong = await post(site, "/dataset-items", datasetName="mine", status="GONE")
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Invalid request data")


async def test_a_deleted_item_is_gone(site: Site):
    await stored(site, "/v2/datasets", name="bin")
    await item(site, "bin", "b1")
    gone = await call(site, "DELETE", "/dataset-items/b1")
    assert (gone.status_code, gone.json()["message"]) == (200, "Dataset item successfully deleted")
    assert (await call(site, "GET", "/dataset-items/b1")).status_code == 404
    assert (await call(site, "DELETE", "/dataset-items/b1")).status_code == 404


async def test_items_fit_their_datasets_schema(site: Site):
    schema = {"type": "object", "required": ["q"]}
    await stored(site, "/v2/datasets", name="strict", inputSchema=schema)
    misfit = await post(site, "/dataset-items", datasetName="strict", input={})
    assert (misfit.status_code, "'q' is a required property" in misfit.json()["message"]) == (400, True)
    await item(site, "strict", "f1", input={"q": 1})
    tighter = await post(site, "/v2/datasets", name="strict", inputSchema={"type": "string"})
    assert (tighter.status_code, "item f1" in tighter.json()["message"]) == (400, True)
    assert (await site.get("/v2/datasets/strict"))["inputSchema"] == schema


async def test_json_nested_without_end_is_refused(site: Site):
    await stored(site, "/v2/datasets", name="deep")
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    answer = await post(site, "/dataset-items", datasetName="deep", input=deep)
    assert (answer.status_code, "deeper than 200" in answer.text) == (400, True)


async def test_a_run_is_made_by_its_first_item_and_read_with_all(site: Site):
    dataset = await stored(site, "/v2/datasets", name="a/runs")
    await item(site, "a/runs", "r1")
    run = {"runName": "night/1", "datasetItemId": "r1"}
    first = await stored(site, "/dataset-run-items", **run, runDescription="d", metadata={"k": 1}, traceId="t1")
    sent = await site.send()
    second = await stored(site, "/dataset-run-items", **run, observationId=sent.span_id)
    assert (second["datasetRunId"], second["traceId"]) == (first["datasetRunId"], sent.trace_id)

    runs = f"/datasets/{quote('a/runs', safe='')}/runs"
    [listed] = (await site.get(runs))["data"]
    assert (listed["name"], listed["metadata"], listed["datasetName"]) == ("night/1", {"k": 1}, "a/runs")
    whole = await site.get(f"{runs}/{quote('night/1', safe='')}")
    assert (whole["description"], len(whole["datasetRunItems"])) == ("d", 2)
    assert {each["traceId"] for each in whole["datasetRunItems"]} == {"t1", sent.trace_id}
    page = await site.get("/dataset-run-items", datasetId=dataset["id"], runName="night/1", limit=1)
    assert (len(page["data"]), page["meta"]["totalItems"]) == (1, 2)

    assert (await call(site, "DELETE", f"{runs}/night%2F1")).status_code == 200
    assert (await call(site, "GET", f"{runs}/night%2F1")).status_code == 404
    assert (await call(site, "DELETE", runs)).status_code == 404
    assert (await call(site, "GET", "/datasets/a%2Fruns/walks")).status_code == 404


async def test_a_run_item_names_an_item_and_what_ran_it(site: Site):
    await stored(site, "/v2/datasets", name="refusing")
    await item(site, "refusing", "x1")
    unknown = await post(site, "/dataset-run-items", runName="r", datasetItemId="none", traceId="t")
    assert unknown.status_code == 404
    nothing = await post(site, "/dataset-run-items", runName="r", datasetItemId="x1")
    assert (nothing.status_code, "traceId or observationId" in nothing.json()["message"]) == (400, True)
    wrong = await post(site, "/dataset-run-items", datasetItemId="x1", traceId="t")
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Invalid request data")


async def test_datasets_of_another_project_do_not_exist(site: Site):
    await stored(site, "/v2/datasets", name="private")
    await item(site, "private", "p1")
    for path in ("/v2/datasets/private", "/dataset-items/p1", "/datasets/private/runs"):
        answer = await site.client.get(f"/api/public{path}", headers=ELSEWHERE)
        assert answer.status_code == 404, path
