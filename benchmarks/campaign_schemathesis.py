"""Generated calls of every operation of both OpenAPI documents: none may be answered by a 5xx.

    python -m benchmarks.campaign_schemathesis [--examples 120] [--only WORD] [--seed 0]

schemathesis makes requests that fit the description and requests that break it, and is run from an environment of its
own (`.cache/schemathesis`, made where missing). Each party calls what its credentials open: a project's key, an
organisation's, a person's browser. Exit code 1 where the server failed, or where fewer calls were made than `--least`.
"""

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import ROOT, header, save
from benchmarks.servers import PROJECT, PUBLIC_KEY, SECRET_KEY, Sightline

VERSION = "4.32.5"
"""Of schemathesis."""
ENVIRONMENT = ROOT / ".cache/schemathesis"
ORG_KEYS = ("pk-lf-org", "sk-lf-org")
PERSON = ("ada@example.org", "correct horse battery staple")
SESSION = "/api/web/session"
"""Called by a visitor of its own: one of its calls ends the session that the others need."""
LIVE = "/api/web/projects/{projectId}/live"
"""Not called: a stream without an end."""
MEANT = "failIfNoRecentEvents"
"""A parameter that asks for 503 where nothing arrived lately."""
LEAST = 20_000
Document = dict[str, Any]


@dataclass(frozen=True)
class Party:
    """Who calls what."""

    name: str
    document: Path
    calls: Callable[[str, Document], bool]
    """Whether it calls the operation of a path."""
    headers: Mapping[str, str]


class Fuzzed(Sightline):
    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "SIGHTLINE_INIT_ORG_ID": "lab",
            "SIGHTLINE_INIT_ORG_PUBLIC_KEY": ORG_KEYS[0],
            "SIGHTLINE_INIT_ORG_SECRET_KEY": ORG_KEYS[1],
            "SIGHTLINE_INIT_USER_EMAIL": PERSON[0],
            "SIGHTLINE_INIT_USER_PASSWORD": PERSON[1],
            "SIGHTLINE_SIGN_IN_LIMIT": "1000000/minute",
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cookie(self) -> str:
        """Of a person who signed in."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port)
        body = json.dumps({"email": PERSON[0], "password": PERSON[1]})
        caller.request(
            "POST", "/api/web/session", body, {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        )
        answer = caller.getresponse()
        answer.read()
        caller.close()
        return answer.headers["set-cookie"].partition(";")[0]


def parties(server: Fuzzed) -> Iterator[Party]:
    public, page = ROOT / "src/sightline/server/edges/public_openapi.json", ROOT / "web/openapi.json"
    same_site = {"Sec-Fetch-Site": "same-origin"}
    yield Party("project key", public, _opened_by("ProjectKey"), _basic(PUBLIC_KEY, SECRET_KEY))
    yield Party("nobody", public, lambda _, operation: not operation["security"], {})
    yield Party("visitor", page, lambda path, _: path == SESSION, same_site)
    yield Party("person", page, lambda path, _: path not in (SESSION, LIVE), same_site | {"Cookie": server.cookie()})
    # Last: it deletes the project of the others.
    yield Party("organisation key", public, _opened_by("OrganizationKey"), _basic(*ORG_KEYS))


def _opened_by(scheme: str) -> Callable[[str, Document], bool]:
    return lambda _, operation: any(scheme in each for each in operation["security"])


def _basic(public: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{public}:{secret}".encode()).decode()}


def described(party: Party) -> Document:
    """The document with the party's operations, and with the project that exists as one that is asked for."""
    document: Document = json.loads(party.document.read_text())
    for path, operations in list(document["paths"].items()):
        document["paths"][path] = {
            method: _known(operation) for method, operation in operations.items() if party.calls(path, operation)
        }
    document["paths"] = {path: operations for path, operations in document["paths"].items() if operations}
    return document


def _known(operation: Document) -> Document:
    parameters = [each for each in operation.get("parameters", ()) if each["name"] != MEANT]
    operation["parameters"] = parameters
    for parameter in parameters:
        if parameter["name"] == "projectId":
            parameter["schema"] = {"enum": [PROJECT]}
    return operation


def environment() -> Path:
    """The command of the pinned schemathesis."""
    command = ENVIRONMENT / "bin/schemathesis"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin/pip"), "install", "--quiet", f"schemathesis=={VERSION}"]
        subprocess.run(pip, check=True)
    return command


def called(party: Party, server: Fuzzed, command: Path, arguments: argparse.Namespace) -> Counter[int]:
    """Statuses of the answers to one party's calls."""
    with tempfile.TemporaryDirectory() as folder:
        description, report = Path(folder) / "openapi.json", Path(folder) / "events.ndjson"
        document = described(party)
        document["paths"] = {path: each for path, each in document["paths"].items() if arguments.only in path}
        if not document["paths"]:
            return Counter()
        description.write_text(json.dumps(document))
        subprocess.run(
            [
                *(str(command), "run", str(description), "--url", server.url, "--seed", str(arguments.seed)),
                *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
                *("--max-examples", str(arguments.examples), "--request-timeout", "60", "--no-shrink"),
                *("--suppress-health-check", "all", "--warnings", "off"),
                *("--report", "ndjson", "--report-ndjson-path", str(report)),
                *(part for name, value in party.headers.items() for part in ("--header", f"{name}: {value}")),
            ],
            check=False,
            cwd=folder,
            stdout=arguments.log,
            stderr=arguments.log,
        )
        return _statuses(report)


def _statuses(report: Path) -> Counter[int]:
    statuses: Counter[int] = Counter()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("status_code"), int):
                statuses[value["status_code"]] += 1
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for line in report.read_text().splitlines():
        walk(json.loads(line))
    return statuses


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=120, help="generated requests an operation")
    parser.add_argument("--only", default="", help="operations whose path has this word")
    parser.add_argument("--least", type=int, default=LEAST, help="calls that must be made")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    console = Console()
    command = environment()
    found: dict[str, Counter[int]] = {}
    log = Path(tempfile.gettempdir()) / f"schemathesis-{os.getpid()}.log"
    with Fuzzed("sightline") as server, log.open("w") as arguments.log:
        for party in parties(server):
            found[party.name] = called(party, server, command, arguments)
            console.print(f"{party.name}: {sum(found[party.name].values()):,} calls, {dict(found[party.name])}")
    total = sum((each for each in found.values()), Counter())
    failed = sum(count for status, count in total.items() if status >= 500)
    calls = sum(total.values())
    console.print(f"{calls:,} calls, {failed} answered by 5xx; the log of schemathesis is {log}")
    if not arguments.only:
        by_party = {
            name: {str(status): count for status, count in sorted(each.items())} for name, each in found.items()
        }
        save(
            "schemathesis",
            header()
            | {
                "schemathesis": VERSION,
                "examples": arguments.examples,
                "seed": arguments.seed,
                "calls": calls,
                "failed": failed,
                "statuses": by_party,
            },
        )
    return int(failed > 0 or (calls < arguments.least and not arguments.only))


if __name__ == "__main__":
    raise SystemExit(main())
