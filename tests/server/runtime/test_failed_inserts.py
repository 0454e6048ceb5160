"""Whatever fails while rows are committed is an error, nothing of them is stored, and the next insert is fine."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from sightline.server.runtime.errors import SightlineError
from sightline.server.runtime.observations import EngineFailed, NotStored, ObservationsEngine
from sightline.server.runtime.writer import Row, SpanWriter

TABLE = "CREATE TABLE days (day Date, text String) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY day SETTINGS "
ONE_DAY, ANOTHER_MONTH = b'{"day": "2026-11-02", "text": "a"}', b'{"day": "2026-12-02", "text": "b"}'
LARGE = b'{"day": "2026-11-02", "text": "%s"}' % (b"long " * 2_000_000)
LIMITED = """
import asyncio, json, os, resource, sys
from pathlib import Path
from sightline.server.runtime.errors import SightlineError
from sightline.server.runtime.observations import EmbeddedEngine

folder, limit, room, act = Path(sys.argv[1]), getattr(resource, sys.argv[2]), int(sys.argv[3]), sys.argv[4]
STATEMENTS = {
    "merge": "OPTIMIZE TABLE words FINAL",
    "change": "ALTER TABLE words UPDATE copies = concat(text, toString(n)) WHERE 1 SETTINGS mutations_sync = 1",
}

async def stored(engine):
    # Every column is read: a damaged one would fail.
    rows = await engine.query("SELECT n, length(concat(text, copies)) AS length FROM words ORDER BY n")
    return [row["n"] for row in rows if row["length"] > 400_000]

async def main():
    engine = EmbeddedEngine(folder)
    await engine.open()
    # Parts are much larger than what they are made of, so that writing them fails and not what is before it.
    await engine.execute("CREATE TABLE words (n UInt8, copies String, "
        "text String MATERIALIZED randomPrintableASCII(500000)) "
        "ENGINE = MergeTree ORDER BY n SETTINGS fsync_after_insert = 1, min_bytes_for_wide_part = 0")
    await engine.execute("SYSTEM STOP MERGES words") if act == "insert" else None
    for n in (0, 1):
        engine.insert("words", [b'{"n": %d}' % n])
    before = resource.getrlimit(limit)
    used = len(os.listdir("/proc/self/fd")) if limit == resource.RLIMIT_NOFILE else 0
    said = ""
    resource.setrlimit(limit, (used + room, before[1]))
    try:
        engine.insert("words", [b'{"n": 2}']) if act == "insert" else await engine.execute(STATEMENTS[act])
    except SightlineError as failure:
        said = f"{failure.status} {failure.retry_after_s} {failure.message}"
    finally:
        resource.setrlimit(limit, before)
    then = await stored(engine)
    engine.insert("words", [b'{"n": 3}'])
    await engine.close()
    again = EmbeddedEngine(folder)
    await again.open()
    print(json.dumps([said, then, await stored(again)]))
    await again.close()

asyncio.run(main())
"""
NO_FILES, NO_WRITES = "the server has too many files open", "the disk of the data folder could not be written to"


def limited(folder: Path, limit: str, room: int, act: str) -> tuple[str, list[int], list[int]]:
    """What an act says for which a limit of the system leaves no room, what is stored then, and after a restart."""
    command = [sys.executable, "-c", LIMITED, str(folder), limit, str(room), act]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    said, then, after = json.loads(ended.stdout.splitlines()[-1])
    return said, then, after


async def refused(engine: ObservationsEngine, lines: Iterable[bytes]) -> SightlineError:
    with pytest.raises(SightlineError) as failure:
        engine.insert("days", lines)
    return failure.value


@pytest.mark.parametrize(
    ("settings", "lines", "said"),
    [
        ("old_parts_lifetime = 60", [ONE_DAY, ANOTHER_MONTH], "Too many partitions"),
        ("parts_to_throw_insert = 1, parts_to_delay_insert = 0", [ONE_DAY], "Too many parts"),
        ("min_free_disk_bytes_to_perform_insert = 1000000000000000", [ONE_DAY], "NOT_ENOUGH_SPACE"),
    ],
)
async def test_what_the_engine_refuses_at_commit_is_to_be_sent_again(
    engine: ObservationsEngine, settings: str, lines: list[bytes], said: str
):
    await engine.execute(TABLE + "index_granularity = 8192")
    engine.insert("days", [ONE_DAY])
    await engine.execute("SYSTEM STOP MERGES days")
    await engine.execute(f"ALTER TABLE days MODIFY SETTING {settings}")
    failure = await refused(engine, lines)
    assert isinstance(failure, NotStored)
    assert (failure.status, failure.retry_after_s) == (503, 5)
    assert said in str(failure)
    assert "DB::Exception" not in failure.message
    assert await engine.query("SELECT count() AS rows FROM days") == [{"rows": 1}]
    for setting in settings.split(","):
        await engine.execute(f"ALTER TABLE days RESET SETTING {setting.split('=')[0]}")
    engine.insert("days", [ONE_DAY])
    assert await engine.query("SELECT count() AS rows FROM days") == [{"rows": 2}]


async def test_rows_that_cannot_be_read_are_refused_for_good(engine: ObservationsEngine):
    await engine.execute(TABLE + "index_granularity = 8192")
    for line in (b'{"day": "2026-11-02", "text": [', b'{"day": []}'):
        assert isinstance(await refused(engine, [ONE_DAY, line]), EngineFailed)
    assert await engine.query("SELECT count() AS rows FROM days") == [{"rows": 0}]


async def test_rows_for_which_memory_is_short_are_not_stored(engine: ObservationsEngine):
    await engine.execute(TABLE + "index_granularity = 8192")
    await engine.execute("ALTER TABLE days ADD COLUMN many String MATERIALIZED repeat(text, 1000)")
    failure = await refused(engine, [ONE_DAY, LARGE])
    assert failure.status in (500, 503)
    assert await engine.query("SELECT count() AS rows FROM days") == [{"rows": 0}]


async def test_an_insert_of_many_rows_is_one_part(engine: ObservationsEngine):
    await engine.execute(TABLE + "index_granularity = 8192")
    engine.insert("days", [ONE_DAY] * 150_000)
    sql = "SELECT count() AS parts FROM system.parts WHERE database = currentDatabase() AND table = 'days'"
    assert await engine.query(sql) == [{"parts": 1}]


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_a_part_whose_files_cannot_be_opened_is_an_error(tmp_path: Path, room: int):
    said, then, after = limited(tmp_path, "RLIMIT_NOFILE", room, "insert")
    assert said.startswith(f"503 5 this could not be stored: {NO_FILES}")
    assert (then, after) == ([0, 1], [0, 1, 3])


@pytest.mark.parametrize("most_bytes", [4096, 100_000])
def test_a_part_that_cannot_be_written_is_an_error_and_set_aside(tmp_path: Path, most_bytes: int):
    said, then, after = limited(tmp_path, "RLIMIT_FSIZE", most_bytes, "insert")
    assert said.startswith(f"503 5 this could not be stored: {NO_WRITES}")
    assert (then, after) == ([0, 1], [0, 1, 3])


@pytest.mark.parametrize("act", ["merge", "change"])
def test_what_a_part_was_made_of_takes_the_place_of_one_that_could_not_be_written(tmp_path: Path, act: str):
    said, then, after = limited(tmp_path, "RLIMIT_FSIZE", 100_000, act)
    assert said.startswith("503 5 ")
    assert (then, after) == ([0, 1], [0, 1, 3])


async def test_the_callers_of_rows_that_were_not_stored_hear_of_it(engine: ObservationsEngine):
    await engine.execute(TABLE + "min_free_disk_bytes_to_perform_insert = 1000000000000000")
    writer = SpanWriter(engine)
    writer.start()
    with pytest.raises(NotStored, match="NOT_ENOUGH_SPACE"):
        await writer.write([Row("days", "202611", ONE_DAY)])
    await writer.stop()
