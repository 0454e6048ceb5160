"""Faults of the disk, the system, the clock and the engine × everything that is written, at two moments of a write.

    python -m benchmarks.faults [--only TEXT] [--seed 0] [--no-mount]

Each run copies a folder, starts the server, injects a fault before or in the midst of some writes, kills it, starts it
again without the fault and reads: what was acknowledged is there, once, and the folder opens. A disk that can be filled
is a tmpfs, which needs root; failing calls need a C compiler (`shim.c`). Exit code 1 when anything is lost or wrong.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from benchmarks.faults import shim
from benchmarks.faults.disk import Disk
from benchmarks.faults.kinds import KINDS, MOMENTS, Kind
from benchmarks.faults.runs import Result, Stage, run
from benchmarks.faults.served import PROJECT, Server, Zygote
from benchmarks.faults.subjects import SUBJECTS, old_spans
from benchmarks.machine import header, save
from sightline.server.runtime.database import Database
from sightline.server.runtime.observations import EmbeddedEngine
from sightline.server.tables.migration import HEAD, migration_config

TABLES = ("observations", "traces", "scores", "changes")
OLDER = "0009"
"""Revision that the older template is taken back to."""
told = Console(stderr=True)


def alter(folder: Path, settings: str) -> None:
    async def act() -> None:
        engine = EmbeddedEngine(folder / "observations")
        await engine.open()
        for table in TABLES:
            await engine.execute(f"ALTER TABLE {table} MODIFY SETTING {settings}")
        await engine.close()

    asyncio.run(act())


def older(folder: Path) -> None:
    """Take a folder back: a table less, and changes of the analytics tables that were not applied."""
    from alembic import command

    async def act() -> None:
        engine = EmbeddedEngine(folder / "observations")
        await engine.open()
        for name in ("call_id", "repeated_usage", "repeated_cost_usd"):
            await engine.execute("ALTER TABLE observations DROP INDEX IF EXISTS by_call")
            await engine.execute(f"ALTER TABLE observations DROP COLUMN IF EXISTS {name}")
        await engine.execute("ALTER TABLE applied_changes DELETE WHERE name IN ('counted_once', 'traces_filled')")
        await engine.execute("DROP TABLE traces SYNC")
        await engine.close()
        database = Database(f"sqlite+aiosqlite:///{folder / 'sightline.db'}")
        config = migration_config()

        def back(connection: Any) -> None:
            config.attributes["connection"] = connection
            command.downgrade(config, OLDER)

        async with database.work() as work:
            await work.connection.run_sync(back)
        await database.close()

    asyncio.run(act())


def templates(zygote: Zygote, page: shim.Page, folder: Path) -> dict[str, Path]:
    """A folder that was closed well, with some old traces, and the same as an older version left it."""
    usual = folder / "usual"
    server = Server(zygote, usual, folder / "template.log", page, settings={"min_free_bytes": 0}).start()
    for body in old_spans():
        kind = {**PROJECT, "Content-Type": "application/x-protobuf"}
        status, answer = server.ask("POST", "/v1/traces", body, kind)
        if status != 200:
            raise SystemExit(f"the template could not be made: {status} {answer[:300]!r} {server.said()[-500:]}")
    server.read("/api/public/traces?limit=1")
    time.sleep(1.5)
    server.kill(how=15)
    shutil.copytree(usual, folder / "older", symlinks=True)
    older(folder / "older")
    return {"usual": usual, "older": folder / "older"}


def planned(only: str) -> list[tuple[Kind, type[Any], Any]]:
    every = [(kind, subject, moment) for kind in KINDS for subject in SUBJECTS for moment in MOMENTS]
    return [each for each in every if only in f"{each[0].name} {each[1].name} {each[2]}"]


def summary(results: Sequence[Result]) -> dict[str, Any]:
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        by_kind[result.kind].update(
            runs=1,
            acknowledged=result.acknowledged,
            refused=result.refused,
            lost=len(result.lost),
            wrong_answers=len(result.wrong),
        )
    return {
        "runs": len(results),
        "acknowledged": sum(each.acknowledged for each in results),
        "refused": sum(each.refused for each in results),
        "lost": sum(len(each.lost) for each in results),
        "wrong_answers": sum(len(each.wrong) for each in results),
        "by_kind": {name: dict(counts) for name, counts in by_kind.items()},
        "not_good": [asdict(each) for each in results if not each.is_good],
        "notes": Counter(note[:120] for each in results for note in each.notes).most_common(20),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="runs whose kind, subject and moment hold this text")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--no-mount", action="store_true")
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    library = shim.built(folder)
    if library is None:
        raise SystemExit("there is no C compiler (cc): failing calls cannot be injected")
    page, disk = shim.Page(folder / "page"), Disk(folder / "disk", wants_real=not chosen.no_mount)
    zygote = Zygote(library)
    results: list[Result] = []
    try:
        stage = Stage(zygote, disk, page, templates(zygote, page, folder), alter)
        runs = [each for each in planned(chosen.only) if disk.is_real or not each[0].needs_disk]
        for number, (kind, subject, moment) in enumerate(runs):
            began = time.monotonic()
            result = run(stage, kind, subject(), moment, Random(f"{chosen.seed} {number}"))
            results.append(result)
            mark = "good" if result.is_good else f"NOT GOOD {result.lost} {result.wrong}"
            took = f"{time.monotonic() - began:.1f} s"
            told.print(f"{number + 1}/{len(runs)} {kind.name}, {subject.name}, {moment}: {mark} {result.notes} {took}")
    finally:
        zygote.close()
        disk.close()
        page.close()
    result = {"schema": HEAD, "seed": chosen.seed, **summary(results)}
    if not chosen.only:
        told.print(f"written to {save('campaign_faults', {**header('chdb'), **result})}")
    print(json.dumps(result, indent=1))
    sys.exit(1 if result["lost"] or result["wrong_answers"] else 0)


if __name__ == "__main__":
    main()
