"""Ingest beside Phoenix and MLflow: durable spans/s, acknowledgement, start-up, idle memory, bytes a span; interleaved.

    python -m benchmarks.ingest [--rounds 3] [--senders 8]

A span counts as durable once the server's own store holds it: for Sightline and MLflow that is when it is acknowledged,
Phoenix acknowledges first and stores later, so the clock runs until its table has every acknowledged span. At last
Sightline alone takes a crowd of 32 senders, and every span is looked for again just after it was acknowledged.
"""

import argparse
import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console

from benchmarks.machine import header, save
from benchmarks.payload import SPANS_A_REQUEST, requests
from benchmarks.servers import MLflow, Phoenix, Server, Sightline

say = Console(stderr=True).print
KINDS = (Sightline, Phoenix, MLflow)
CROWD = 32
READ_BACK = 40


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=240, help="requests of 50 spans a round to Sightline")
    options.add_argument("--phoenix-requests", type=int, default=40, help="the same to this peer, which is slower")
    options.add_argument("--mlflow-requests", type=int, default=80, help="the same to this one")
    options.add_argument("--senders", type=int, default=8)
    options.add_argument("--idle-s", type=float, default=5.0)
    chosen = options.parse_args()
    counts = {Sightline: chosen.requests, Phoenix: chosen.phoenix_requests, MLflow: chosen.mlflow_requests}
    rounds: dict[str, list[dict[str, float]]] = {kind.__name__.lower(): [] for kind in KINDS}
    settled: dict[str, float] = {}
    for turn in range(chosen.rounds):
        for kind in KINDS:
            bodies = list(requests(counts[kind], seed=turn))
            with kind(kind.__name__.lower()) as server:
                figures = measure(server, bodies, chosen.senders, chosen.idle_s)
                if turn == chosen.rounds - 1:  # takes minutes: stores merge and tidy up at their leisure
                    settled[server.name] = round(server.settled_disk_bytes() / server.stored())
            rounds[server.name].append(figures)
            say(f"round {turn + 1} {server.name}: {figures}")
    with Sightline("sightline") as server:
        where_it_goes = profile(server, list(requests(chosen.requests, seed=98)), chosen.senders)
        say(f"microseconds of CPU a span: {where_it_goes}")
        crowd = measure(server, list(requests(2 * chosen.requests, seed=99)), CROWD, chosen.idle_s)
        say(f"{CROWD} senders: {crowd}")
        readable = read_back(server, requests(READ_BACK, seed=100))
        say(f"readable after acknowledgement: {readable}")
    report(
        chosen,
        rounds,
        settled,
        {"cpu_us_per_span_by_thread": where_it_goes, "crowd_of_32": crowd, "acknowledged_to_readable_ms": readable},
    )


def measure(server: Server, bodies: Sequence[bytes], senders: int, idle_s: float) -> dict[str, float]:
    """One round on a fresh server: idle figures, then `bodies` from `senders` threads as fast as they are taken."""
    time.sleep(idle_s)
    idle_mb = server.rss_mb()
    already = server.stored()
    cpu_s = server.cpu_s()
    begun = time.perf_counter()
    waits_s, refused = send(server, bodies, senders)
    acknowledged_s = time.perf_counter() - begun
    accepted = len(waits_s) * SPANS_A_REQUEST
    peak_mb = server.rss_mb()
    durable_s = acknowledged_s  # unless the store turns out to be behind
    while (stored := server.stored() - already) < accepted and durable_s < 600:
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
        "refused": sum(refused.values()),
        "errors": sum(count for status, count in refused.items() if status != 429),
        "lost": accepted - stored,
    }


def profile(server: Server, bodies: Sequence[bytes], senders: int) -> dict[str, float]:
    """Where the server's CPU time goes, in microseconds a span, by the threads' names.

    The process' own name stands for Python, `ThreadPool` for the engine's inserts, `MergeMutate` for its merges.
    """
    before = server.cpu_s_by_thread()
    spans = len(send(server, bodies, senders)[0]) * SPANS_A_REQUEST
    used = server.cpu_s_by_thread()
    return {
        name: round(1e6 * (used[name] - before[name]) / spans, 1) for name in used if used[name] - before[name] > 0.02
    }


def read_back(server: Sightline, bodies: Iterator[bytes]) -> dict[str, float]:
    """Milliseconds from an acknowledgement until a read has the request's last span; of one read where it is there."""
    waits_ms = []
    for body in bodies:
        span = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[-1]
        send(server, [body], 1)
        begun = time.perf_counter()
        while server.get(f"/api/public/observations/{span.span_id.hex()}?traceId={span.trace_id.hex()}")[0] != 200:
            if time.perf_counter() - begun > 10:
                raise SystemExit("an acknowledged span could not be read for 10 s")
        waits_ms.append(1000 * (time.perf_counter() - begun))
    return {"p50": round(statistics.median(waits_ms), 1), "p95": round(sorted(waits_ms)[int(0.95 * len(waits_ms))], 1)}


def send(server: Server, bodies: Sequence[bytes], senders: int) -> tuple[list[float], Counter[int]]:
    """Seconds each accepted request waited for its answer, and how many were refused, by status."""
    waits_s: list[float] = []
    refused: Counter[int] = Counter()
    headers = server.headers()
    left = iter(bodies)
    lock = threading.Lock()

    def sender() -> None:
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
                    refused[answer.status] += 1

    threads = [threading.Thread(target=sender, name=f"sender-{n}") for n in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits_s, refused


def report(
    chosen: argparse.Namespace,
    rounds: dict[str, list[dict[str, float]]],
    settled: dict[str, float],
    more: dict[str, Any],
) -> None:
    """Medians over the rounds, and Sightline : peer as ratios."""
    medians: dict[str, dict[str, float]] = {
        name: {key: statistics.median(r[key] for r in runs) for key in runs[0]} for name, runs in rounds.items()
    }
    for name, bytes_a_span in settled.items():
        medians[name]["disk_bytes_per_span"] = bytes_a_span  # of the last round, once settled
    ours = medians["sightline"]
    result: dict[str, Any] = {
        **header("chdb", "fastapi", "uvicorn"),
        "peers": {"phoenix": "arize-phoenix 20.26.1", "mlflow": "mlflow 3.17.2"},
        "options": vars(chosen),
        "median": medians,
        "ratio_sightline_to": {
            name: {key: round(ours[key] / theirs[key], 3) for key in ours if theirs.get(key)}
            for name, theirs in medians.items()
            if name != "sightline"
        },
        **more,
        "rounds": rounds,
    }
    say(f"{json.dumps({key: result[key] for key in ('median', 'ratio_sightline_to', *more)}, indent=1)}")
    say(f"written to {save('ingest', result)}")


if __name__ == "__main__":
    main()
