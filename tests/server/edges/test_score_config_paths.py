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
