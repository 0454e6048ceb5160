"""Langfuse's oldest paths: one event a call, and the first versions of prompts and datasets."""

from typing import Any

import pytest

from server.edges.running_site import HERE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def said(site: Site, method: str, path: str, status: int = 200, **body: Any) -> Any:
    answer = await site.client.request(method, f"/api/public{path}", json=body, headers=HERE)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_trace_its_span_and_its_generation_are_made_and_changed(site: Site):
    trace = await said(site, "POST", "/traces", name="visit", userId="ada", tags=["old"])
    span = await said(site, "POST", "/spans", traceId=trace["id"], name="walk", input={"steps": 3})
    await said(site, "PATCH", "/spans", spanId=span["id"], traceId=trace["id"], output="there")
    made = {"traceId": trace["id"], "parentObservationId": span["id"], "model": "house", "prompt": [1], "usage": {}}
    generation = await said(site, "POST", "/generations", **made)
    usage = {"promptTokens": 3, "completionTokens": 4}
    await said(site, "PATCH", "/generations", generationId=generation["id"], completion="done", usage=usage)
    await said(site, "POST", "/events", traceId=trace["id"], name="bell", parentObservationId=span["id"])

    read = await site.get(f"/traces/{trace['id']}")
    assert (read["name"], read["userId"], read["tags"]) == ("visit", "ada", ["old"])
    by_type = {each["type"]: each for each in read["observations"]}
    assert (by_type["SPAN"]["input"], by_type["SPAN"]["output"]) == ({"steps": 3}, "there")
    assert (by_type["GENERATION"]["input"], by_type["GENERATION"]["output"]) == ([1], "done")
    assert by_type["GENERATION"]["usageDetails"]["total"] == 7
    assert by_type["EVENT"]["name"] == "bell"


async def test_a_change_names_what_it_changes(site: Site):
    refused = await said(site, "PATCH", "/spans", 400, output="of nothing")
    assert "spanId" in refused["message"]


async def test_what_does_not_fit_is_refused_with_its_field(site: Site):
    refused = await said(site, "POST", "/generations", 400, traceId="t", startTime="yesterday")
    assert refused["error"][0]["path"] == ["startTime"]


async def test_a_prompt_was_active_before_there_were_labels(site: Site):
    await said(site, "POST", "/prompts", 201, name="first words", prompt="one", isActive=True)
    made = await said(site, "POST", "/prompts", 201, name="first words", prompt="two", labels=["draft"])
    assert (made["version"], made["isActive"]) == (2, False)
    active = await site.get("/prompts", name="first words")
    assert (active["prompt"], active["version"], active["isActive"]) == ("one", 1, True)
    assert (await site.get("/prompts", name="first words", version=2))["prompt"] == "two"


async def test_a_dataset_lists_its_items_and_runs(site: Site):
    assert (await said(site, "POST", "/datasets", name="firsts", metadata={"a": 1}))["items"] == []
    for number in range(2):
        await said(site, "POST", "/dataset-items", datasetName="firsts", id=f"first-{number}", input=number)
    await said(site, "POST", "/dataset-run-items", runName="run", datasetItemId="first-0", traceId="t")
    listed = await site.get("/datasets")
    [mine] = [each for each in listed["data"] if each["name"] == "firsts"]
    whole = await site.get("/datasets/firsts")
    assert sorted(item["input"] for item in whole["items"]) == [0, 1]
    assert whole["runs"] == ["run"]
    assert (sorted(mine["items"]), mine["runs"], mine["metadata"]) == (["first-0", "first-1"], ["run"], {"a": 1})
