"""The embedded engine: values travel as parameters, one process holds a folder, limits answer instead of failing."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sightline.server.runtime.errors import FolderInUse, Unavailable
from sightline.server.runtime.observations import (
    ClickHouseEngine,
    EmbeddedEngine,
    EngineFailed,
    ObservationsEngine,
    engine_at,
)
from sightline.server.runtime.observations import engine as limits_of

HOLDER = """
import asyncio, sys
from pathlib import Path
from sightline.server.runtime.observations import EmbeddedEngine
asyncio.run(EmbeddedEngine(Path(sys.argv[1])).open())
print("open", flush=True)
sys.stdin.read()
"""


async def test_values_come_through_as_they_are(engine: ObservationsEngine):
    nasty = 'it\'s \\ "quoted" {x:String} \n\t\r\0 – 日本'
    moment = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)
    places = {"text": "String", "list": "Array(String)", "time": "DateTime64(6, 'UTC')", "n": "Int64"}
    sql = "SELECT " + ", ".join(f"{{{name}:{kind}}} AS {name}" for name, kind in places.items())
    [row] = await engine.query(sql, {"text": nasty, "list": [nasty, ""], "time": moment, "n": -(2**62)})
    assert row == {"text": nasty, "list": [nasty, ""], "time": "2026-11-02 12:00:00.123456", "n": -(2**62)}


async def test_a_wrong_statement_and_a_wrong_row_are_errors_of_ours(engine: ObservationsEngine):
    with pytest.raises(EngineFailed, match="nothing_here"):
        await engine.query("SELECT * FROM nothing_here")
    await engine.execute("CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(EngineFailed):
        engine.insert("numbers", [b'{"n": 1}', b'{"n": "many"}'])
    assert await engine.query("SELECT n FROM numbers") == []


async def test_a_query_beyond_its_limits_is_unavailable_and_says_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    limits = {**limits_of.SESSION_SETTINGS, "max_memory_usage": 1_000_000}
    monkeypatch.setattr(limits_of, "SESSION_SETTINGS", limits)
    engine = EmbeddedEngine(tmp_path / "small")
    await engine.open()
    try:
        with pytest.raises(Unavailable, match="narrow"):
            await engine.query("SELECT groupArray(number) FROM numbers(10000000)")
    finally:
        await engine.close()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the folder open until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.communicate()


async def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path, holder: subprocess.Popen[str]):
    with pytest.raises(FolderInUse, match=f"in use by process {holder.pid}") as refusal:
        await EmbeddedEngine(tmp_path).open()
    assert refusal.value.pid == holder.pid
    holder.kill()
    holder.wait()
    engine = EmbeddedEngine(tmp_path)
    await engine.open()
    await engine.close()


async def test_one_folder_holds_several_databases_and_opens_again(tmp_path: Path):
    one, two = (EmbeddedEngine(tmp_path, database=name) for name in ("one", "two"))
    await one.open()
    await two.open()
    await one.execute("CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(EngineFailed):
        await two.query("SELECT * FROM numbers")
    await one.close()
    await two.close()
    again = EmbeddedEngine(tmp_path, database="one")
    await again.open()
    assert await again.query("SELECT * FROM numbers") == []
    await again.close()


def test_a_database_name_is_a_plain_name(tmp_path: Path):
    with pytest.raises(ValueError, match="plain name"):
        EmbeddedEngine(tmp_path, database="a; DROP")


@pytest.mark.parametrize(
    ("address", "kind", "database"),
    [
        ("clickhouse://ada:pa%20ss@db.test:9000/traces", ClickHouseEngine, "traces"),
        ("clickhouses://db.test", ClickHouseEngine, "sightline"),
        ("some/folder", EmbeddedEngine, "sightline"),
    ],
)
def test_an_address_names_a_server_or_a_folder(address: str, kind: type, database: str):
    engine = engine_at(address)
    assert isinstance(engine, kind)
    assert engine.database == database


@pytest.mark.parametrize("address", ["clickhouse://", "clickhouse://db.test/a;b"])
def test_an_address_that_names_no_server_is_refused(address: str):
    with pytest.raises(ValueError, match=r"clickhouse://user|plain name"):
        engine_at(address)


async def test_a_server_that_does_not_answer_is_named_with_the_way_out():
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1 does not answer .*SIGHTLINE_OBSERVATIONS_URL"):
        await ClickHouseEngine("clickhouse://127.0.0.1:1").open()


def test_the_words_of_the_engine_stay_on_the_server():
    failed = limits_of.translated(
        RuntimeError("Code: 440. DB::Exception: LIMIT … In scope SELECT secret FROM observations")
    )
    assert "DB::Exception" in str(failed)
    assert "DB::Exception" not in failed.message
