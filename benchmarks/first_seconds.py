"""What the first commands cost: CPU of `sightline models` and of one caption, beside another build in the same run.

    python -m benchmarks.first_seconds --before /path/to/other/checkout

Interleaved, so that whatever else the machine does is shared by both; medians of user and system time.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import ROOT, header, save
from sightline.vlm.data.digit_scenes import sample_scenes

ROUNDS = 3


def cpu_s(source: Path, *arguments: str) -> float:
    """User and system time of a command of the build in a checkout."""
    program = [sys.executable, "-m", "sightline.cli", *arguments]
    place = {**os.environ, "PYTHONPATH": str(source / "src")}
    with subprocess.Popen(program, env=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments} of {source} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measures both builds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="a checkout of the build before")
    before = parser.parse_args().before.resolve()
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        photo = Path(place) / "photo.png"
        next(iter(sample_scenes(1, 1, "held-out"))).image.save(photo)
        for name, call in (("help", ["--help"]), ("models", ["models"]), ("caption", ["caption", str(photo)])):
            rounds = [(cpu_s(before, *call), cpu_s(ROOT, *call)) for _ in range(ROUNDS)]
            old, new = (round(statistics.median(each), 3) for each in zip(*rounds, strict=True))
            told[name] = {"before_cpu_s": old, "cpu_s": new, "ratio": round(old / new, 2)}
    save("first_seconds", {**header("torch", "transformers"), **told})
    Console(stderr=True).print_json(data=told)


if __name__ == "__main__":
    main()
