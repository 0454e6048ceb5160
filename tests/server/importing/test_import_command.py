"""`sightline import langfuse` as a process: killed, run again, and what it prints."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.importing.origin import KEYS, TRACES, Origin


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Origin]:
    running = Origin(tmp_path / "empty")
    yield running
    running.close()


def command(origin: Origin, target: Origin, folder: Path, *more: str) -> subprocess.Popen[str]:
    variables = {
        "SIGHTLINE_IMPORT_URL": origin.url,
        "SIGHTLINE_IMPORT_PUBLIC_KEY": KEYS[0],
        "SIGHTLINE_IMPORT_SECRET_KEY": KEYS[1],
        "SIGHTLINE_URL": target.url,
        "SIGHTLINE_PUBLIC_KEY": KEYS[0],
        "SIGHTLINE_SECRET_KEY": KEYS[1],
    }
    return subprocess.Popen(
        [sys.executable, "-m", "sightline.server.importing.cli", "langfuse", *more],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_half_way_and_run_again_everything_is_there_once(origin: Origin, empty: Origin, tmp_path: Path):
    killed = command(origin, empty, tmp_path)
    deadline = time.monotonic() + 120
    while empty.get("/v2/prompts")["meta"]["totalItems"] < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    again = command(origin, empty, tmp_path, "--json")
    printed, shown = again.communicate(timeout=240)
    assert again.returncode == 0, shown
    summary = json.loads(printed)
    assert summary["complete"] is True
    assert "observations" in shown
    for path in ("/v2/prompts", "/dataset-items", "/traces", "/observations", "/v2/scores", "/comments"):
        assert empty.get(path)["meta"]["totalItems"] == origin.get(path)["meta"]["totalItems"], path
    assert len(empty.get("/v2/prompts", name="folder/greeting")["data"][0]["versions"]) == 3
    assert not any(secret in file.read_text() for file in tmp_path.glob("*.json") for secret in KEYS[1:])


def test_a_loss_is_named_and_the_exit_code_says_so(origin: Origin, empty: Origin, tmp_path: Path):
    empty.post("/v2/prompts", {"name": "zebra", "prompt": "other", "labels": ["production"]})
    ran = command(origin, empty, tmp_path, "--only", "prompts")
    printed, _ = ran.communicate(timeout=120)
    assert ran.returncode == 1
    assert "1 prompts: the target has another prompt under this name and version (zebra)" in printed


def test_a_dry_run_prints_counts(origin: Origin, empty: Origin, tmp_path: Path):
    ran = command(origin, empty, tmp_path, "--dry-run", "--only", "traces,scores", "--json")
    printed, shown = ran.communicate(timeout=120)
    assert ran.returncode == 0, shown
    counts = {tally["part"]: tally["total"] for tally in json.loads(printed)["tallies"]}
    assert counts["observations"] == 2 * TRACES + 2
    assert not list(tmp_path.glob("*.json"))


def test_an_address_where_nothing_answers_is_said_soon(empty: Origin, tmp_path: Path):
    began = time.monotonic()
    ran = command(empty, empty, tmp_path, "--url", "http://127.0.0.1:9", "--only", "prompts")
    _, shown = ran.communicate(timeout=60)
    assert ran.returncode == 1
    assert "http://127.0.0.1:9 does not answer" in " ".join(shown.split())
    assert time.monotonic() - began < 30


def test_a_project_is_not_imported_into_itself(empty: Origin, tmp_path: Path):
    ran = command(empty, empty, tmp_path)
    _, shown = ran.communicate(timeout=60)
    assert ran.returncode == 2
    assert "the same project" in shown


@pytest.mark.parametrize(
    ("more", "said"),
    [(("--only", "everything"), "not everything"), (("--project", "another"), "these keys open project 'Origin'")],
)
def test_a_mistake_is_one_sentence_and_code_2(
    origin: Origin, empty: Origin, tmp_path: Path, more: tuple[str, ...], said: str
):
    ran = command(origin, empty, tmp_path, *more)
    _, shown = ran.communicate(timeout=60)
    assert ran.returncode == 2
    assert said in " ".join(shown.split())
