"""A run that was filed item by item and an experiment that spans tell of are one thing, whichever API reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from server.edges.running_site import ELSEWHERE, HERE, Sent, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

SINCE = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
GROUPS = "core,dataset,io,metadata,itemMetadata,experimentMetadata,scores"


async def post(site: Site, path: str, body: Any) -> Any:
    answer = await site.client.post(f"/api/public{path}", json=body, headers=HERE)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def dataset(site: Site, name: str, *items: str) -> str:
    """Its id; items of these ids, which expect a three."""
    made = await post(site, "/v2/datasets", {"name": name})
    for item in items:
        body = {"datasetName": name, "id": item, "input": item, "expectedOutput": 3, "metadata": {"hard": True}}
        await post(site, "/dataset-items", body)
    return str(made["id"])


async def file(site: Site, run: str, item: str, trace_id: str, **more: Any) -> Any:
    return await post(site, "/dataset-run-items", {"runName": run, "datasetItemId": item, "traceId": trace_id, **more})


async def tell(site: Site, run: str, item: str, dataset_id: str, experiment: str) -> Sent:
    """What SDK 5 sends for an item: spans, and nothing else."""
    sent = await site.send({"langfuse.experiment.id": experiment}, name="experiment-item-run")
    fields = {
        "langfuse.experiment.id": experiment,
        "langfuse.experiment.name": run,
        "langfuse.experiment.metadata": '{"model":"small"}',
        "langfuse.experiment.dataset.id": dataset_id,
        "langfuse.experiment.item.id": item,
        "langfuse.experiment.item.root_observation_id": f"{int(sent.span_id, 16) + 50_000:016x}",
    }
    task = bytes.fromhex(f"{int(sent.span_id, 16) + 50_000:016x}")
    await site.send(fields, trace_id=sent.trace_id, parent=sent.span_id, span_id=task, name="experiment-item-task")
    return Sent(sent.trace_id, task.hex())


async def experiments(site: Site, **params: Any) -> list[Any]:
    return list((await site.get("/experiments", fromStartTime=SINCE, **params))["data"])


async def items(site: Site, **params: Any) -> list[Any]:
    return list((await site.get("/experiment-items", fromStartTime=SINCE, **params))["data"])


async def run_of(site: Site, dataset_name: str, run: str) -> Any:
    return await site.get(f"/datasets/{dataset_name}/runs/{quote(run, safe='')}")


async def gone(site: Site, path: str) -> httpx2.Response:
    return await site.client.delete(f"/api/public{path}", headers=HERE)


async def test_a_filed_run_is_an_experiment_of_the_same_id_items_and_scores(site: Site):
    dataset_id = await dataset(site, "filed", "filed-1", "filed-2")
    root = await site.send({"langfuse.observation.input": "which?", "langfuse.observation.output": "three"})
    step = await site.send({"langfuse.observation.output": "a step"}, trace_id=root.trace_id, parent=root.span_id)
    first = await file(site, "by hand", "filed-1", root.trace_id, runDescription="a try", metadata={"model": "small"})
    await file(site, "by hand", "filed-2", root.trace_id, observationId=step.span_id)
    await post(site, "/scores", {"name": "mean", "value": 0.5, "datasetRunId": first["datasetRunId"]})
    await post(site, "/scores", {"name": "exact", "value": 1, "traceId": root.trace_id})

    [found] = await experiments(site, datasetId=dataset_id, fields="core,metadata,scores")
    assert (found["id"], found["name"], found["itemCount"]) == (first["datasetRunId"], "by hand", 2)
    assert (found["datasetId"], found["description"], found["metadata"]) == (dataset_id, "a try", {"model": "small"})
    assert [score["name"] for score in found["scores"]] == ["mean"]
    newest, oldest = await items(site, experimentName="by hand", fields=GROUPS)
    assert (oldest["id"], oldest["traceId"], oldest["experimentItemId"]) == (root.span_id, root.trace_id, "filed-1")
    assert (oldest["input"], oldest["output"], oldest["expectedOutput"]) == ("which?", "three", 3)
    assert (oldest["experimentItemMetadata"], oldest["experimentMetadata"]) == ({"hard": True}, {"model": "small"})
    assert (newest["id"], newest["output"]) == (step.span_id, "a step")
    assert [score["name"] for score in newest["scores"]] == ["exact"]


async def test_an_experiment_that_spans_tell_of_is_a_run_of_its_dataset(site: Site):
    dataset_id = await dataset(site, "told", "told-1", "told-2")
    sent = [await tell(site, "by spans", item, dataset_id, "e-told") for item in ("told-1", "told-2")]
    page = await site.get("/datasets/told/runs")
    assert ([run["name"] for run in page["data"]], page["meta"]["totalItems"]) == (["by spans"], 1)
    run = await run_of(site, "told", "by spans")
    assert (run["id"], run["datasetName"], run["metadata"]) == ("e-told", "told", {"model": "small"})
    ran = [(item["datasetItemId"], item["traceId"], item["observationId"]) for item in run["datasetRunItems"]]
    assert ran == [("told-2", sent[1].trace_id, sent[1].span_id), ("told-1", sent[0].trace_id, sent[0].span_id)]
    listed = await site.get("/dataset-run-items", datasetId=dataset_id, runName="by spans", limit=1, page=2)
    assert listed["data"] == run["datasetRunItems"][1:]
    assert (listed["meta"]["totalItems"], listed["data"][0]["datasetRunName"]) == (2, "by spans")
    assert (await site.get("/datasets/told"))["runs"] == ["by spans"]


async def test_what_is_filed_and_told_is_one_run_and_each_item_once(site: Site):
    """As the JavaScript SDK does: it files an item, and its spans name the run of the answer."""
    dataset_id = await dataset(site, "both", "both-1", "both-2", "both-3")
    sent = await site.send({})
    filed = await file(site, "both ways", "both-1", sent.trace_id, metadata={"model": "small"})
    told = await tell(site, "both ways", "both-2", dataset_id, filed["datasetRunId"])
    by_spans = (await run_of(site, "both", "both ways"))["datasetRunItems"][0]
    again = await file(site, "both ways", "both-2", told.trace_id, observationId=told.span_id)
    assert again["id"] == by_spans["id"], "an id that follows from what ran"
    await tell(site, "both ways", "both-3", dataset_id, filed["datasetRunId"])
    [run] = (await site.get("/datasets/both/runs"))["data"]
    assert run["id"] == filed["datasetRunId"]
    ran = (await run_of(site, "both", "both ways"))["datasetRunItems"]
    assert sorted(item["datasetItemId"] for item in ran) == ["both-1", "both-2", "both-3"]
    [found] = await experiments(site, datasetId=dataset_id)
    assert (found["id"], found["itemCount"]) == (filed["datasetRunId"], 3)
    rows = await items(site, datasetId=dataset_id)
    assert sorted(row["experimentItemId"] for row in rows) == ["both-1", "both-2", "both-3"]


async def test_a_run_filed_under_the_name_of_an_experiment_joins_it(site: Site):
    dataset_id = await dataset(site, "joined", "joined-1", "joined-2")
    await tell(site, "nightly", "joined-1", dataset_id, "an id of its own")
    filed = await file(site, "nightly", "joined-2", (await site.send({})).trace_id)
    assert filed["datasetRunId"] == "an id of its own"
    [found] = await experiments(site, datasetId=dataset_id)
    assert found["itemCount"] == 2
    assert len((await run_of(site, "joined", "nightly"))["datasetRunItems"]) == 2


async def test_a_deleted_run_is_gone_from_both_with_its_scores_and_its_traces_stay(site: Site):
    dataset_id = await dataset(site, "deleted", "deleted-1", "deleted-2")
    told = await tell(site, "gone", "deleted-1", dataset_id, "e-gone")
    await file(site, "gone", "deleted-2", told.trace_id)
    score = await post(site, "/scores", {"name": "mean", "value": 1, "datasetRunId": "e-gone"})
    assert (await gone(site, "/datasets/deleted/runs/gone")).status_code == 200
    assert (await site.get("/datasets/deleted/runs"))["data"] == []
    assert await experiments(site, datasetId=dataset_id) == []
    assert await items(site, datasetId=dataset_id) == []
    read = await site.client.get(f"/api/public/v2/scores/{score['id']}", headers=HERE)
    assert read.status_code == 404
    assert len((await site.get(f"/traces/{told.trace_id}"))["observations"]) == 2
    assert (await gone(site, "/datasets/deleted/runs/gone")).status_code == 404


async def test_pages_of_both_lists_go_through_all_there_are_once(site: Site):
    dataset_id = await dataset(site, "paged-both", "paged-1", "paged-2")
    traces = [(await site.send({})).trace_id for _ in range(2)]
    for number in range(3):
        for trace_id, item in zip(traces, ("paged-1", "paged-2"), strict=True):
            await file(site, f"filed {number}", item, trace_id, createdAt=f"2026-01-0{number + 1}T00:00:00.5Z")
        await tell(site, f"told {number}", "paged-1", dataset_id, f"paged-told-{number}")
    for path, names in (("/experiments", ("name",)), ("/experiment-items", ("experimentName", "experimentItemId"))):
        whole = await site.get(path, fromStartTime="2025-12-01T00:00:00Z", datasetId=dataset_id)
        seen: list[Any] = []
        params: dict[str, Any] = {"fromStartTime": "2025-12-01T00:00:00Z", "datasetId": dataset_id, "limit": 2}
        while True:
            page = await site.get(path, **params)
            seen += page["data"]
            if "cursor" not in page["meta"]:
                break
            params["cursor"] = page["meta"]["cursor"]
        assert seen == whole["data"]
        told = {tuple(row[name] for name in names) for row in seen}
        assert len(told) == len(seen) == (6 if path == "/experiments" else 9)
    runs = await site.get("/datasets/paged-both/runs", limit=4, page=2)
    assert ([run["name"] for run in runs["data"]], runs["meta"]["totalItems"]) == (["filed 1", "filed 0"], 6)
    window = {"fromStartTime": "2026-01-02T00:00:00Z", "toStartTime": "2026-01-03T00:00:00Z"}
    assert [row["name"] for row in (await site.get("/experiments", datasetId=dataset_id, **window))["data"]] == [
        "filed 1"
    ]


async def test_a_filed_item_whose_trace_is_not_here_yet_is_listed_without_its_texts(site: Site):
    await dataset(site, "early", "early-1")
    await file(site, "early", "early-1", "a" * 32)
    [row] = await items(site, experimentName="early", fields=GROUPS)
    assert (row["traceId"], row["input"], row["endTime"], row["expectedOutput"]) == ("a" * 32, None, None, 3)


async def test_runs_of_another_project_are_no_experiments_here(site: Site):
    await dataset(site, "ours", "ours-1")
    await file(site, "ours", "ours-1", (await site.send({})).trace_id)
    for path in ("/experiments", "/experiment-items"):
        params = {"fromStartTime": SINCE}
        answer = await site.client.get(f"/api/public{path}", params=params, headers=ELSEWHERE)
        assert answer.json()["data"] == []
