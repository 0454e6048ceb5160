"""Langfuse's paths of score configs, and what they make of scores that name them."""

from typing import Any

import httpx2
import pytest

from server.edges.running_site import ELSEWHERE, HERE, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIGS = "/api/public/score-configs"
COLOURS = [{"label": "red", "value": 1}, {"label": "blue", "value": 2}]


async def send(site: Site, **body: Any) -> httpx2.Response:
    return await site.client.post(CONFIGS, json=body, headers=HERE)


async def made(site: Site, **body: Any) -> Any:
    answer = await send(site, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def change(site: Site, config_id: str, **body: Any) -> httpx2.Response:
    return await site.client.patch(f"{CONFIGS}/{config_id}", json=body, headers=HERE)


async def test_a_config_is_made_read_listed_and_changed(site: Site):
    config = await made(site, name="quality", dataType="NUMERIC", minValue=0, maxValue=1, description="how good")
    assert (config["isArchived"], config["categories"], config["projectId"]) == (False, None, "here")
    assert await site.get(f"/score-configs/{config['id']}") == config
    assert config["id"] in [row["id"] for row in (await site.get("/score-configs"))["data"]]
    changed = (await change(site, config["id"], isArchived=True, maxValue=None)).json()
    assert (changed["isArchived"], changed["maxValue"], changed["minValue"]) == (True, None, 0)


async def test_a_boolean_config_has_its_two_categories(site: Site):
    config = await made(site, name="truth", dataType="BOOLEAN")
    assert config["categories"] == [{"label": "True", "value": 1}, {"label": "False", "value": 0}]
    assert (await change(site, config["id"], categories=COLOURS)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"name": "n"},
        {"name": "n", "dataType": "COLOUR"},
        {"name": "x" * 36, "dataType": "NUMERIC"},
        {"name": "n", "dataType": "CATEGORICAL"},
        {"name": "n", "dataType": "CATEGORICAL", "categories": [*COLOURS, COLOURS[0]]},
        {"name": "n", "dataType": "NUMERIC", "categories": COLOURS},
        {"name": "n", "dataType": "NUMERIC", "minValue": 2, "maxValue": 1},
        {"name": "n", "dataType": "TEXT", "minValue": 2},
    ],
)
async def test_a_config_that_makes_no_sense_is_refused(site: Site, body: dict[str, Any]):
    assert (await send(site, **body)).status_code == 400


async def test_what_is_not_there_cannot_be_read_or_changed(site: Site):
    config = await made(site, name="ours", dataType="TEXT")
    assert (await site.client.get(f"{CONFIGS}/{config['id']}", headers=ELSEWHERE)).status_code == 404
    assert (await change(site, "none", isArchived=True)).status_code == 404
    assert (await change(site, config["id"])).status_code == 400


async def score(site: Site, config: Any, value: Any, **more: Any) -> httpx2.Response:
    body = {"name": config["name"], "traceId": "t", "configId": config["id"], "value": value} | more
    return await site.client.post("/api/public/scores", json=body, headers=HERE)


async def test_a_score_takes_its_type_and_number_from_its_config(site: Site):
    truth = await made(site, name="right", dataType="BOOLEAN")
    colour = await made(site, name="colour", dataType="CATEGORICAL", categories=COLOURS)
    for config, value, stored in ((truth, 1, ("BOOLEAN", 1, "True")), (colour, "blue", ("CATEGORICAL", 2, "blue"))):
        answer = await score(site, config, value)
        assert answer.status_code == 200, answer.text
        row = await site.get(f"/v2/scores/{answer.json()['id']}")
        assert (row["dataType"], row["value"], row["stringValue"]) == stored


async def test_a_score_that_does_not_fit_its_config_is_refused(site: Site):
    bounded = await made(site, name="bounded", dataType="NUMERIC", minValue=0, maxValue=1)
    colour = await made(site, name="colours", dataType="CATEGORICAL", categories=COLOURS)
    words = await made(site, name="words", dataType="TEXT")
    for config, value, said in (
        (bounded, 2, "at most 1"),
        (bounded, "high", "wants a number"),
        (colour, "green", "red, blue"),
        (words, 1, "wants a text"),
        ({"name": "n", "id": "none"}, 1, "does not exist"),
    ):
        answer = await score(site, config, value)
        assert answer.status_code in (400, 404)
        assert said in answer.json()["message"]
    mistyped = await score(site, bounded, 1, dataType="BOOLEAN")
    assert (mistyped.status_code, "wants NUMERIC" in mistyped.json()["message"]) == (400, True)
    await change(site, bounded["id"], isArchived=True)
    assert "archived" in (await score(site, bounded, 1)).json()["message"]


async def test_lists_and_batches_keep_the_scores_that_fit(site: Site):
    config = await made(site, name="listed", dataType="NUMERIC", maxValue=1)
    bodies = [
        {"id": f"l{value}", "name": "n", "traceId": "t", "configId": config["id"], "value": value} for value in (1, 2)
    ]
    answer = await site.client.post("/api/public/scores", json=bodies, headers=HERE)
    assert (answer.status_code, answer.json()["accepted"]) == (207, 1)
    assert answer.json()["errors"][0]["message"].startswith("score 1: value 2 is out of range")
    moment = "2026-01-01T00:00:00Z"
    batch = [
        {"id": f"e{n}", "type": "score-create", "timestamp": moment, "body": body} for n, body in enumerate(bodies)
    ]
    verdicts = (await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE)).json()
    assert [each["id"] for each in verdicts["successes"]] == ["e0"]
    assert (verdicts["errors"][0]["id"], verdicts["errors"][0]["status"]) == ("e1", 400)


async def test_a_score_may_bear_another_name_than_its_config(site: Site):
    """As the public suite of Langfuse's JavaScript SDK has it."""
    config = await made(site, name="its own name", dataType="NUMERIC")
    body = {"id": "other-name", "traceId": "t", "name": "another name", "value": 0.5, "configId": config["id"]}
    assert (await site.client.post("/api/public/scores", json=body, headers=HERE)).status_code == 200
    score = await site.get("/v2/scores/other-name")
    assert (score["name"], score["configId"]) == ("another name", config["id"])
