"""What scripts/integrations.sh fetches is pinned to the last package."""

import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENVIRONMENTS = ("", "-agents", "-adk")
PIN = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?==([\w.!+-]+)")


def pins(file: str) -> dict[str, str]:
    lines = [line for line in (HERE / file).read_text().splitlines() if line and not line.startswith("#")]
    found = [PIN.fullmatch(line) for line in lines]
    assert all(found), f"{file} has a line that is not a pin: {lines}"
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_requirement_is_among_the_constraints_in_the_same_version(environment: str):
    assert pins(f"requirements{environment}.txt").items() <= pins(f"constraints{environment}.txt").items()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_model_runtime_comes_along(environment: str):
    heavy = ("torch", "nvidia", "transformers", "tensorflow", "vllm")
    assert [name for name in pins(f"constraints{environment}.txt") if name.startswith(heavy)] == []


@pytest.mark.parametrize("program", ["ai-6", "ai-7"])
def test_the_packages_of_node_are_pinned_and_locked(program: str):
    folder = HERE / "node" / program
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert wanted == locked[""]["dependencies"]
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}
    assert [name for name, package in locked.items() if name and not package.get("integrity")] == []
