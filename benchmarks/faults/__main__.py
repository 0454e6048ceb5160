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
import signal
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
from benchmarks.faults.kills import Campaign, run_kills
from benchmarks.faults.kinds import KINDS, MOMENTS, Kind
from benchmarks.faults.runs import Result, Stage, run
from benchmarks.faults.served import PROJECT, Server, Zygote
from benchmarks.faults.subjects import SUBJECTS, old_spans
from benchmarks.machine import RESULTS, header, save
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
    server.kill(how=signal.SIGTERM)
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
    options.add_argument("--parts", default="faults,pairs,kills", help="which parts of the campaign run")
    options.add_argument("--kills", type=int, default=500)
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the disk is unmounted
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    library = shim.built(folder)
    if library is None:
        raise SystemExit("there is no C compiler (cc): failing calls cannot be injected")
    zygote, page = Zygote(library), shim.Page(folder / "page")
    made: dict[str, Any] = {"schema": HEAD, "seed": chosen.seed}
    try:
        if "faults" in chosen.parts:
            made["faults"] = summary(faults(zygote, page, folder, chosen))
        if "pairs" in chosen.parts:
            made["pairs"] = summary(pairs(zygote, folder, chosen.only))
        if "kills" in chosen.parts:
            made["kills"] = kills(zygote, page, folder, chosen)
    finally:
        zygote.close()
        page.close()
    if not chosen.only:
        told.print(f"written to {_saved(made)}")
    print(json.dumps(made, indent=1))
    sys.exit(1 if any(part.get("lost") or part.get("wrong_answers") for part in _parts(made)) else 0)


def faults(zygote: Zygote, page: shim.Page, folder: Path, chosen: argparse.Namespace) -> list[Result]:
    disk = Disk(folder / "disk", wants_real=not chosen.no_mount)
    results: list[Result] = []
    try:
        stage = Stage(zygote, disk, page, templates(zygote, page, folder), alter)
        runs = [each for each in planned(chosen.only) if disk.is_real or not each[0].needs_disk]
        for number, (kind, subject, moment) in enumerate(runs):
            began = time.monotonic()
            results.append(run(stage, kind, subject(), moment, Random(f"{chosen.seed} {number}")))
            _tell(results[-1], f"{number + 1}/{len(runs)}", began)
    finally:
        disk.close()
    return results


def pairs(zygote: Zygote, folder: Path, only: str) -> list[Result]:
    from benchmarks.faults.pairs import run_pair
    from server.cluster import Cluster  # the tests' equipment: on the path where the campaign runs

    results: list[Result] = []
    with Cluster.running() as cluster:
        for number, subject in enumerate(SUBJECTS):
            for moment in MOMENTS:
                if only and only not in f"two processes {subject.name} {moment}":
                    continue
                began = time.monotonic()
                here = folder / f"pair-{number}-{moment}"
                here.mkdir()
                results.append(run_pair(zygote, cluster, subject(), here, moment))
                _tell(results[-1], f"pair {len(results)}", began)
    return results


def kills(zygote: Zygote, page: shim.Page, folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    here = folder / "kills"
    here.mkdir()
    campaign = Campaign(zygote, here, page, older, Random(chosen.seed))
    return run_kills(campaign, chosen.kills, told.print)


def _tell(result: Result, number: str, began: float) -> None:
    mark = "good" if result.is_good else f"NOT GOOD {result.lost} {result.wrong}"
    took = f"{time.monotonic() - began:.1f} s"
    told.print(f"{number} {result.kind}, {result.subject}, {result.moment}: {mark} {result.notes} {took}")


def _parts(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [made[name] for name in ("faults", "pairs", "kills") if name in made]


def _saved(made: dict[str, Any]) -> Path:
    """Parts that did not run this time stay as they were."""
    path = RESULTS / "campaign_faults.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    kept = {name: before[name] for name in ("faults", "pairs", "kills") if name in before}
    for name in ("faults", "pairs", "kills"):
        if name in made:
            made[name] = {"commit": header()["commit"], **made[name]}
    return save("campaign_faults", {**header("chdb"), **kept, **made})


if __name__ == "__main__":
    main()
