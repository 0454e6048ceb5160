"""A score that is sent again with its id, one by one and in events: it is added to, and stays where it was given."""

import pytest

from server.edges.running_site import HERE, Site
from server.edges.test_ingestion_paths import MOMENT, accepted, event

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_events_count_by_their_own_time(site: Site):
    first = {"id": "timed", "traceId": "timed-t", "name": "n", "value": 1, "comment": "keep"}
    late = {"id": "timed", "traceId": "timed-t", "name": "n", "value": 2, "metadata": {"late": True}}
    await accepted(site, event("score-create", 10, first))
    await accepted(site, event("score-create", 5, late))
    one = await site.get("/v2/scores/timed")
    assert (one["value"], one["comment"], one["metadata"]) == (1, "keep", {"late": True})
    assert one["timestamp"] == MOMENT.format(10)


async def test_of_two_events_in_one_batch_the_later_counts(site: Site):
    body = {"id": "batched", "traceId": "batched-t", "name": "n"}
    await accepted(
        site,
        event("score-create", 10, {**body, "value": 1}),
        event("score-create", 5, {**body, "value": 2, "comment": "earlier"}),
    )
    one = await site.get("/v2/scores/batched")
    assert (one["value"], one["comment"], one["timestamp"]) == (1, "earlier", MOMENT.format(5))
    assert (await site.get("/v2/scores", traceId="batched-t"))["meta"]["totalItems"] == 1


async def test_a_score_that_is_posted_again_keeps_its_trace_and_its_comment(site: Site):
    body = {"id": "posted", "traceId": "posted-t", "name": "n", "value": 1}
    more = {"comment": "why", "metadata": {"judge": "ada"}, "environment": "e-1"}
    for sent in (body | more, {**body, "traceId": "posted-elsewhere", "value": 0}):
        assert (await site.client.post("/api/public/scores", json=sent, headers=HERE)).status_code == 200
    one = await site.get("/v2/scores/posted")
    assert (one["value"], one["comment"], one["metadata"]) == (0, "why", {"judge": "ada"})
    assert (one["traceId"], one["environment"]) == ("posted-t", "e-1")
    listed = [{**body, "comment": ""}, {**body, "value": 0.5}]
    assert (await site.client.post("/api/public/scores", json=listed, headers=HERE)).status_code == 202
    one = await site.get("/v2/scores/posted")
    assert (one["value"], one["comment"], one["metadata"]) == (0.5, None, {"judge": "ada"})


async def test_a_client_whose_clock_is_fast_does_not_have_the_last_word(site: Site):
    body = {"id": "fast", "traceId": "fast-t", "name": "n"}
    await accepted(site, event("score-create", 1, {**body, "value": 1}) | {"timestamp": "2999-01-01T00:00:00Z"})
    assert (await site.client.post("/api/public/scores", json={**body, "value": 2}, headers=HERE)).status_code == 200
    assert (await site.get("/v2/scores/fast"))["value"] == 2


async def test_a_score_is_about_one_thing(site: Site):
    """As Langfuse has it: alone it is refused, in a list and in a batch the others are kept."""
    both = {"name": "n", "value": 1, "traceId": "two-t", "sessionId": "two-s"}
    for body in (both, {"name": "n", "value": 1, "traceId": "two-t", "datasetRunId": "two-r"}):
        answer = await site.client.post("/api/public/scores", json=body, headers=HERE)
        assert answer.status_code == 400
        assert "traceId and " in answer.text
    fine = {"name": "n", "value": 1, "traceId": "two-t"}
    answer = await site.client.post("/api/public/scores", json=[both, fine], headers=HERE)
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (207, 1, 1)
    batch = {"batch": [event("score-create", 10, both), event("score-create", 10, fine)]}
    verdicts = (await site.client.post("/api/public/ingestion", json=batch, headers=HERE)).json()
    assert [len(verdicts[kind]) for kind in ("successes", "errors")] == [1, 1]
    assert (await site.get("/v2/scores", traceId="two-t"))["meta"]["totalItems"] == 2
