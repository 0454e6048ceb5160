"""The public API describes itself, and the description is what the code says."""

import json

import pytest

from server.edges.running_site import Site
from sightline.server.edges.public_openapi import committed, document, text

COMMAND = "python -m sightline.server.edges.public_openapi > /tmp/made && mv /tmp/made src/sightline/server/edges/"


async def test_the_committed_description_has_not_drifted():
    assert committed() == text(), f"run: {COMMAND}public_openapi.json"


async def test_every_operation_names_its_credentials_and_its_refusals():
    operations = [each for path in document()["paths"].values() for each in path.values()]
    assert len(operations) > 110
    assert all("security" in each and "4XX" in each["responses"] for each in operations)
    assert len({each["operationId"] for each in operations}) == len(operations)


async def test_bodies_and_parameters_are_described():
    described = document()
    comments = described["paths"]["/api/public/comments"]
    assert {each["name"] for each in comments["get"]["parameters"]} >= {"page", "limit", "objectType", "objectId"}
    assert set(described["components"]["schemas"]["CommentBody"]["required"]) == {
        "projectId",
        "objectType",
        "objectId",
        "content",
    }


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("ending", "kind"), [("json", "application/json"), ("yaml", "application/yaml")])
async def test_anyone_can_read_it(site: Site, ending: str, kind: str):
    answer = await site.client.get(f"/api/openapi.{ending}")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
    assert json.loads(answer.text) == json.loads(committed())


@pytest.mark.asyncio(loop_scope="module")
async def test_it_has_a_page_to_read(site: Site):
    answer = await site.client.get("/api/docs")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert "<code>GET /api/public/v2/prompts/{name}</code>" in answer.text
