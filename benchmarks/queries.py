"""The same questions to Sightline, Phoenix and MLflow, each holding the same 20,000 spans; one client, in turn.

    python -m benchmarks.queries [--requests 400] [--rounds 15]

Each is asked as its own pages ask: Phoenix by GraphQL, MLflow by its search of traces, Sightline by the page's API.
Needles are words that occur in two spans each.
"""

import argparse
import http.client
import json
import random
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from rich.console import Console

from benchmarks.ingest import send
from benchmarks.machine import header, save
from benchmarks.payload import requests
from benchmarks.scale import NEEDLES, Scale, needles
from benchmarks.servers import PROJECT, MLflow, Phoenix, Server

say = Console(stderr=True).print
MODELS = ("gpt-4o-mini", "sightline-tiny", "claude-sonnet-4", "llama-3.1-8b")
Questions = Mapping[str, Callable[[random.Random], Any]]

PHOENIX_SPAN = (
    "edges{node{id name spanKind startTime latencyMs statusCode tokenCountTotal spanId trace{traceId} "
    "input{truncatedValue} output{truncatedValue}}}"
)
PHOENIX_WHOLE = (
    "edges{node{id name spanKind parentId startTime endTime statusCode input{value} output{value} attributes}}"
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=400, help="of 50 spans each")
    options.add_argument("--rounds", type=int, default=15)
    chosen = options.parse_args()
    bodies = [*requests(chosen.requests, seed=0), *needles(timedelta(hours=1))]
    waits_ms: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as running:
        servers: list[Server] = [running.enter_context(kind(kind.__name__.lower())) for kind in (Phoenix, MLflow)]
        servers.insert(0, running.enter_context(Scale("sightline")))
        for server in servers:
            _fill(server, bodies)
        asked = {server.name: ASK[server.name](server) for server in servers}
        rng = random.Random(5)
        for turn in range(chosen.rounds):
            for name, questions in asked.items():
                for question, ask in questions.items():
                    begun = time.perf_counter()
                    ask(rng)
                    waited = 1000 * (time.perf_counter() - begun)
                    waits_ms.setdefault(question, {}).setdefault(name, []).append(waited)
            say(f"round {turn + 1} of {chosen.rounds}")
    _report(vars(chosen), waits_ms)


def _fill(server: Server, bodies: list[bytes]) -> None:
    for at in range(0, len(bodies), 40):  # a peer that stores later is given the time
        refused = send(server, bodies[at : at + 40], 4)[1]
        if refused:
            raise SystemExit(f"{server.name} refused requests: {dict(refused)}")
        until = time.monotonic() + 300
        while server.stored() < 50 * min(at + 40, len(bodies)):
            if time.monotonic() > until:
                raise SystemExit(f"{server.name} did not store what it acknowledged within five minutes")
            time.sleep(0.2)
    say(f"{server.name} holds {server.stored()} spans")


def ask_sightline(server: Server) -> Questions:
    if not isinstance(server, Scale):
        raise TypeError(f"{server.name} is not Sightline")
    server.sign_in()
    traces = f"/api/web/projects/{PROJECT}/traces"
    sample = [row["id"] for row in server.page(f"{traces}?limit=200")["data"]]

    def observations(column: str, operator: str, value: Any, kind: str = "string") -> Any:
        condition = {"type": kind, "column": column, "operator": operator, "value": value}
        query = {"limit": 50, "fields": "core,basic,model,usage,metrics", "filter": json.dumps([condition])}
        return server.ask(f"/api/public/v2/observations?{urlencode(query)}")

    total = json.dumps(
        {
            "view": "observations",
            "metrics": [{"measure": "totalTokens", "aggregation": "sum"}, {"measure": "latency", "aggregation": "p50"}],
            "dimensions": [],
            "filters": [],
            "fromTimestamp": "2020-01-01T00:00:00Z",
            "toTimestamp": "2100-01-01T00:00:00Z",
        }
    )
    return {
        "newest_50": lambda _: server.page(f"{traces}?limit=50"),
        "one_trace": lambda rng: server.ask(f"/api/public/traces/{rng.choice(sample)}"),
        "filter_model": lambda rng: observations("model", "=", rng.choice(MODELS)),
        "filter_error": lambda _: observations("level", "=", "ERROR"),
        "filter_latency": lambda rng: observations("latency", ">", rng.uniform(0.4, 0.8), "number"),
        "filter_user": lambda rng: server.page(f"{traces}?limit=50&userId=user-{rng.randrange(200)}"),
        "search_text": lambda rng: server.page(f"{traces}?limit=50&search={rng.choice(NEEDLES)}"),
        "aggregate": lambda _: server.ask(f"/api/public/v2/metrics?query={quote(total)}"),
    }


def ask_phoenix(server: Server) -> Questions:
    def graph(query: str) -> Any:
        answer = _posted(server, "/graphql", {"query": query})
        if answer.get("errors"):
            raise SystemExit(f"phoenix: {answer['errors'][0]}")
        return answer["data"]

    projects = graph("{projects{edges{node{id name}}}}")["projects"]["edges"]
    project = next(each["node"]["id"] for each in projects if each["node"]["name"] == "bench")

    def of_project(fields: str) -> Any:
        return graph(f'{{node(id:"{project}"){{... on Project{{{fields}}}}}}}')["node"]

    def spans(condition: str = "", fields: str = PHOENIX_SPAN) -> Any:
        narrowed = f", filterCondition:{json.dumps(condition)}" if condition else ""
        return of_project(f"spans(first:50, sort:{{col:startTime,dir:desc}}{narrowed}){{{fields}}}")

    sample = [edge["node"]["trace"]["traceId"] for edge in spans()["spans"]["edges"]]
    return {
        "newest_50": lambda _: spans(),
        "one_trace": lambda rng: of_project(
            f'trace(traceId:"{rng.choice(sample)}"){{spans(first:1000){{{PHOENIX_WHOLE}}}}}'
        ),
        "filter_model": lambda rng: spans(f"llm.model_name == '{rng.choice(MODELS)}'"),
        "filter_error": lambda _: spans("status_code == 'ERROR'"),
        "filter_latency": lambda rng: spans(f"latency_ms >= {rng.randint(400, 800)}"),
        "filter_user": lambda rng: spans(f"user.id == 'user-{rng.randrange(200)}'"),
        "search_text": lambda rng: spans(f"'{rng.choice(NEEDLES)}' in input.value"),
        "aggregate": lambda _: of_project("traceCount recordCount tokenCountTotal latencyMsQuantile(probability:0.5)"),
    }


def ask_mlflow(server: Server) -> Questions:
    where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}]

    def search(condition: str | None = None) -> Any:
        body = {"locations": where, "max_results": 50, "order_by": ["timestamp_ms DESC"]}
        return _posted(server, "/api/3.0/mlflow/traces/search", body | ({"filter": condition} if condition else {}))

    def metric(name: str, aggregation: Mapping[str, Any]) -> Any:
        body = {"experiment_ids": ["0"], "view_type": "TRACES", "metric_name": name, "aggregations": [aggregation]}
        return _posted(server, "/api/3.0/mlflow/traces/metrics", body)

    sample = [trace["trace_id"] for trace in search()["traces"]]
    percentile = {"aggregation_type": "PERCENTILE", "percentile_value": 50}
    return {
        "newest_50": lambda _: search(),
        "one_trace": lambda rng: _got(server, f"/api/3.0/mlflow/traces/get?trace_id={rng.choice(sample)}"),
        "filter_model": lambda rng: search(f"span.attributes.`llm.model_name` LIKE '%{rng.choice(MODELS)}%'"),
        "filter_error": lambda _: search("span.status = 'ERROR'"),
        "filter_latency": lambda rng: search(f"trace.execution_time_ms > {rng.randint(400, 800)}"),
        "filter_user": lambda rng: search(f"metadata.`mlflow.trace.user` = 'user-{rng.randrange(200)}'"),
        "search_text": lambda rng: search(f"trace.text LIKE '%{rng.choice(NEEDLES)}%'"),
        "aggregate": lambda _: (metric("latency", percentile), metric("total_tokens", {"aggregation_type": "SUM"})),
    }


ASK: Mapping[str, Callable[[Server], Questions]] = {
    "sightline": ask_sightline,
    "phoenix": ask_phoenix,
    "mlflow": ask_mlflow,
}


def _posted(server: Server, path: str, body: Any) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise SystemExit(f"{server.name}{path} answered {answer.status}: {content[:300]!r}")
    return json.loads(content)


def _got(server: Server, path: str) -> Any:
    status, content = server.get(path)
    if status != 200:
        raise SystemExit(f"{server.name}{path} answered {status}: {content[:300]!r}")
    return json.loads(content)


def _report(chosen: dict[str, Any], waits_ms: dict[str, dict[str, list[float]]]) -> None:
    def figures(waits: list[float]) -> dict[str, float]:
        return {"p50_ms": round(statistics.median(waits), 1), "max_ms": round(max(waits), 1)}

    questions: dict[str, Any] = {}
    for question, by_server in waits_ms.items():
        medians = {name: statistics.median(waits) for name, waits in by_server.items()}
        questions[question] = {
            **{name: figures(waits) for name, waits in by_server.items()},
            "ratio_to_sightline": {
                name: round(median / medians["sightline"], 2) for name, median in medians.items() if name != "sightline"
            },
        }
    result = {
        **header("chdb"),
        "peers": {"phoenix": "arize-phoenix 20.26.1", "mlflow": "mlflow 3.17.2"},
        "options": chosen,
        "questions": questions,
    }
    say(f"{json.dumps(questions, indent=1)}\nwritten to {save('queries', result)}")


if __name__ == "__main__":
    main()
