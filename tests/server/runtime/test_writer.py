"""Group commit: callers wait for their own rows, hear of their own failures, and a full inbox refuses."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable

import pytest

from sightline.server.runtime.errors import TooBusy, Unavailable
from sightline.server.runtime.observations import EngineFailed, ObservationsEngine
from sightline.server.runtime.writer import Row, SpanWriter


class Recorder:
    """An engine's `insert` that remembers, refuses lines with "bad" in them, and waits while told to."""

    def __init__(self) -> None:
        self.inserts: list[tuple[str, list[bytes]]] = []
        self.open = threading.Event()
        self.open.set()

    def insert(self, table: str, lines: Iterable[bytes]) -> None:
        self.open.wait()
        batch = list(lines)
        if any(b"bad" in line for line in batch):
            raise EngineFailed("bad line")
        self.inserts.append((table, batch))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def writer(recorder: Recorder) -> AsyncIterator[SpanWriter]:
    writer = SpanWriter(recorder, inbox_rows=10)
    writer.start()
    yield writer
    recorder.open.set()
    await writer.stop()


def rows(*lines: bytes, partition: str = "202611") -> list[Row]:
    return [Row("observations", partition, line) for line in lines]


async def arrive(writer: SpanWriter, line: bytes, after_s: float = 0.0) -> None:
    """As a request does: on its way for a while, then rows."""
    with writer.expected():
        await asyncio.sleep(after_s)
        await writer.write(rows(line))


async def test_what_waits_together_is_inserted_together(writer: SpanWriter, recorder: Recorder):
    recorder.open.clear()
    first = asyncio.create_task(writer.write(rows(b"first")))
    await asyncio.sleep(0.05)
    others = [asyncio.create_task(writer.write(rows(b"%d" % n))) for n in range(5)]
    await asyncio.sleep(0.05)
    recorder.open.set()
    await asyncio.gather(first, *others)
    assert [len(lines) for _, lines in recorder.inserts] == [1, 5]


async def test_a_batch_waits_for_what_is_on_its_way_and_for_nothing_else(
    writer: SpanWriter, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sightline.server.runtime.writer.GATHER_S", 60.0)
    await asyncio.gather(arrive(writer, b"a"), arrive(writer, b"b", after_s=0.1))
    assert recorder.inserts == [("observations", [b"a", b"b"])]
    await arrive(writer, b"alone")
    assert recorder.inserts[1:] == [("observations", [b"alone"])]


async def test_a_batch_does_not_wait_long_for_what_does_not_come(writer: SpanWriter, recorder: Recorder):
    with writer.expected():
        await arrive(writer, b"a")
        assert recorder.inserts == [("observations", [b"a"])]


async def test_no_insert_spans_two_partitions(writer: SpanWriter, recorder: Recorder):
    await writer.write(rows(b"a") + rows(b"b", partition="202612") + rows(b"c"))
    assert [lines for _, lines in recorder.inserts] == [[b"a", b"c"], [b"b"]]


async def test_only_the_caller_of_a_bad_row_hears_of_it(writer: SpanWriter, recorder: Recorder):
    outcomes = await asyncio.gather(
        writer.write(rows(b"a")), writer.write(rows(b"bad")), writer.write(rows(b"b")), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), EngineFailed, type(None)]
    assert sorted(line for _, lines in recorder.inserts for line in lines) == [b"a", b"b"]


async def test_a_full_inbox_refuses_and_loses_nothing_it_took(writer: SpanWriter, recorder: Recorder):
    recorder.open.clear()
    stuck = asyncio.ensure_future(writer.write(rows(b"first")))
    await asyncio.sleep(0.05)
    waiting = asyncio.ensure_future(writer.write(rows(*[b"x"] * 10)))
    await asyncio.sleep(0)
    with pytest.raises(TooBusy, match="limit of 10"):
        await writer.write(rows(b"one too many"))
    recorder.open.set()
    await asyncio.gather(stuck, waiting)
    assert sum(len(lines) for _, lines in recorder.inserts) == 11


async def test_a_request_larger_than_the_inbox_passes_when_nothing_waits(writer: SpanWriter, recorder: Recorder):
    await writer.write(rows(*[b"x"] * 25))
    assert sum(len(lines) for _, lines in recorder.inserts) == 25


async def test_stopping_stores_what_was_taken_and_refuses_the_rest(recorder: Recorder):
    writer = SpanWriter(recorder)
    writer.start()
    recorder.open.clear()
    taken = asyncio.ensure_future(writer.write(rows(b"taken")))
    await asyncio.sleep(0.05)
    stopping = asyncio.ensure_future(writer.stop())
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable, match="stopping"):
        await writer.write(rows(b"late"))
    recorder.open.set()
    await asyncio.gather(taken, stopping)
    assert recorder.inserts == [("observations", [b"taken"])]


async def test_rows_are_readable_when_write_returns(engine: ObservationsEngine):
    await engine.execute("CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
    writer = SpanWriter(engine)
    writer.start()
    for number in range(3):
        await writer.write([Row("numbers", "", b'{"n": %d}' % number)])
        assert await engine.query("SELECT count() AS rows FROM numbers") == [{"rows": number + 1}]
    await writer.stop()
