"""kill -9 under continuous ingestion, again and again on one folder: every acknowledged span is there exactly once.

    python -m benchmarks.campaign_kills [--kills 200] [--senders 4] [--seed 0]

Senders post OTLP over HTTP without a pause; what a kill cut off they send again after the restart, as an exporter does.
Kills fall at random times, a part of them while the server is still starting; between them some ends are SIGTERM in
the same burst. After each restart the spans acknowledged since the last end are read back, at the end all
of them. The folder is kept from kill to kill, so merges are cut off too: those left half written on disk are counted.
Exit code 1 when a span is missing or doubled.
"""

import argparse
import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.machine import header, save
from benchmarks.payload import requests
from benchmarks.servers import Sightline

PAGE = 1_000
LONGEST_LIFE_S = 4.0
STARTUP_SHARE = 0.25
SIGTERM_SHARE = 0.1
TEMPLATES = 20

Key = tuple[str, str]
"""Trace id and span id, hexadecimal."""


@dataclass
class Acknowledged:
    """Spans the server said it has, with the time span they started in."""

    keys: set[Key] = field(default_factory=set)
    first_ns: int = 2**63 - 1
    last_ns: int = 0
    requests: int = 0

    def add(self, request: ExportTraceServiceRequest) -> None:
        self.requests += 1
        for span in _spans(request):
            self.keys.add((span.trace_id.hex(), span.span_id.hex()))
            self.first_ns = min(self.first_ns, span.start_time_unix_nano)
            self.last_ns = max(self.last_ns, span.start_time_unix_nano)


class Sender(threading.Thread):
    """Posts requests until told to stop. One that was not acknowledged stays in hand for the next sender."""

    def __init__(self, server: Sightline, seed: int, pending: ExportTraceServiceRequest | None) -> None:
        super().__init__(name=f"sender-{seed}")
        self.server = server
        self.rng = random.Random(seed)
        self.pending = pending
        self.acknowledged = Acknowledged()
        self.refused: list[str] = []
        self.enough = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        while not self.enough.is_set():
            self.pending = self.pending or _fresh(self.rng)
            try:
                connection.request("POST", "/v1/traces", self.pending.SerializeToString(), self.server.headers())
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.01)
                continue
            if answer.status == 200:
                self.acknowledged.add(self.pending)
                self.pending = None
            else:
                self.refused.append(f"{answer.status} {body[:200]!r}")
                time.sleep(0.05)


@dataclass
class Campaign:
    """What the kills so far have shown."""

    server: Sightline
    senders: int
    rng: random.Random
    everything: list[Acknowledged] = field(default_factory=list)
    pending: list[ExportTraceServiceRequest | None] = field(default_factory=list)
    start_s: list[float] = field(default_factory=list)
    kills_while_starting: int = 0
    kills_while_ingesting: int = 0
    kills_while_merging: int = 0
    sigterms_while_ingesting: int = 0
    requests_sent_again: int = 0
    missing: set[Key] = field(default_factory=set)
    doubled: set[Key] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def kill_while_starting(self) -> None:
        """Start the server and kill it before, or just as, it is ready."""
        typical_s = statistics.median(self.start_s) if self.start_s else 1.5
        command, environment = self.server.command(), self.server.environment()
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(self.rng.uniform(0.0, typical_s * 1.2))
        process.kill()
        process.wait()
        self.kills_while_starting += 1

    def end_while_ingesting(self, how: signal.Signals) -> None:
        """Start, check what was acknowledged before, ingest, end the server by this signal in the midst of it."""
        with self.server:
            self.start_s.append(self.server.start_s)
            if self.everything:
                self.check(self.everything[-1])
            senders = [
                Sender(self.server, self.rng.randrange(2**62), self.pending.pop() if self.pending else None)
                for _ in range(self.senders)
            ]
            self.requests_sent_again += sum(sender.pending is not None for sender in senders)
            for sender in senders:
                sender.start()
            time.sleep(self.rng.uniform(0.05, LONGEST_LIFE_S))
            self.server.stop(how)
            self.collect(senders)
        if how is signal.SIGTERM:
            self.sigterms_while_ingesting += 1
        else:
            self.kills_while_ingesting += 1
            self.kills_while_merging += any(self.server.folder.glob("data/observations/store/*/*/tmp_merge_*"))

    def collect(self, senders: list[Sender]) -> None:
        acknowledged = Acknowledged()
        for sender in senders:
            sender.enough.set()
        for sender in senders:
            sender.join()
            mine = sender.acknowledged
            acknowledged.keys |= mine.keys
            acknowledged.first_ns = min(acknowledged.first_ns, mine.first_ns)
            acknowledged.last_ns = max(acknowledged.last_ns, mine.last_ns)
            acknowledged.requests += mine.requests
            self.pending.append(sender.pending)
            self.refused += sender.refused
        self.everything.append(acknowledged)

    def check(self, acknowledged: Acknowledged) -> None:
        """Read back the time span of these spans; note what is missing or there twice."""
        if not acknowledged.keys:
            return
        seen: Counter[Key] = Counter()
        span = {"fromStartTime": _iso(acknowledged.first_ns), "toStartTime": _iso(acknowledged.last_ns + 1_000_000)}
        query: dict[str, Any] = {"limit": PAGE, **span}
        while True:
            page = self.read("/api/public/v2/observations?" + urlencode(query))
            seen.update((row["traceId"], row["id"]) for row in page["data"])
            if not page["meta"].get("cursor"):
                break
            query["cursor"] = page["meta"]["cursor"]
        self.missing |= {key for key in acknowledged.keys if not seen[key]}
        self.doubled |= {key for key, times in seen.items() if times > 1}

    def read(self, path: str) -> dict[str, Any]:
        status, body = self.server.get(path)
        if status != 200:
            raise SystemExit(f"{path} answered {status}: {body[:300]!r}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    def final_check(self) -> int:
        """Read back everything once more; how many spans the store holds, those never acknowledged included."""
        with self.server:
            self.start_s.append(self.server.start_s)
            for acknowledged in self.everything:
                self.check(acknowledged)
            return self.server.stored()

    def result(self, stored: int) -> dict[str, Any]:
        return {
            "kills": self.kills_while_starting + self.kills_while_ingesting,
            "kills_while_starting": self.kills_while_starting,
            "kills_while_ingesting": self.kills_while_ingesting,
            "kills_while_merging": self.kills_while_merging,
            "sigterms_while_ingesting": self.sigterms_while_ingesting,
            "senders": self.senders,
            "acknowledged_spans": sum(len(round_.keys) for round_ in self.everything),
            "acknowledged_requests": sum(round_.requests for round_ in self.everything),
            "requests_sent_again_after_a_kill": self.requests_sent_again,
            "stored_spans": stored,
            "missing": len(self.missing),
            "doubled": len(self.doubled),
            "refused": Counter(line[:80] for line in self.refused).most_common(5),
            "start_s": {"median": round(statistics.median(self.start_s), 2), "max": round(max(self.start_s), 2)},
            "folder_bytes": self.server.disk_bytes(),
        }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--senders", type=int, default=4)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)
    campaign = Campaign(Sightline("sightline"), chosen.senders, rng)
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    columns = (TextColumn("kills"), BarColumn(), MofNCompleteColumn(), *times, TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=chosen.kills)
        for turn in range(chosen.kills):
            if rng.random() < SIGTERM_SHARE:
                campaign.end_while_ingesting(signal.SIGTERM)
            if turn and rng.random() < STARTUP_SHARE:
                campaign.kill_while_starting()
            else:
                campaign.end_while_ingesting(signal.SIGKILL)
            spans = sum(len(round_.keys) for round_ in campaign.everything)
            shown = f"{spans} acknowledged, {len(campaign.missing)} missing, {len(campaign.doubled)} doubled"
            progress.update(task, advance=1, description=shown)
    result = campaign.result(campaign.final_check())
    path = save("campaign_kills", {**header("chdb"), **result})
    print(json.dumps(result, indent=1))
    Console(stderr=True).print(f"written to {path}")
    sys.exit(1 if campaign.missing or campaign.doubled else 0)


def _fresh(rng: random.Random) -> ExportTraceServiceRequest:
    """A request like the benchmark's with ids of its own that starts now."""
    request = ExportTraceServiceRequest()
    request.CopyFrom(rng.choice(_templates()))
    traces: dict[bytes, bytes] = {}
    spans: dict[bytes, bytes] = {b"": b""}
    shift_ns = time.time_ns() - min(span.start_time_unix_nano for span in _spans(request))
    for span in _spans(request):
        span.trace_id = traces.setdefault(span.trace_id, rng.randbytes(16))
        span.span_id = spans.setdefault(span.span_id, rng.randbytes(8))
        span.parent_span_id = spans.setdefault(span.parent_span_id, rng.randbytes(8))
        span.start_time_unix_nano += shift_ns
        span.end_time_unix_nano += shift_ns
    return request


@cache
def _templates() -> list[ExportTraceServiceRequest]:
    return [ExportTraceServiceRequest.FromString(body) for body in requests(TEMPLATES, seed=0)]


def _spans(request: ExportTraceServiceRequest) -> list[Any]:
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


def _iso(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 1_000 / 1e6, UTC).isoformat(timespec="microseconds")


if __name__ == "__main__":
    main()
