"""Ingest of this build beside a build before, in paired rounds: which goes first alternates, ratios are of pairs.

git worktree add /somewhere 69eacd3
python -m benchmarks.ingest_before --before /somewhere [--rounds 6] [--senders 8]
"""

import argparse
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.ingest import measure, profile
from benchmarks.machine import ROOT, header, save
from benchmarks.payload import requests
from benchmarks.servers import Sightline

say = Console(stderr=True).print
COMPARED = ("durable_spans_per_s", "acknowledged_spans_per_s", "ack_p99_ms", "server_cpu_ms_per_span", "peak_mb")


@dataclass
class Build(Sightline):
    """A server of the sources in a folder, on the environment of this one."""

    source: Path = ROOT

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(self.source / "src")}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--before", type=Path, required=True, help="a checkout of the build to compare with")
    options.add_argument("--rounds", type=int, default=6)
    options.add_argument("--requests", type=int, default=240, help="requests of 50 spans a round")
    options.add_argument("--senders", type=int, default=8)
    chosen = options.parse_args()
    builds = {"now": ROOT, "before": chosen.before.resolve()}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in builds}
    for turn in range(chosen.rounds):
        bodies = list(requests(chosen.requests, seed=turn))
        for name in sorted(builds, reverse=bool(turn % 2)):
            with Build(name, source=builds[name]) as server:
                rounds[name].append(measure(server, bodies, chosen.senders, idle_s=2.0))
            say(f"round {turn + 1} {name}: {rounds[name][-1]}")
    where_it_goes = {}
    for name, source in builds.items():
        with Build(name, source=source) as server:
            where_it_goes[name] = profile(server, list(requests(chosen.requests, seed=98)), chosen.senders)
    result = {
        **header(),
        "before": _commit(builds["before"]),
        "senders": chosen.senders,
        "medians": {name: {key: _median(each, key) for key in COMPARED} for name, each in rounds.items()},
        "ratios_of_pairs": {key: _ratios(rounds, key) for key in COMPARED},
        "cpu_us_per_span_by_thread": where_it_goes,
        "rounds": rounds,
    }
    say(result["ratios_of_pairs"])
    save("ingest_before", result)


def _median(rounds: list[dict[str, float]], key: str) -> float:
    return statistics.median(each[key] for each in rounds)


def _ratios(rounds: dict[str, list[dict[str, float]]], key: str) -> dict[str, float]:
    """Now over before: the median of the pairs, the least and the most."""
    ratios = [now[key] / before[key] for now, before in zip(rounds["now"], rounds["before"], strict=True)]
    return {
        "median": round(statistics.median(ratios), 3),
        "least": round(min(ratios), 3),
        "most": round(max(ratios), 3),
    }


def _commit(folder: Path) -> str:
    answer = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


if __name__ == "__main__":
    main()
