"""Experiments and their items, from spans that say which experiment they ran in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.edges.running_site import ELSEWHERE, HERE, Sent, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

SINCE = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


async def run_item(site: Site, experiment: str, item: str, dataset: str = "d-1") -> Sent:
    """One item as the SDK runs it: a root span and the task below it, which stands for the item."""
    root = await site.send({"langfuse.experiment.id": experiment}, name="experiment-item-run")
    task = f"{int(root.span_id, 16) + 10_000:016x}"
    fields = {
        "langfuse.experiment.id": experiment,
        "langfuse.experiment.name": f"name of {experiment}",
        "langfuse.experiment.description": "a try",
        "langfuse.experiment.metadata": '{"model":"small"}',
        "langfuse.experiment.dataset.id": dataset,
        "langfuse.experiment.item.id": item,
        "langfuse.experiment.item.expected_output": '{"digit":3}',
        "langfuse.experiment.item.metadata": '{"hard":true}',
        "langfuse.experiment.item.root_observation_id": task,
        "langfuse.observation.input": "which digit ?",
        "langfuse.observation.output": "three",
    }
    export = {"trace_id": root.trace_id, "parent": root.span_id, "span_id": bytes.fromhex(task)}
    await site.send(fields, name="experiment-item-task", **export)
    return Sent(root.trace_id, task)


async def experiments(site: Site, **params: Any) -> Any:
    return await site.get("/experiments", fromStartTime=SINCE, **params)


async def items(site: Site, **params: Any) -> Any:
    return await site.get("/experiment-items", fromStartTime=SINCE, **params)


async def test_an_experiment_is_what_its_items_add_up_to(site: Site):
    for item in ("i1", "i2"):
        await run_item(site, "sums", item)
    [found] = (await experiments(site, id="sums"))["data"]
    assert (found["name"], found["description"], found["itemCount"]) == ("name of sums", "a try", 2)
    assert (found["datasetId"], found["startTime"] < found["endTime"]) == ("d-1", True)
    assert not {"metadata", "scores"} & set(found)
    [whole] = (await experiments(site, name="name of sums", fields="core,metadata,scores"))["data"]
    assert (whole["metadata"], whole["scores"]) == ({"model": "small"}, [])


async def test_an_item_has_what_went_in_what_came_out_and_what_was_expected(site: Site):
    sent = await run_item(site, "one-item", "i1")
    [bare] = (await items(site, experimentId="one-item"))["data"]
    assert (bare["id"], bare["traceId"], bare["experimentItemId"]) == (sent.span_id, sent.trace_id, "i1")
    assert (bare["experimentDatasetId"], "input" in bare) == ("d-1", False)
    groups = "core,dataset,io,metadata,itemMetadata,experimentMetadata,scores"
    [whole] = (await items(site, experimentName="name of one-item", experimentItemId="i1", fields=groups))["data"]
    assert (whole["input"], whole["output"], whole["expectedOutput"]) == ("which digit ?", "three", {"digit": 3})
    assert (whole["experimentItemMetadata"], whole["experimentMetadata"]) == ({"hard": True}, {"model": "small"})
    assert (whole["experimentDescription"], whole["experimentName"]) == ("a try", "name of one-item")


async def test_scores_belong_to_the_experiment_or_to_an_item(site: Site):
    sent = await run_item(site, "scored", "i1")
    for body in (
        {"name": "exact", "value": 1, "traceId": sent.trace_id},
        {"name": "mean", "value": 0.5, "datasetRunId": "scored"},
        {"name": "spread", "value": 0.1, "datasetRunId": "scored"},
    ):
        answer = await site.client.post("/api/public/scores", json=body, headers=HERE)
        assert answer.status_code == 200
    [whole] = (await experiments(site, id="scored", fields="scores"))["data"]
    assert {score["name"] for score in whole["scores"]} == {"mean", "spread"}
    assert whole["scores"][0]["subject"] == {"kind": "experiment", "id": "scored"}
    [cut] = (await experiments(site, id="scored", fields="scores", scoreLimit=1))["data"]
    assert len(cut["scores"]) == 1
    [item] = (await items(site, experimentId="scored", fields="scores"))["data"]
    assert [(score["name"], score["value"]) for score in item["scores"]] == [("exact", 1)]


async def test_both_lists_go_on_where_a_cursor_ends(site: Site):
    for number in range(3):
        await run_item(site, f"paged-{number}", f"p{number}", dataset="paged")
    seen = []
    params: dict[str, Any] = {"datasetId": "paged", "limit": 2}
    for read in (experiments, items):
        first = await read(site, **params)
        rest = await read(site, **params, cursor=first["meta"]["cursor"])
        assert "cursor" not in rest["meta"]
        rows = first["data"] + rest["data"]
        assert len(rows) == 3
        seen.append([row.get("experimentId", row["id"]) for row in rows])
    assert seen == [["paged-2", "paged-1", "paged-0"]] * 2


async def test_filters_name_their_columns(site: Site):
    await run_item(site, "filtered", "f1", dataset="f")
    where = '[{"type":"stringOptions","column":"%s","operator":"any of","value":["%s"]}]'
    assert len((await experiments(site, filter=where % ("datasetId", "f")))["data"]) == 1
    assert len((await items(site, filter=where % ("experimentItemId", "f1")))["data"]) == 1
    for path, params in (
        ("/experiments", {}),
        ("/experiments", {"fromStartTime": SINCE, "filter": where % ("moon", "f")}),
        ("/experiment-items", {"fromStartTime": SINCE, "fields": "moon"}),
        ("/experiment-items", {"fromStartTime": SINCE, "cursor": "!"}),
    ):
        answer = await site.client.get(f"/api/public{path}", params=params, headers=HERE)
        assert answer.status_code == 400, path
    assert (await experiments(site, id="filtered", toStartTime=SINCE))["data"] == []


async def test_experiments_of_another_project_do_not_exist(site: Site):
    await run_item(site, "secret", "s1")
    for path in ("/experiments", "/experiment-items"):
        params = {"fromStartTime": SINCE}
        answer = await site.client.get(f"/api/public{path}", params=params, headers=ELSEWHERE)
        assert answer.json()["data"] == []
