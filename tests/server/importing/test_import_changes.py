"""What this server would not take as it is crosses nearly as it is, and the summary says so."""

from pathlib import Path
from typing import Any

import httpx2

from server.edges.running_site import HERE, ORIGIN, Site
from sightline.server.importing.moving import count, move
from sightline.server.importing.parts import Crossing
from sightline.server.importing.records import Place, Selection, Tally
from sightline.server.importing.state import State
from sightline.server.importing.wire import Api

TIME = "2026-03-01T12:00:00.000Z"
COMMON = {"timestamp": TIME, "environment": "default", "comment": None, "metadata": {}, "traceId": "t1"}
SCORES = [
    {**COMMON, "id": "by-judge", "name": "a", "dataType": "NUMERIC", "value": 1, "source": "EVAL"},
    {**COMMON, "id": "by-hand", "name": "a", "dataType": "NUMERIC", "value": 1, "source": "ANNOTATION"},
    {**COMMON, "id": "by-ada", "name": "a", "dataType": "NUMERIC", "value": 1, "source": "API", "authorUserId": "ada"},
    {
        **{**COMMON, "environment": "langfuse-llm-as-a-judge"},
        **{"id": "inside", "name": "a", "dataType": "CATEGORICAL", "value": 0, "stringValue": "x", "source": "API"},
    },
    {**COMMON, "id": "too-high", "name": "n", "dataType": "NUMERIC", "value": 7, "configId": "theirs", "source": "API"},
    {**COMMON, "id": "odd", "name": "n", "dataType": "NUMERIC", "value": "seven", "source": "API"},
    {**COMMON, "id": "older", "name": "o", "value": 0.5},
]
OBSERVATION = {
    **{"id": "o1", "traceId": "t1", "type": "GENERATION", "name": "old", "startTime": TIME, "model": "house"},
    **{
        "input": "who",
        "output": None,
        "modelParameters": {"temperature": 0},
        "metadata": ["a list"],
        "level": "DEFAULT",
    },
    **{"usage": {"input": 3, "output": 4, "total": 7, "unit": "TOKENS"}, "promptTokens": 3, "completionTokens": 4},
    **{"calculatedInputCost": 0.25, "calculatedOutputCost": 0.5, "calculatedTotalCost": 0.75, "userId": None},
}
"""As servers wrote them before usage had details."""
CONFIG = {"id": "theirs", "name": "n", "dataType": "NUMERIC", "minValue": 0, "maxValue": 5, "isArchived": False}


def an_old_source(request: httpx2.Request) -> httpx2.Response:
    """It has observations, scores and their configs, and of most other lists it never heard."""
    lists: dict[str, list[dict[str, Any]]] = {
        "/v2/scores": SCORES,
        "/score-configs": [CONFIG],
        "/observations": [OBSERVATION],
    }
    path = request.url.path.removeprefix("/api/public")
    if path == "/projects":
        return httpx2.Response(200, json={"data": [{"id": "old", "name": "Old"}]})
    if path not in lists:
        return httpx2.Response(404, json={"message": "no such path"})
    later = any(value > TIME for name, value in request.url.params.items() if name.startswith("from"))
    rows = [] if later else lists[path]
    return httpx2.Response(200, json={"data": rows, "meta": {"totalItems": len(rows), "totalPages": 1}})


class Silent:
    def begins(self, tally: Tally) -> None: ...

    def moved(self, tally: Tally) -> None: ...

    def ends(self, tally: Tally) -> None: ...


async def test_scores_that_clients_may_not_give_are_carried_nearly_as_they_are(
    target: Site, into: httpx2.ASGITransport, tmp_path: Path
):
    selection = Selection()
    source = Api(Place(url="http://old", public_key="a", secret_key="b"), httpx2.MockTransport(an_old_source))
    here = Api(Place(url=ORIGIN, public_key="pk-lf-here", secret_key="sk-lf-here"), into)
    async with source, here:
        crossing = Crossing(
            source=source,
            target=here,
            source_project="there",
            target_project="here",
            selection=selection,
            state=State(tmp_path / "state", selection),
        )
        totals = {tally.part: tally.total for tally in (await count(crossing, Silent())).tallies}
        summary = await move(crossing, Silent())
    assert (totals["scores"], totals["prompts"], totals["comments"]) == (7, 0, 0)

    read = {row["id"]: row for row in (await target.get("/v2/scores"))["data"]}
    assert set(read) == {"by-judge", "by-hand", "by-ada", "inside", "too-high", "older"}
    assert {row["source"] for row in read.values()} == {"API"}
    assert read["inside"]["environment"] == "platform-llm-as-a-judge"
    assert (read["too-high"]["value"], read["too-high"]["configId"]) == (7, None)
    assert (read["older"]["dataType"], read["older"]["timestamp"]) == ("NUMERIC", TIME)

    observation = await target.get("/observations/o1")
    assert observation["usageDetails"] == {"input": 3, "output": 4, "total": 7}
    assert observation["costDetails"] == {"input": 0.25, "output": 0.5, "total": 0.75}
    assert observation["metadata"] == {"metadata": ["a list"]}
    assert (await target.get("/traces/t1"))["observations"][0]["name"] == "old"

    said = {(remark.part, example): remark.reason for remark in summary.remarks for example in remark.examples}
    assert "EVAL" in said["scores", "by-judge"]
    assert "ANNOTATION" in said["scores", "by-hand"]
    assert "author" in said["scores", "by-ada"]
    assert "platform-llm-as-a-judge" in said["scores", "inside"]
    assert "config" in said["scores", "too-high"]
    assert "no list" in said["prompts", "http://old"]
    [lost] = [remark for remark in summary.remarks if remark.lost]
    assert (lost.part, lost.examples, lost.reason[:3]) == ("scores", ("odd",), "400")


async def test_an_environment_of_the_platform_is_renamed_at_the_door_in_the_same_way(target: Site):
    body = {"id": "own", "name": "a", "value": 1, "traceId": "t", "environment": "langfuse-llm-as-a-judge"}
    assert (await target.client.post("/api/public/scores", json=body, headers=HERE)).status_code == 200
    assert (await target.get("/v2/scores/own"))["environment"] == "platform-llm-as-a-judge"
