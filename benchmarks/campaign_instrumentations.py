"""Instrumentations from the registries, newest versions, against a fresh server and the stand-in provider.

    PYTHONPATH=tests python -m benchmarks.campaign_instrumentations [--only WORD] [--environments FOLDER]

Each program of benchmarks.instrumentations is run as it is; what arrived is read back through the public API and
compared with what the provider said. Environments are made in a temporary folder, or found in FOLDER.
"""

import argparse
import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.instrumentations import CLIENTS, PROGRAMS, Program
from benchmarks.instrumentations_requirements import requirements
from benchmarks.machine import RESULTS, header, save
from benchmarks.servers import PUBLIC_KEY, SECRET_KEY, Sightline
from integrations.provider import running_provider
from integrations.reading import Observation, Reader, decoded
from integrations.replies import TEXT

QUESTION = "Which digits?"
LONGEST_S = 40
NAME = "instrumentations"
PRELUDE = """
import os
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
PROVIDER, TRACES = os.environ["PROVIDER"], os.environ["TRACES"]
HEADERS = {"Authorization": os.environ["AUTHORIZATION"]}
EXPORTER = OTLPSpanExporter(endpoint=TRACES, headers=HEADERS)
ASKED = [{"role": "user", "content": "Which digits?"}]
def add():
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(EXPORTER))
"""
OWN_PROVIDER = "trace.set_tracer_provider(TracerProvider())\nadd()\n"
END = "\nfor flush in [getattr(trace.get_tracer_provider(), 'force_flush', None)]:\n    flush and flush(9000)\n"


class Campaign:
    def __init__(self, server: str, provider: str, environments: Path) -> None:
        self._reader = Reader(server, (PUBLIC_KEY, SECRET_KEY))
        self._environments = environments
        token = base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
        self._variables = {
            "PROVIDER": provider,
            "TRACES": f"{server}/api/public/otel/v1/traces",
            "AUTHORIZATION": f"Basic {token}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{server}/api/public/otel",
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Basic%20{token}",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
            "OTEL_METRICS_EXPORTER": "none",
        }

    def python(self, environment: str) -> Path:
        """The interpreter of an environment, which is made where it is missing."""
        folder = self._environments / environment
        if not folder.exists():
            subprocess.run(["python3", "-m", "venv", str(folder)], check=True)
            install = [folder / "bin/pip", "install", "--quiet", "--prefer-binary", *requirements(environment)]
            subprocess.run(install, check=False)
        return folder / "bin/python"

    def run(self, program: Program) -> dict[str, Any]:
        started = datetime.now(UTC)
        own = OWN_PROVIDER if program.own_provider else ""
        source = "\n".join((PRELUDE, own, program.switched_on, CLIENTS[program.client], END))
        python = self.python(program.environment)
        try:
            ran = subprocess.run(
                [str(python), "-c", source],
                env={**os.environ, **self._variables},
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
            )
            failed = ran.stderr.strip().splitlines()[-1:] if ran.returncode else []
        except subprocess.TimeoutExpired:
            failed = ["it did not end"]
        found = self._reader.traces_since(started, printed="")
        row = {"package": program.package, "version": _version(python, program.package), "client": program.client}
        if not found.roots:
            return {**row, "failed": (failed or ["no spans"])[0].replace(str(self._environments), "…")[:200]}
        told = [_told(each) for each in found.all()]
        usd = {"usd_of_traces": round(sum(self._reader.trace_cost_usd(root) for root in found.roots), 9)}
        return {**row, **_verdict(told), **usd, "failed": "".join(failed)[:200], "observations": told}


def _told(one: Observation) -> dict[str, Any]:
    """What a person sees of an observation, and the attributes that no field took."""
    row = one.row
    rest = (row.get("metadata") or {}).get("attributes") or {}
    rest = decoded(rest) if isinstance(rest, str) else rest
    return {
        "kind": row["type"],
        "name": row["name"],
        "model": row.get("model"),
        "usage": row.get("usageDetails"),
        "usd": row.get("totalCost"),
        "input": str(row.get("input") or "")[:300],
        "output": str(row.get("output") or "")[:300],
        "user": row.get("userId"),
        "session": row.get("sessionId"),
        "level": row["level"],
        "unread": {key: str(value)[:60] for key, value in rest.items()} if isinstance(rest, dict) else {},
    }


def _verdict(told: Iterable[dict[str, Any]]) -> dict[str, Any]:
    seen = list(told)
    calls = [each for each in seen if each["kind"] in ("GENERATION", "EMBEDDING", "RETRIEVER")]
    return {
        "kinds": sorted({each["kind"] for each in seen}),
        "models": sorted({each["model"] for each in calls if each["model"]}),
        "usage": [each["usage"] for each in calls],
        "usd_of_calls": round(sum(each["usd"] or 0 for each in calls), 9),
        "priced": all(each["usd"] for each in calls) if calls else False,
        "asked": any(QUESTION in each["input"] for each in seen),
        "answered": any(TEXT in each["output"] for each in seen),
        "user": any(each["user"] for each in seen),
        "session": any(each["session"] for each in seen),
    }


def _version(python: Path, package: str) -> str:
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    ran = subprocess.run([str(python), "-c", code, package], capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="packages whose name has this in it")
    options.add_argument("--environments", type=Path, help="where environments are, or are kept")
    chosen = options.parse_args()
    console = Console(stderr=True)
    rows = []
    with (
        tempfile.TemporaryDirectory() as temporary,
        running_provider() as provider,
        Sightline("sightline") as server,
    ):
        address = f"http://127.0.0.1:{server.port}"
        campaign = Campaign(address, provider, chosen.environments or Path(temporary))
        for program in PROGRAMS:
            if chosen.only in program.package or chosen.only == program.environment:
                rows.append(campaign.run(program))
                shown = {key: value for key, value in rows[-1].items() if key != "observations"}
                console.print(json.dumps(shown), soft_wrap=True)
    console.print(f"written to {save(NAME, {**header(), 'rows': _merged(rows) if chosen.only else rows})}")


def _merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the last campaign, those of the packages that ran now replaced."""
    kept = json.loads((RESULTS / f"{NAME}.json").read_text())["rows"]
    now = {row["package"]: row for row in rows}
    return [now.get(row["package"], row) for row in kept]


if __name__ == "__main__":
    main()
