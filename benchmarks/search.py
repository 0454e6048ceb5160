"""An index of 10,000 images made from the shell, interrupted and resumed, then searched: sightline-tiny, digit scenes.

    python -m benchmarks.search [--images 10000] [--kill-at 4000]

The indexing is the command a user types, watched through its folder and killed with SIGKILL half-way; the same command
then goes on. Searches run in one process, by text and by image, each query timed from words to names; their agreement
with the scenes is the share of captions whose own scene is the first hit, or among the first ten. Beside it the time of
one search as a new process, which is mostly the import of torch. Exit code 1 when an image is missing or doubled, or
the median search takes 100 ms or more.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import header, save
from sightline.vlm import bulk, load
from sightline.vlm.data.digit_scenes import sample_scenes

MODEL = "sightline-tiny"
SEED = 4
QUERIES = 100
LIMIT_MS = 100.0
CLI = [sys.executable, "-m", "sightline.cli"]


def draw(folder: Path, images: int) -> list[str]:
    """Writes scenes as PNG files; their captions."""
    captions = []
    for first in range(0, images, 500):
        for at, scene in enumerate(sample_scenes(min(500, images - first), SEED, "held-out", first=first), first):
            scene.image.save(folder / f"{at:06d}.png")
            captions.append(scene.caption)
    return captions


def indexed(index: Path) -> int:
    """Images whose line is in the index."""
    lines = index / "items.jsonl"
    return lines.read_bytes().count(b"\n") if lines.exists() else 0


def interrupt(command: list[str], index: Path, at: int) -> dict[str, Any]:
    """Starts the indexing and kills it once `at` images are in."""
    started_s = time.monotonic()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and indexed(index) < at:
            time.sleep(0.005)
        process.kill()
    return {"images_in": indexed(index), "seconds": round(time.monotonic() - started_s, 2)}


def timed(search: Callable[[], object], times: int) -> dict[str, float]:
    """Wall clock and CPU time (of all threads) of a search, after one that is not counted."""
    search()
    took_ms, cpu_ms = [], []
    for _ in range(times):
        started_s, cpu_started_s = time.perf_counter(), time.process_time()
        search()
        took_ms.append((time.perf_counter() - started_s) * 1000)
        cpu_ms.append((time.process_time() - cpu_started_s) * 1000)
    ordered = sorted(took_ms)
    return {
        "median_cpu_ms": round(statistics.median(cpu_ms), 2),
        "median_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
        "max_ms": round(ordered[-1], 2),
    }


def found(index: bulk.Index, captions: list[str]) -> dict[str, float]:
    """How often a caption finds its own scene, among equal captions any of them."""
    ranks = []
    for at in range(0, len(captions), max(1, len(captions) // QUERIES)):
        names = [int(Path(hit.name).stem) for hit in index.search(captions[at], top=10)]
        ranks.append(next((rank for rank, name in enumerate(names) if captions[name] == captions[at]), None))
    return {
        "queries": len(ranks),
        "first": round(sum(rank == 0 for rank in ranks) / len(ranks), 3),
        "among_ten": round(sum(rank is not None for rank in ranks) / len(ranks), 3),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, default=10_000)
    options.add_argument("--kill-at", type=int, default=4_000)
    options.add_argument("--name", default="search", help="name of the result file")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        result = measure(Path(temporary), chosen.images, chosen.kill_at)
    path = save(chosen.name, {**header("torch", "pillow", dtype="float16 vectors, float32 model"), **result})
    print(json.dumps(result, indent=1))
    Console(stderr=True).print(f"written to {path}")
    whole = result["indexing"]["images_in_index"] == chosen.images and not result["indexing"]["doubled"]
    sys.exit(0 if whole and result["search"]["by_text"]["median_ms"] < LIMIT_MS else 1)


def measure(folder: Path, images: int, kill_at: int, name: str = MODEL) -> dict[str, Any]:
    """Draws, indexes with an interruption, searches."""
    (folder / "scenes").mkdir()
    captions = draw(folder / "scenes", images)
    index = folder / "scenes.index"
    command = [*CLI, "index", str(folder / "scenes"), "--out", str(index), "--model", name, "--json"]
    killed = interrupt(command, index, kill_at)
    resumed = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    model = load(name)
    opened = bulk.open_index(index, model)
    image = folder / "scenes" / f"{images // 2:06d}.png"
    started_s = time.perf_counter()
    shell = subprocess.run(
        [*CLI, "search", str(index), captions[0], "--json"], stdout=subprocess.PIPE, check=True
    ).stdout
    shell_s = time.perf_counter() - started_s
    return {
        "images": images,
        "indexing": {
            "killed": killed,
            "resumed": {name: value for name, value in resumed.items() if name != "index"},
            "images_per_s": round((images - resumed["resumed"]) / max(resumed["seconds"], 0.01), 1),
            "images_in_index": len(opened),
            "doubled": len(opened.names) - len(set(opened.names)),
            "index_bytes": sum(path.stat().st_size for path in index.iterdir()),
        },
        "search": {
            "by_text": timed(lambda: opened.search(captions[1]), QUERIES),
            "by_image": timed(lambda: opened.similar(image), QUERIES),
            "reranked_16": timed(lambda: opened.search(captions[1], rerank=16), 10),
            "from_the_shell": {
                "process_s": round(shell_s, 2),
                "search_ms": json.loads(shell)["searches"][0]["took_ms"],
            },
        },
        "finds_its_scene": found(opened, captions),
    }


if __name__ == "__main__":
    main()
