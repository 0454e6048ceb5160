"""The guide's page for users of Langfuse: its programs run against a server, its tables are what that describes."""

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import httpx2
from test_langfuse_sdk import KEYS, server  # noqa: F401 - a fixture

PAGE = (Path(__file__).parents[2] / "docs/guide/langfuse.md").read_text()
PREFIX = "/api/public"


def described() -> set[str]:
    """Paths of the public description, without what they begin with."""
    document = json.loads(files("sightline.server.edges").joinpath("public_openapi.json").read_bytes())
    return {path.removeprefix(PREFIX) for path in document["paths"] if path.startswith(PREFIX)}


def named(heading: str) -> set[str]:
    """Paths in the table below a heading."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`(/[\w/-]+)`", "\n".join(line for line in table.splitlines() if line.startswith("| "))))


def test_the_programs_of_the_page_write_what_can_be_read(server: str) -> None:  # noqa: F811
    told = {"LANGFUSE_BASE_URL": server, "LANGFUSE_PUBLIC_KEY": KEYS[0], "LANGFUSE_SECRET_KEY": KEYS[1]}
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    said = []
    for program in programs:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout.splitlines()
    assert said == ["blue", "What colour is the five?"]
    found = httpx2.get(f"{server}{PREFIX}/observations", params={"type": "GENERATION"}, auth=KEYS).json()["data"]
    usage = {row["name"]: (row["model"], row["usageDetails"]["input"]) for row in found}
    assert usage == {"answer": ("a-model", 12), "chat a-model": ("a-model", 12)}


def test_the_table_of_what_is_served_is_the_description() -> None:
    tops, paths = named("What is served") - {"/api/public"}, described()
    for top in tops:
        assert any(path == top or path.startswith(f"{top}/") for path in paths), f"{top} is not served"
    bare = {path for path in paths if not any(path == top or path.startswith(f"{top}/") for top in tops)}
    assert not bare, "served, but not in the table of docs/guide/langfuse.md"


def test_the_counts_of_the_public_suites_are_those_measured() -> None:
    measured = json.loads((Path(__file__).parents[2] / "benchmarks/results/conformance.json").read_text())["suites"]
    legacy, current, javascript = (measured[name]["counts"] for name in ("legacy", "current", "javascript"))
    assert legacy["passed"] == current["passed"]
    assert f"{legacy['passed']} of {legacy['all']} tests with Python 4.14.3 and as many with Python 5" in PAGE
    assert f"{javascript['passed']} of {javascript['all']} with JavaScript" in " ".join(PAGE.split())
