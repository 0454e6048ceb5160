"""Ingest beside Phoenix: durable spans/s, acknowledgement, start-up, idle memory, bytes a span; one run, interleaved.

    python -m benchmarks.ingest [--rounds 3] [--requests 160] [--senders 8] [--peer-requests 40]

A span counts as durable once the server's own store holds it: for Sightline that is when it is acknowledged, Phoenix
acknowledges first and stores later, so the clock runs until its table has every acknowledged span.
"""

import argparse
import http.client
import statistics
import threading
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from benchmarks.machine import header, save
from benchmarks.payload import SPANS_A_REQUEST, requests
from benchmarks.servers import Phoenix, Server, Sightline

say = Console(stderr=True).print


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=240, help="requests of 50 spans a round to Sightline")
    options.add_argument("--peer-requests", type=int, default=40, help="the same to the peer, which is slower")
    options.add_argument("--senders", type=int, default=8)
    options.add_argument("--idle-s", type=float, default=5.0)
    chosen = options.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {"sightline": [], "phoenix": []}
    settled: dict[str, float] = {}
    for turn in range(chosen.rounds):
        for kind, count in ((Sightline, chosen.requests), (Phoenix, chosen.peer_requests)):
            bodies = list(requests(count, seed=turn))
            with kind(kind.__name__.lower()) as server:
                figures = measure(server, bodies, chosen.senders, chosen.idle_s)
                if turn == chosen.rounds - 1:  # takes minutes: stores merge and tidy up at their leisure
                    settled[server.name] = round(server.settled_disk_bytes() / server.stored())
            rounds[server.name].append(figures)
            say(f"round {turn + 1} {server.name}: {figures}")
    report(chosen, rounds, settled)


def measure(server: Server, bodies: Sequence[bytes], senders: int, idle_s: float) -> dict[str, float]:
    """One round on a fresh server: idle figures, then `bodies` from `senders` threads as fast as they are taken."""
    time.sleep(idle_s)
    idle_mb = server.rss_mb()
    cpu_s = server.cpu_s()
    begun = time.perf_counter()
    waits_s, refused = send(server, bodies, senders)
    acknowledged_s = time.perf_counter() - begun
    accepted = len(waits_s) * SPANS_A_REQUEST
    peak_mb = server.rss_mb()
    while (stored := server.stored()) < accepted and time.perf_counter() - begun < 600:
        time.sleep(0.05)
        peak_mb = max(peak_mb, server.rss_mb())
    durable_s = time.perf_counter() - begun
    cpu_s = server.cpu_s() - cpu_s
    ranked = sorted(waits_s)
    return {
        "start_s": round(server.start_s, 2),
        "idle_mb": round(idle_mb),
        "acknowledged_spans_per_s": round(accepted / acknowledged_s),
        "durable_spans_per_s": round(stored / durable_s),
        "ack_p50_ms": round(1000 * ranked[len(ranked) // 2], 1),
        "ack_p99_ms": round(1000 * ranked[int(len(ranked) * 0.99)], 1),
        "server_cpu_ms_per_span": round(1000 * cpu_s / stored, 3),
        "peak_mb": round(peak_mb),
        "refused": refused,
        "lost": accepted - stored,
    }


def send(server: Server, bodies: Sequence[bytes], senders: int) -> tuple[list[float], int]:
    """Seconds each accepted request waited for its answer, and how many were refused (429, 503)."""
    waits_s: list[float] = []
    refused = 0
    headers = server.headers()
    left = iter(bodies)
    lock = threading.Lock()

    def sender() -> None:
        nonlocal refused
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        while True:
            with lock:
                body = next(left, None)
            if body is None:
                return
            begun = time.perf_counter()
            connection.request("POST", server.traces_path, body, headers)
            answer = connection.getresponse()
            answer.read()
            waited_s = time.perf_counter() - begun
            with lock:
                if answer.status == 200:
                    waits_s.append(waited_s)
                else:
                    refused += 1

    threads = [threading.Thread(target=sender, name=f"sender-{n}") for n in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits_s, refused


def report(chosen: argparse.Namespace, rounds: dict[str, list[dict[str, float]]], settled: dict[str, float]) -> None:
    """Medians over the rounds, and Sightline : peer as ratios."""
    medians: dict[str, dict[str, float]] = {
        name: {key: statistics.median(r[key] for r in runs) for key in runs[0]} for name, runs in rounds.items()
    }
    for name, bytes_a_span in settled.items():
        medians[name]["disk_bytes_per_span"] = bytes_a_span  # of the last round, once settled
    ours, theirs = medians["sightline"], medians["phoenix"]
    ratios = {key: round(ours[key] / theirs[key], 3) for key in ours if theirs.get(key)}
    result: dict[str, Any] = {
        **header("chdb", "fastapi", "uvicorn"),
        "peer": "arize-phoenix 20.26.1",
        "options": vars(chosen),
        "median": medians,
        "ratio_sightline_to_phoenix": ratios,
        "rounds": rounds,
    }
    say(f"median {medians}\nratios {ratios}\nwritten to {save('ingest', result)}")


if __name__ == "__main__":
    main()
