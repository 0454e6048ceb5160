"""The index of traces: exact whatever arrives, filled for older folders, found again after a crash."""

import asyncio
from datetime import timedelta

import pytest

from server.conftest import Storage
from server.tracing.making import ELSEWHERE, HERE, at, observation
from sightline.server.runtime.observations import ObservationsEngine
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.actions.indexing import TraceIndex
from sightline.server.tracing.records import Kind, TraceId, TraceQuery, Window

MONTH_S = 31 * 86_400.0


async def names(tracing: Tracing, **asked: object) -> list[str]:
    return [trace.id for trace in (await tracing.traces(HERE, TraceQuery(**asked))).items]  # type: ignore[arg-type]


async def rows(engine: ObservationsEngine) -> int:
    return int((await engine.query("SELECT count() AS n FROM traces FINAL WHERE gone = 0"))[0]["n"])


async def test_a_trace_whose_start_moves_to_another_month_is_listed_once(tracing: Tracing):
    await tracing.record(HERE, [observation("t", "root", start=MONTH_S, is_root=True)])
    assert await names(tracing) == ["t"]
    await tracing.record(HERE, [observation("t", "early", start=0)])
    [trace] = (await tracing.traces(HERE, TraceQuery())).items
    assert trace.timestamp == at(0)
    assert await names(tracing, window=Window(start=at(MONTH_S))) == []
    await tracing.record(HERE, [observation("t", "early", start=MONTH_S + 1)])
    [trace] = (await tracing.traces(HERE, TraceQuery())).items
    assert (trace.timestamp, trace.observation_count) == (at(MONTH_S), 2)


async def test_a_long_trace_keeps_its_user_in_every_window(tracing: Tracing):
    root = observation("t", "root", is_root=True, trace_user_id="ada", trace_session_id="s")
    await tracing.record(HERE, [root, observation("t", "call", start=3 * 86_400.0, kind=Kind.GENERATION)])
    assert await names(tracing, user_id="ada", session_id="s") == ["t"]


async def test_what_a_crash_left_unindexed_is_indexed_by_the_next_start(storage: Storage):
    tracing = storage.tracing
    tracing.index._is_shared = False  # Else nothing waits: a batch is indexed before it is acknowledged.
    await tracing.index.open()
    await tracing.record(HERE, [observation("before", start=0)])
    await tracing.traces(HERE, TraceQuery())
    await tracing.record(HERE, [observation("lost", start=1), observation("before", "late", start=2)])
    # A crash: what waits in memory is gone, the next process opens the folder.
    tracing.index._waiting.clear()
    assert await names(tracing) == ["before"]
    index = TraceIndex(storage.engine, storage.writer)
    await index.open()
    await index.settled(HERE)
    listed = (await tracing.traces(HERE, TraceQuery())).items
    assert [(trace.id, trace.observation_count) for trace in listed] == [("lost", 1), ("before", 2)]


@pytest.fixture
async def older(storage: Storage) -> Storage:
    """A folder of a build before: rows, some of them sent again with another start, and no index."""
    tracing = storage.tracing
    many = [observation(f"t{n}", f"o{n}", start=n * 3_600.0, trace_user_id=f"u{n % 2}") for n in range(60)]
    await tracing.record(HERE, many)
    await tracing.record(HERE, [observation("t5", "o5", start=5 * 3_600.0 + 60, trace_user_id="u1")])
    await tracing.record(ELSEWHERE, [observation("x", project_id=ELSEWHERE)])
    tracing.index._waiting.clear()
    await storage.engine.execute("TRUNCATE TABLE traces")
    return storage


async def test_filling_an_older_folder_takes_traces_over_midnight_whole(storage: Storage):
    tracing = storage.tracing
    over = [observation("t", "first", start=0), observation("t", "next", start=86_400.0, kind=Kind.GENERATION)]
    again = [observation("moved", "one", start=0), observation("late", "early", start=5)]
    await tracing.record(HERE, [*over, *again])
    await tracing.record(HERE, [observation("moved", "one", start=2 * 86_400.0)])
    tracing.index._waiting.clear()
    await storage.engine.execute("TRUNCATE TABLE traces")
    await tracing.index.open()
    # While the folder is being filled a span arrives of a trace that the index does not know.
    await tracing.record(HERE, [observation("late", "now", start=9 * 86_400.0)])
    await tracing.index.settled(HERE)
    await tracing.index._fill()
    listed = (await tracing.traces(HERE, TraceQuery())).items
    assert {trace.id: trace.observation_count for trace in listed} == {"t": 2, "moved": 1, "late": 2}


async def test_an_older_folder_answers_from_rows_and_is_filled(older: Storage):
    tracing = older.tracing
    await tracing.index.open()
    assert len(await names(tracing, limit=100)) == 60
    assert len(await names(tracing, limit=100, user_id="u1")) == 30
    assert await rows(older.engine) == 0
    tracing.index.start()
    for _ in range(200):
        if await rows(older.engine) == 61:
            break
        await asyncio.sleep(0.05)
    assert await rows(older.engine) == 61
    assert len(await names(tracing, limit=100)) == 60
    [moved] = (await tracing.traces(HERE, TraceQuery(ids=(TraceId("t5"),)))).items
    assert (moved.observation_count, moved.timestamp) == (1, at(5 * 3_600.0 + 60))
    await tracing.index.stop()


async def test_a_folder_without_rows_needs_no_filling(storage: Storage):
    await storage.tracing.index.open()
    await storage.tracing.record(HERE, [observation("t")])
    assert await names(storage.tracing) == ["t"]
    assert await rows(storage.engine) == 1


async def test_a_root_that_says_nothing_shows_its_first_question_and_its_last_answer(tracing: Tracing):
    chat = '[{"role": "user", "content": "why?"}]'
    calls = [
        observation(
            "t", f"c{n}", start=n, kind=Kind.GENERATION, input=chat.replace("why", f"why {n}"), output=f'"so {n}"'
        )
        for n in (1, 2)
    ]
    await tracing.record(HERE, [observation("t", "root", is_root=True, kind=Kind.AGENT), *calls])
    [listed] = (await tracing.traces(HERE, TraceQuery())).items
    assert (listed.input, listed.output) == ("why 1?", "so 2")
    whole, _ = await tracing.trace(HERE, TraceId("t"))
    assert (whole.input, whole.output) == (chat.replace("why", "why 1"), '"so 2"')


async def test_retention_keeps_the_rest_of_a_trace_that_began_before(storage: Storage):
    tracing = storage.tracing
    await tracing.record(HERE, [observation("t", "old", start=0), observation("t", "new", start=2 * 86_400.0)])
    await tracing.traces(HERE, TraceQuery())
    before = at(0) + timedelta(days=1)

    async def delete() -> None:
        moment = {"moment": before}
        await storage.engine.execute(
            "DELETE FROM observations WHERE start_time < {moment:DateTime64(6, 'UTC')}", moment
        )

    await tracing.index.cut(HERE, before, delete)
    [left] = (await tracing.traces(HERE, TraceQuery())).items
    assert (left.timestamp, left.observation_count) == (at(2 * 86_400.0), 1)


async def test_while_traces_cannot_be_indexed_reads_go_on_and_the_next_one_tries_again(
    tracing: Tracing, monkeypatch: pytest.MonkeyPatch
):
    await tracing.record(HERE, [observation("a", start=0)])
    assert await names(tracing) == ["a"]

    async def broken(*_: object) -> None:
        raise RuntimeError("no summaries today")

    with monkeypatch.context() as patched:
        patched.setattr(tracing.index._store, "summaries", broken)
        tracing.index._is_shared = False
        await tracing.record(HERE, [observation("b", start=1)])
        assert await names(tracing) == ["a"]
    assert await names(tracing) == ["b", "a"]
