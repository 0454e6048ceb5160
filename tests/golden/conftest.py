"""Golden files: `golden("name", value)` compares with tests/golden/name.json; only `make golden` rewrites them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Any], Any]:
    """What the golden file of a name holds: under --golden-update the value given, which it is rewritten with."""

    def kept(name: str, value: Any) -> Any:
        path = HERE / f"{name}.json"
        if request.config.getoption("--golden-update"):
            path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
        if not path.exists():
            pytest.fail(f"{path.name} is missing: run `make golden`, look at what it wrote, and commit it")
        return json.loads(path.read_text())

    return kept
