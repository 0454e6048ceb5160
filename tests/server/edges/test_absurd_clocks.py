"""Clocks that nobody can mean: what they date is stored as of now, says what it was told, and breaks nobody's lists."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from server.edges.running_site import HERE, Sent, Site, one_span
from sightline.server.edges.answers import iso
from sightline.server.runtime.clock import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTOBUF = {**HERE, "Content-Type": "application/x-protobuf"}
MINUTE = timedelta(minutes=1)
FAR = datetime(2200, 1, 1, tzinfo=UTC)
NEVER_SET = datetime(1980, 1, 1, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


async def sent(site: Site, start: int, end: int, path: str = "/v1/traces", **attributes: str) -> tuple[Sent, str]:
    """What was sent, and what the answer says of it."""
    export, ids = one_span(dict(attributes), start_time_unix_nano=start, end_time_unix_nano=end)
    answer = await site.client.post(path, content=export.SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200, answer.text
    said = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert said.rejected_spans == 0
    return ids, said.error_message


async def read(site: Site, ids: Sent) -> dict[str, Any]:
    [row] = (await site.get("/observations", traceId=ids.trace_id))["data"]
    return dict(row)


def is_about_now(text: str) -> bool:
    return abs(datetime.fromisoformat(text) - now()) < MINUTE


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
@pytest.mark.parametrize("start", [FAR, NEVER_SET, datetime(1970, 1, 1, tzinfo=UTC), FAR.replace(year=2500)])
async def test_a_start_nobody_can_mean_becomes_the_time_of_arrival(site: Site, start: datetime, path: str):
    ids, said = await sent(site, nanoseconds(start), nanoseconds(start + MINUTE), path)
    row = await read(site, ids)
    assert is_about_now(row["startTime"])
    assert row["endTime"] is None
    assert row["level"] == "DEFAULT"
    assert row["metadata"]["sightline.told_start_time"] == start.isoformat()
    assert row["metadata"]["sightline.told_end_time"] == (start + MINUTE).isoformat()
    assert said.startswith("1 spans, the first 'work', have times that nobody can mean")
    assert "sightline.told_" in said


async def test_a_start_becomes_the_end_where_that_can_be_meant_so_a_retry_is_an_upsert(site: Site):
    end = nanoseconds(now() - timedelta(hours=3))
    export, ids = one_span(start_time_unix_nano=0, end_time_unix_nano=end)
    for _ in range(2):
        await site.client.post("/v1/traces", content=export.SerializeToString(), headers=PROTOBUF)
    row = await read(site, ids)
    assert row["startTime"] == row["endTime"] == iso(datetime.fromtimestamp(end // 10**9, UTC))
    ids, _ = await sent(site, nanoseconds(FAR), end)
    row = await read(site, ids)
    assert row["startTime"] == row["endTime"] == iso(datetime.fromtimestamp(end // 10**9, UTC))


async def test_an_end_or_a_first_token_nobody_can_mean_is_unknown(site: Site):
    start = now() - MINUTE
    ids, said = await sent(site, nanoseconds(start), nanoseconds(FAR))
    row = await read(site, ids)
    assert (row["startTime"][:19], row["endTime"], row["latency"]) == (iso(start)[:19], None, None)  # type: ignore[index]
    assert set(row["metadata"]) & {"sightline.told_start_time", "sightline.told_end_time"} == {
        "sightline.told_end_time"
    }
    assert said
    told = {"langfuse.observation.completion_start_time": FAR.isoformat()}
    ids, _ = await sent(site, nanoseconds(start), nanoseconds(start + MINUTE), **told)
    row = await read(site, ids)
    assert (row["completionStartTime"], row["latency"]) == (None, 60)
    assert row["metadata"]["sightline.told_completion_start_time"] == FAR.isoformat()


@pytest.mark.parametrize("start", [datetime(2000, 1, 1, tzinfo=UTC), datetime(2012, 5, 5, tzinfo=UTC)])
async def test_old_traces_and_clocks_that_are_a_bit_fast_are_believed(site: Site, start: datetime):
    for moment in (start, now().replace(microsecond=0) + timedelta(hours=23)):
        ids, said = await sent(site, nanoseconds(moment), nanoseconds(moment))
        row = await read(site, ids)
        assert (row["startTime"], said) == (iso(moment), "")
        assert not any(name.startswith("sightline.") for name in row["metadata"])


def event(number: int, kind: str, timestamp: datetime | None = None, **body: Any) -> dict[str, Any]:
    return {"id": f"absurd-{number}", "type": kind, "timestamp": (timestamp or now()).isoformat(), "body": body}


async def test_events_and_scores_of_the_older_ingestion_are_set_aside_too(site: Site):
    far, old = FAR.isoformat(), NEVER_SET.isoformat()
    batch = [
        event(1, "trace-create", id="absurd"),
        event(2, "span-create", id="absurd-span", traceId="absurd", startTime=old, endTime=far, metadata={"a": 1}),
        event(3, "span-create", FAR, id="absurd-event", traceId="absurd"),
        event(4, "score-create", id="absurd-score", traceId="absurd", name="n", value=1),
        event(5, "score-create", NEVER_SET, id="absurd-time", traceId="absurd", name="n", value=1),
    ]
    batch[0]["body"]["timestamp"] = batch[3]["body"]["timestamp"] = far
    answer = await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE)
    assert (answer.status_code, answer.json()["errors"]) == (207, [])
    trace = await site.get("/traces/absurd")
    assert is_about_now(trace["timestamp"])
    assert trace["metadata"] == {"sightline.told_start_time": far}
    rows = {row["id"]: row for row in trace["observations"]}
    span, by_event = rows["absurd-span"], rows["absurd-event"]
    assert is_about_now(span["startTime"])
    assert span["endTime"] is None
    assert span["metadata"] == {"a": 1, "sightline.told_start_time": old, "sightline.told_end_time": far}
    assert is_about_now(by_event["startTime"])
    assert by_event["metadata"] == {"sightline.told_start_time": far}
    scores = {score["id"]: score for score in trace["scores"]}
    for name, told in (("absurd-score", far), ("absurd-time", old)):
        assert is_about_now(scores[name]["timestamp"])
        assert is_about_now(scores[name]["updatedAt"])
        assert scores[name]["metadata"] == {"sightline.told_timestamp": told}


async def test_an_event_of_an_absurd_clock_does_not_win_for_ever(site: Site):
    for number, moment in ((6, FAR), (7, None)):
        batch = [event(number, "trace-create", moment, id="wins", name=f"said by {number}")]
        await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE)
    assert (await site.get("/traces/wins"))["name"] == "said by 7"


async def test_a_posted_score_is_set_aside_too(site: Site):
    score = {"id": "posted-absurd", "traceId": "x", "name": "n", "value": 1, "timestamp": FAR.isoformat()}
    answer = await site.client.post("/api/public/scores", json=score, headers=HERE)
    assert answer.status_code == 200
    read = await site.get("/v2/scores/posted-absurd")
    assert is_about_now(read["timestamp"])
    assert read["metadata"] == {"sightline.told_timestamp": FAR.isoformat()}


async def test_no_list_begins_with_the_year_2200(site: Site):
    await sent(site, nanoseconds(FAR), nanoseconds(FAR))
    ids, _ = await sent(site, nanoseconds(now()) + 10**9, nanoseconds(now()) + 2 * 10**9)
    listed = await site.get("/traces", toTimestamp=(now() + MINUTE).isoformat(), limit=1)
    assert listed["data"][0]["id"] == ids.trace_id
