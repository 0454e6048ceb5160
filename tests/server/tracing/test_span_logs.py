"""Log records and spans that meet: at once, in two processes, after a restart, or not at all."""

import asyncio
from math import inf
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.conftest import Storage
from server.edges.logging_senders import START, agent_framework, export, genai_details, record
from server.edges.running_site import Sent
from server.tracing.making import HERE, observation
from sightline.server.runtime.blobs import Blobs
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.actions import logs as span_logs
from sightline.server.tracing.logs import Heard, heard
from sightline.server.tracing.mapping import SdkInfo
from sightline.server.tracing.records import Observation, ObservationId, ObservationQuery, TraceId

SENT = Sent("0a" * 16, "0b" * 8)
ANSWER = '[{"role":"assistant","content":"Ten.","index":0,"finish_reason":"stop"}]'


def logged(*records: LogRecord) -> Heard:
    return heard(HERE, export(*(records or agent_framework(SENT))), SdkInfo(), START)


async def log(tracing: Tracing, *records: LogRecord) -> None:
    said = logged(*records)
    await tracing.record_logs(HERE, said.observations, said.messages)


def span(**fields: object) -> Observation:
    return observation(SENT.trace_id, SENT.span_id, **fields)


async def stored(tracing: Tracing) -> list[Observation]:
    return list((await tracing.observations(HERE, ObservationQuery(trace_id=TraceId(SENT.trace_id)))).items)


@pytest.fixture
def beside(storage: Storage, tmp_path: Path) -> Tracing:
    """A second process on the same stores, as far as it can be told apart from the first."""
    return Tracing(
        engine=storage.engine,
        writer=storage.writer,
        database=storage.database,
        blobs=Blobs(str(tmp_path / "media")),
        hub=storage.hub,
        signing_secret=b"signing",
    )


@pytest.mark.parametrize("attempt", range(5))
async def test_a_span_and_its_records_that_come_at_once_are_merged(tracing: Tracing, attempt: int):
    records = agent_framework(SENT)
    await asyncio.gather(
        log(tracing, records[0]), tracing.record(HERE, [span()]), log(tracing, records[2]), log(tracing, records[1])
    )
    [found] = await stored(tracing)
    assert (found.output, (found.input or "").count("role")) == (ANSWER, 2)


async def test_what_two_processes_took_at_once_is_merged_a_moment_later(tracing: Tracing, beside: Tracing):
    await beside.record(HERE, [span()])  # From here on it believes for a moment that nobody logs.
    await log(tracing)
    await beside.record(HERE, [span(name="again")])
    assert [each.output for each in await stored(tracing)] == [None]
    await tracing.logs.settle(until=inf)
    assert [(each.name, each.output) for each in await stored(tracing)] == [("again", ANSWER)]


async def test_records_outlive_the_process_that_took_them(tracing: Tracing, beside: Tracing):
    await log(tracing)
    await beside.record(HERE, [span()])
    assert [each.output for each in await stored(beside)] == [ANSWER]


async def test_a_server_that_stops_leaves_no_record_unseen(tracing: Tracing, beside: Tracing):
    tracing.logs.start()
    await log(tracing)
    assert await stored(tracing) == []
    await tracing.logs.stop()
    await tracing.index.settled(HERE)
    assert [each.output for each in await stored(beside)] == [ANSWER]
    await beside.record(HERE, [span(name="late")])
    assert [(each.name, each.output) for each in await stored(beside)] == [("late", ANSWER)]


async def test_beyond_what_may_wait_records_are_shown_at_once(tracing: Tracing, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(span_logs, "MOST_WAITING", 0)
    await log(tracing)
    assert [each.output for each in await stored(tracing)] == [ANSWER]


async def test_a_trace_that_is_deleted_takes_its_records_along(tracing: Tracing):
    await log(tracing)
    await tracing.delete_traces(HERE, [TraceId(SENT.trace_id)])
    await tracing.logs.settle(until=inf)
    assert await stored(tracing) == []
    await tracing.record(HERE, [span()])
    assert [each.output for each in await stored(tracing)] == [None]


async def test_what_was_counted_since_stays_when_more_is_logged(tracing: Tracing):
    await tracing.record(HERE, [span(kind="GENERATION", model="gpt-4o-mini", usage={"input": 3, "total": 3})])
    await log(tracing)
    await log(tracing, record({"content": "Ten!"}, sent=SENT, at_ms=9, event_name="gen_ai.choice"))
    [found] = await stored(tracing)
    assert (found.usage["total"], found.cost_usd["total"] > 0, (found.output or "").count("role")) == (3, True, 2)


async def test_messages_logged_at_one_time_keep_the_order_they_were_sent_in(tracing: Tracing):
    said = [
        record({"content": word}, sent=SENT, event_name="gen_ai.user.message") for word in ("first", "second", "third")
    ]
    await tracing.record(HERE, [span()])
    await log(tracing, *said)
    found = await tracing.observation(HERE, ObservationId(SENT.span_id))
    assert found.input == (
        '[{"role":"user","content":"first"},{"role":"user","content":"second"},{"role":"user","content":"third"}]'
    )


async def test_a_record_without_content_says_nothing(tracing: Tracing):
    empty = logged(
        record({}, sent=SENT, event_name="gen_ai.user.message"),
        record({"index": 0, "message": {"role": "assistant"}}, sent=SENT, event_name="gen_ai.choice"),
    )
    assert (empty.messages, empty.observations, empty.unplaced) == ([], [], 0)


async def test_the_same_record_is_the_same_whenever_it_was_observed(tracing: Tracing):
    once, again = (
        logged(record("x", sent=SENT, event_name="gen_ai.user.message", observed_time_unix_nano=START + later))
        for later in (1, 2)
    )
    assert once.messages[0].event_id == again.messages[0].event_id
    details = logged(*genai_details(SENT)).messages[0]
    assert details.occurred_at.timestamp() == pytest.approx(START / 1e9)


async def test_records_whose_span_never_came_are_shown_after_a_crash_too(tracing: Tracing, beside: Tracing):
    await log(tracing)
    # The first process is killed; the second opens the folder and looks at what waited.
    await beside.open()
    await beside.logs.settle(until=inf)
    [shown] = await stored(beside)
    assert shown.output == ANSWER
