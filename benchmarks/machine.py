"""The header every result carries: which machine, which commit, which versions; and where results are kept."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"


def header(*packages: str, dtype: str | None = None) -> dict[str, Any]:
    """Machine, commit (with `+` when the tree has changes), time and the versions of `packages`."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory_kib = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "machine": {
            "cpu": model or platform.processor(),
            "cores": os.cpu_count(),
            "memory_gib": round(memory_kib / 2**20, 1),
            "system": f"{platform.system()} {platform.release()}",
        },
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "src") else ""),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "dtype": dtype,
        "packages": {name: metadata.version(name) for name in packages},
    }


def save(name: str, result: dict[str, Any]) -> Path:
    """Writes `result` to results/NAME.json and says where."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
    ).stdout.strip()
