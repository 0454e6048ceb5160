"""Some 300 odd pictures and 60 odd tables through the commands: each a right answer, or a clear row of error.

    python -m benchmarks.campaign_files

The pictures (`odd_pictures`) go through `sightline caption FOLDER --out rows.jsonl`, all of them, whose peak memory
is held against that of one small picture, and are read one by one for their colours. The tables go through `bulk.run`.
Exit code 1 when one is neither right nor refused in words, or memory is above the limit.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.machine import header, save
from benchmarks.odd_pictures import REFUSED, RIGHT, Picture, halves, pictures, saved
from benchmarks.odd_tables import Table, tables
from sightline.vlm import bulk, load
from sightline.vlm.config import SightlineVlmError
from sightline.vlm.data.images import ImageError, read

MOST_MIB = 600
"""Memory of any picture over that of the model with a small one."""
COLOUR = 12
"""Of 255, that a lossy format may change a colour."""


def wrong(picture: Picture, body: bytes) -> str | None:
    """What is wrong with how a picture is read; none when it is right, or refused as it should be."""
    try:
        pixels = np.asarray(read(body)).astype(int)
    except ImageError as error:
        return f"refused: {error}" if picture.becomes == RIGHT else None
    if picture.becomes == REFUSED:
        return "read, and is no picture"
    high, wide = pixels.shape[:2]
    seen = (pixels[high // 2, wide // 4], pixels[high // 2, -1 - wide // 4])
    far = max(
        int(abs(one - np.array(other)).max()) for one, other in zip(seen, (picture.left, picture.right), strict=True)
    )
    return f"{[each.tolist() for each in seen]}" if picture.becomes == RIGHT and far > COLOUR else None


def wrong_table(table: Table, folder: Path, body: bytes, model: Any) -> str | None:
    """What is wrong with what became of a table."""
    path = folder / table.name
    path.write_bytes(table.make(body))
    try:
        items = bulk.gather(path)
        if not len(items):
            return None if "nothing to work on" in table.why else "no rows"
        rows = bulk.run(bulk.Answers(model=model), items).rows
    except SightlineVlmError as error:
        return None if table.why and table.why in str(error) else f"refused: {error}"
    answered = [row for row in rows if row.get("answer") and "error" not in row]
    return None if len(answered) == table.rows and not table.why else f"{len(answered)} answers of {table.rows}: {rows}"


MEASURED = """
import atexit, sys
from pathlib import Path
from sightline.cli import main

status = Path("/proc/self/status")
atexit.register(lambda: Path(sys.argv[1]).write_text(status.read_text()))
main(sys.argv[2:])
"""
"""Runs a command line and leaves what Linux says of the process, its peak memory among it."""


def peak_mib(place: Path, *arguments: str) -> float:
    """Peak resident memory of a command."""
    told = place / "status"
    program = [sys.executable, "-c", MEASURED, str(told), *arguments]
    subprocess.run(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    line = next(each for each in told.read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def write_pictures(folder: Path, found: dict[str, str]) -> dict[str, Picture]:
    """Writes every picture into a folder, and notes those that are read wrongly."""
    kinds: dict[str, Picture] = {}
    for picture in pictures():
        body = picture.make()
        (folder / picture.name).write_bytes(body)
        kinds[picture.name] = picture
        if why := wrong(picture, body):
            found[picture.name] = why
    return kinds


def check_rows(rows: Path, kinds: dict[str, Picture], found: dict[str, str]) -> dict[str, int]:
    """Notes pictures whose row is not what they are; how many rows there are of each kind."""
    lines = [json.loads(line) for line in rows.read_text().splitlines()]
    told = {Path(row["image"]).name: "error" if "error" in row else "caption" for row in lines}
    wanted = {RIGHT: "caption", REFUSED: "error"}
    for name, picture in kinds.items():
        if told.get(name) is None or wanted.get(picture.becomes, told[name]) != told[name]:
            found[f"row of {name}"] = str(told.get(name))
    return {"captions": list(told.values()).count("caption"), "errors": list(told.values()).count("error")}


def check_tables(folder: Path, found: dict[str, str]) -> int:
    """Notes tables that become something else than they should; how many there are."""
    body, many = saved(halves(), "PNG"), 0
    for name in ("photo.png", "photo.jpg", "COCO_val2014_000000000007.jpg"):
        (folder / name).write_bytes(body)
    model = load("sightline-tiny")
    for table in tables():
        many += 1
        if why := wrong_table(table, folder, body, model):
            found[table.name] = why
    return many


def main() -> None:
    """Runs the campaign."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        odd, rows, small = folder / "odd", folder / "rows.jsonl", folder / "small.png"
        odd.mkdir()
        small.write_bytes(saved(halves(), "PNG"))
        kinds = write_pictures(odd, found)
        least = peak_mib(folder, "caption", str(small), "--out", str(folder / "small.jsonl"))
        over = peak_mib(folder, "caption", str(odd), "--out", str(rows)) - least
        if over > MOST_MIB:
            found["memory"] = f"{over:.0f} MiB over {least:.0f}"
        result: dict[str, Any] = {"pictures": len(kinds), **check_rows(rows, kinds, found)}
        result |= {"tables": check_tables(folder, found), "wrong": found}
    result |= {"small_mib": round(least), "over_mib": round(over)}
    save("campaign_files", {**header(), **result})
    Console(stderr=True).print_json(data=result)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
