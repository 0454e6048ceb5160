"""Ten million observations in one embedded folder: bytes on disk, memory, and how long each question takes.

    python -m benchmarks.scale [--rows 10000000] [--days 30] [--rounds 40] [--folder …]

20,000 spans of the peers' payload are sent over OTLP. The others are made of them inside the engine, with ids, times
and an order of their own: the texts of a slice of time repeat only at a distance no compression reaches over. The
questions are asked of the running server over HTTP, one client, each round with other names, words and traces. Needles
that occur in two observations each are sent over OTLP as well.
"""

import argparse
import asyncio
import http.client
import json
import random
import signal
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console
from rich.progress import track

from benchmarks.ingest import send
from benchmarks.machine import header, save
from benchmarks.payload import SPANS_A_REQUEST, requests
from benchmarks.servers import PROJECT, Sightline
from sightline.server.runtime.observations import EmbeddedEngine

console = Console(stderr=True)
say = console.print

TEMPLATES = 20_000
BATCH = 60_000
NEEDLES = tuple(f"needle{n:02}x{7919 * (n + 3):x}" for n in range(30))
EMAIL, PASSWORD = "bench@example.com", "a long enough password"
WEEK = timedelta(days=7)
DASHBOARD_ROUNDS = 5

TEMPLATE = """
CREATE TABLE template ENGINE = MergeTree ORDER BY place AS
SELECT *, dateDiff('microsecond', min(start_time) OVER (PARTITION BY trace_id), start_time) AS offset_us,
       row_number() OVER (ORDER BY cityHash64(trace_id), id) AS place
FROM observations
"""

COPIES = """
INSERT INTO observations SELECT * EXCEPT (offset_us, place, copy) REPLACE (
    lower(hex(sipHash128(trace_id, copy))) AS trace_id,
    lower(hex(sipHash64(id, copy))) AS id,
    if(parent_id = '', '', lower(hex(sipHash64(parent_id, copy)))) AS parent_id,
    toUInt64({first_version:UInt64} + place) AS row_version,
    toDateTime64({from:DateTime64(6, 'UTC')}, 6, 'UTC')
        + toIntervalMicrosecond(sipHash64(trace_id, copy, 'when') % {length_us:UInt64} + offset_us) AS start_time,
    start_time + toIntervalMicrosecond(dateDiff('microsecond', template.start_time, template.end_time)) AS end_time
) FROM template CROSS JOIN (SELECT arrayJoin({copies:Array(UInt32)}) AS copy) AS copies
SETTINGS max_partitions_per_insert_block = 4, max_execution_time = 600
"""


@dataclass
class Scale(Sightline):
    """The server with a person who may open its pages."""

    cookie: dict[str, str] = field(default_factory=dict)
    peak_mb: float = 0.0
    """Most resident memory seen after a question."""

    def environment(self) -> dict[str, str]:
        person = {"SIGHTLINE_INIT_USER_EMAIL": EMAIL, "SIGHTLINE_INIT_USER_PASSWORD": PASSWORD}
        return super().environment() | person

    def sign_in(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        origin = f"http://127.0.0.1:{self.port}"
        body = json.dumps({"email": EMAIL, "password": PASSWORD})
        connection.request("POST", "/api/web/session", body, {"content-type": "application/json", "origin": origin})
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"signing in answered {answer.status}: {answer.read()[:300]!r}")
        self.cookie = {"cookie": str(answer.headers["set-cookie"]).partition(";")[0], "origin": origin}

    def page(self, path: str) -> Any:
        """What a page asks, as the signed-in person."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=self.cookie)
            answer = connection.getresponse()
            return _checked(path, answer.status, answer.read())
        finally:
            connection.close()

    def ask(self, path: str) -> Any:
        """What a client of the public API asks."""
        return _checked(path, *self.get(path))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--folder", type=Path, help="keep the data here, and use what an earlier run left here")
    chosen = options.parse_args()
    server = Scale("sightline", **({"folder": chosen.folder} if chosen.folder else {}))
    server.folder.mkdir(parents=True, exist_ok=True)
    if not (server.folder / "filled").exists():
        fill(server, chosen.rows, timedelta(days=chosen.days))
        (server.folder / "filled").write_text(str(chosen.rows))
    with server:
        server.sign_in()
        result = {
            "questions_ms": measure(server, asked(server, random.Random(2)), chosen.rounds),
            "dashboards_ms": measure(server, summed(server, timedelta(days=chosen.days)), DASHBOARD_ROUNDS),
        }
        result |= {"rounds": chosen.rounds, "server_rss_peak_mb": round(server.peak_mb)}
    rows = int((server.folder / "filled").read_text())
    disk = server.disk_bytes()
    whole = {
        **header("chdb"),
        "rows": rows,
        "days": chosen.days,
        "disk_bytes": disk,
        "disk_bytes_per_observation": round(disk / rows, 1),
        "start_s": round(server.start_s, 2),
        **result,
    }
    say(f"{json.dumps(whole, indent=1)}\nwritten to {save('scale', whole)}")


def fill(server: Scale, rows: int, span: timedelta) -> None:
    """Templates and needles over OTLP, the rest inside the engine, then as long as it takes to merge."""
    with server:
        refused = send(server, list(requests(TEMPLATES // SPANS_A_REQUEST, seed=0)), 4)[1]
        if refused:
            raise SystemExit(f"requests of templates were refused: {dict(refused)}")
    asyncio.run(_multiply(server.folder / "data/observations", rows, span))
    with server:
        refused = send(server, needles(span), 1)[1]
        if refused:
            raise SystemExit(f"requests of needles were refused: {dict(refused)}")


async def _multiply(folder: Path, rows: int, span: timedelta) -> None:
    engine = EmbeddedEngine(folder)
    await engine.open()
    await engine.execute(TEMPLATE)
    copies, a_batch = rows // TEMPLATES, BATCH // TEMPLATES
    batches = -(-copies // a_batch)
    begin, length = datetime.now(UTC) - span, span / batches
    version = time.time_ns() - rows
    for batch in track(range(batches), "filling", console=console):
        numbers = list(range(batch * a_batch, min(copies, (batch + 1) * a_batch)))
        params = {
            "from": begin + batch * length,
            "length_us": int(length.total_seconds() * 1e6),
            "first_version": version + batch * BATCH,
            "copies": numbers,
        }
        await engine.execute(COPIES, params)
    await engine.execute("DROP TABLE template SYNC")
    await _merged(engine)
    await engine.close()


async def _merged(engine: EmbeddedEngine) -> None:
    """Wait until merges have had nothing to do for a while, and what they replaced is gone."""
    calm_since = time.monotonic()
    with console.status("merging") as status:
        while time.monotonic() - calm_since < 90:
            [now] = await engine.query("SELECT count() AS running, sum(num_parts) AS parts FROM system.merges")
            [parts] = await engine.query("SELECT countIf(active) AS live, count() AS all_ FROM system.parts")
            status.update(f"merging: {now['running']} at work, {parts['live']} of {parts['all_']} parts live")
            if now["running"]:
                calm_since = time.monotonic()
            await asyncio.sleep(2)


def needles(span: timedelta) -> list[bytes]:
    """Each needle in two spans of the last week or of the time before; everything else as in the payload."""
    rng = random.Random(1)
    bodies = []
    for body, needle in zip(requests(len(NEEDLES), seed=99), NEEDLES, strict=True):
        request = ExportTraceServiceRequest.FromString(body)
        spans = request.resource_spans[0].scope_spans[0].spans
        ago_ns = int(rng.uniform(0, (WEEK if rng.random() < 0.5 else span).total_seconds()) * 1e9)
        for each in spans:
            each.start_time_unix_nano -= ago_ns
            each.end_time_unix_nano -= ago_ns
        for each in rng.sample(list(spans), 2):
            value = next(one.value for one in each.attributes if one.key == "input.value")
            value.string_value = f"{value.string_value[:600]} {needle} {value.string_value[600:]}"
        bodies.append(request.SerializeToString())
    return bodies


def measure(server: Scale, questions: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, dict[str, float]]:
    """Every question `rounds` times in turn; milliseconds at the median and the 95th percentile."""
    waits_ms: dict[str, list[float]] = {name: [] for name in questions}
    for _ in track(range(rounds), "asking", console=console):
        for name, ask in questions.items():
            begun = time.perf_counter()
            ask()
            waits_ms[name].append(1000 * (time.perf_counter() - begun))
            server.peak_mb = max(server.peak_mb, server.rss_mb())
    return {
        name: {
            "p50": round(statistics.median(waits), 1),
            "p95": round(sorted(waits)[int(len(waits) * 0.95)], 1),
            "max": round(max(waits), 1),
        }
        for name, waits in waits_ms.items()
    }


def asked(server: Scale, rng: random.Random) -> dict[str, Callable[[], Any]]:
    """The questions of pages and of clients, each with something new in it every time it is asked."""
    traces = f"/api/web/projects/{PROJECT}/traces"
    observations = "/api/public/v2/observations?"
    day, week = ((datetime.now(UTC) - since).isoformat() for since in (timedelta(days=1), WEEK))
    sample = [row["id"] for row in server.page(f"{traces}?limit=200")["data"]]

    def listed(**conditions: Any) -> Any:
        return server.page(f"{traces}?{urlencode({'limit': 50, **conditions}, quote_via=quote)}")

    def filtered(column: str, value: str, kind: str = "string", operator: str = "=") -> Any:
        condition = {"type": kind, "column": column, "operator": operator, "value": value}
        fields = "core,basic,model,usage,metrics"
        query = {"limit": 50, "fields": fields, "filter": json.dumps([condition])}
        return server.ask(observations + urlencode(query))

    return {
        "newest_50_traces_of_the_page": listed,
        "charts_of_the_page": lambda: server.page(f"{traces}/series?{urlencode({'from': day, 'buckets': 60})}"),
        "newest_50_observations": lambda: server.ask(observations + urlencode({"limit": 50})),
        "newest_50_observations_with_texts": lambda: server.ask(observations + "limit=50&fields=core,basic,io,usage"),
        "filtered_by_user_page": lambda: listed(userId=f"user-{rng.randrange(200)}"),
        "filtered_by_session_page": lambda: listed(sessionId=f"session-{rng.randrange(500)}"),
        "filtered_by_errors_page": lambda: listed(errors="true"),
        "filtered_by_user_and_week_page": lambda: listed(userId=f"user-{rng.randrange(200)}", **{"from": week}),
        "filtered_by_model": lambda: filtered("model", rng.choice(("gpt-4o-mini", "llama-3.1-8b"))),
        "filtered_by_name": lambda: filtered("name", f"tool step {rng.randrange(1, 12)}"),
        "filtered_by_level": lambda: filtered("level", "ERROR"),
        "filtered_by_user": lambda: filtered("userId", f"user-{rng.randrange(200)}"),
        "one_trace_of_the_page": lambda: server.page(f"{traces}/{rng.choice(sample)}"),
        "one_trace": lambda: server.ask(f"/api/public/traces/{rng.choice(sample)}"),
        "search_rare_word_7_days": lambda: listed(search=rng.choice(NEEDLES), **{"from": week}),
        "search_absent_word_7_days": lambda: listed(search=f"absent{rng.randrange(10**9)}", **{"from": week}),
        "search_number_7_days": lambda: listed(search=f"{rng.randrange(10_000, 99_999)}", **{"from": week}),
        "search_common_word_7_days": lambda: listed(search="invoices", **{"from": week}),
    }


def summed(server: Scale, span: timedelta) -> dict[str, Callable[[], Any]]:
    """What the charts of dashboards ask: sums over every observation of a week, and of the whole time."""
    until = datetime.now(UTC)

    def ask(view: str, measure: str, aggregation: str, since: timedelta, **more: Any) -> Callable[[], Any]:
        query = {
            "view": view,
            "metrics": [{"measure": measure, "aggregation": aggregation}],
            "fromTimestamp": (until - since).isoformat(),
            "toTimestamp": until.isoformat(),
            **more,
        }
        path = f"/api/public/metrics?{urlencode({'query': json.dumps(query)})}"
        return lambda: server.ask(path)

    questions = {}
    for name, since in (("week", WEEK), ("whole_time", span)):
        by_day = {"timeDimension": {"granularity": "day"}}
        questions |= {
            f"observations_by_day_{name}": ask("observations", "count", "count", since, **by_day),
            f"cost_by_model_{name}": _by("providedModelName", ask, since),
            f"cost_by_user_{name}": _by("userId", ask, since),
            f"cost_by_trace_name_{name}": _by("traceName", ask, since),
            f"p95_latency_of_traces_by_day_{name}": ask("traces", "latency", "p95", since, **by_day),
        }
    return questions


def _by(field: str, ask: Callable[..., Callable[[], Any]], since: timedelta) -> Callable[[], Any]:
    return ask("observations", "totalCost", "sum", since, dimensions=[{"field": field}])


def _checked(path: str, status: int, body: bytes) -> Any:
    if status != 200:
        raise SystemExit(f"{path} answered {status}: {body[:300]!r}")
    return json.loads(body)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
