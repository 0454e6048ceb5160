"""The public end-to-end suites of Langfuse's SDKs against a fresh server, counted.

    python -m benchmarks.conformance FOLDER [--suite legacy|current|javascript]

The suites and the SDKs are not ours and stay outside the project. FOLDER is prepared by hand and holds any of

    legacy/       tests, static, scripts and pyproject.toml of langfuse-python 4.14.3; .venv with langfuse 4.14.3
    current/      the same at commit e63e5cbb (its pull request 1795); .venv with langfuse 5
    javascript/   tests and vitest.setup.ts of langfuse-js 5.10.1; node_modules with client, core, otel and
                  tracing of @langfuse 5.11.1, vitest 3 and what the tests import

with pytest, pytest-asyncio, pytest-timeout, pytest-httpserver, openai, langchain and langchain-openai in both .venv.
Under current/ three names changed since: `provided_model_name` is `model`, `scores_v3.get_many_v3` is
`scores.get_many`, and batch evaluation has no `scope`. @langfuse/browser is not published: vitest.config.ts maps it to
`packages/browser/src` of the same repository.

Each suite gets a server and a project of its own, on the port and with the project id that two of its tests name. Tests
that ask a model provider fail or skip themselves without its key: they are counted like all others, and named.
"""

import argparse
import os
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from benchmarks.machine import header, save
from benchmarks.servers import PUBLIC_KEY, SECRET_KEY, Sightline

PORT = 3000
PROJECT_ID = "7a88fb47-b4e2-43b8-a06c-a5ce950dc53a"
PYTHON_FILES = tuple(f"tests/e2e/test_{name}.py" for name in ("prompt", "datasets", "decorators", "core_sdk"))
JAVASCRIPT_FILES = tuple(f"tests/e2e/{name}.e2e.test.ts" for name in ("prompts", "scores", "tracing"))
READ_TIMEOUT_S = 12
LONGEST_REASON = 300


class Seeded(Sightline):
    """The server as the suites expect to find it."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"SIGHTLINE_INIT_PROJECT_ID": PROJECT_ID}


@dataclass(frozen=True)
class Outcome:
    """One test and how it ended: passed, failed or skipped, with the first line of why."""

    test: str
    how: str
    why: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description="the SDKs' public suites against a fresh server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--suite", action="append", choices=sorted(SUITES), help="only this one; may be repeated")
    given = parser.parse_args()
    console = Console(stderr=True)
    suites: dict[str, Any] = {}
    for name in given.suite or SUITES:
        place = given.folder.resolve() / name
        if not place.is_dir():
            console.print(f"{name}: {place} is not there, left out")
            continue
        suites[name] = _counted(place, SUITES[name])
        console.print(f"{name}: {suites[name]['counts']}")
    if not suites:
        raise SystemExit(f"{given.folder} holds none of {', '.join(SUITES)}")
    if given.suite:
        return
    console.print(f"written to {save('conformance', header('sightline', 'chdb') | {'suites': suites})}")


def _counted(place: Path, run: Callable[[Path], Iterator[Outcome]]) -> dict[str, Any]:
    begun = time.perf_counter()
    with Seeded("sightline", port=PORT):
        outcomes = list(run(place))
    return {
        "counts": dict(Counter(outcome.how for outcome in outcomes)) | {"all": len(outcomes)},
        "wall_s": round(time.perf_counter() - begun, 1),
        "not_passed": [vars(outcome) for outcome in outcomes if outcome.how != "passed"],
    }


def _python(place: Path) -> Iterator[Outcome]:
    """First the tests that may share the server, then those that want it for themselves."""
    for marked in ("not serial_e2e", "serial_e2e"):
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            command = [place / ".venv/bin/python", "-m", "pytest", *PYTHON_FILES, "-m", marked, "-q"]
            options = ["-p", "no:cacheprovider", "-o", "log_cli=false", f"--junitxml={report.name}"]
            _run([*map(str, command), *options], place)
            for case in ElementTree.parse(report.name).iter("testcase"):
                yield _python_outcome(case)


def _python_outcome(case: ElementTree.Element) -> Outcome:
    name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
    for found in case:
        if found.tag in ("failure", "error", "skipped"):
            how = "skipped" if found.tag == "skipped" else "failed"
            return Outcome(name, how, _short(found.get("message", "")))
    return Outcome(name, "passed")


def _javascript(place: Path) -> Iterator[Outcome]:
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        options = ["--reporter=json", f"--outputFile={report.name}"]
        _run([str(place / "node_modules/.bin/vitest"), "run", *JAVASCRIPT_FILES, *options], place)
        document = orjson.loads(Path(report.name).read_bytes())
    for file in document["testResults"]:
        for test in file["assertionResults"]:
            how = test["status"] if test["status"] in ("passed", "failed") else "skipped"
            yield Outcome(test["fullName"], how, _short("".join(test["failureMessages"][:1])))


def _run(command: list[str], place: Path) -> None:
    """The suite's own exit code says nothing here: its report does."""
    environment = os.environ | {
        "LANGFUSE_BASE_URL": f"http://localhost:{PORT}",
        "LANGFUSE_PUBLIC_KEY": PUBLIC_KEY,
        "LANGFUSE_SECRET_KEY": SECRET_KEY,
        "LANGFUSE_E2E_READ_TIMEOUT_SECONDS": str(READ_TIMEOUT_S),
        "OPENAI_API_KEY": "none",
    }
    subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False)


def _short(message: str) -> str:
    return (message.strip().splitlines() or [""])[0][:LONGEST_REASON]


SUITES: dict[str, Callable[[Path], Iterator[Outcome]]] = {
    "legacy": _python,
    "current": _python,
    "javascript": _javascript,
}

if __name__ == "__main__":
    main()
