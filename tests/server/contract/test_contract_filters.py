"""Every column that the published document lists for a `filter` is asked, with every type it lists for it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from server.contract import published
from server.contract.project import Project

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = ("/traces", "/observations", "/v2/observations")
COLUMN = re.compile(r"- `(\w+)` \(([\w/]+)\)([^\n]*)")
ALIAS = re.compile(r"alias: `(\w+)`")
ASKED: dict[str, dict[str, Any]] = {
    "string": {"operator": "=", "value": "x"},
    "number": {"operator": ">=", "value": 0.01},
    "datetime": {"operator": ">", "value": "2026-01-01T00:00:00Z"},
    "boolean": {"operator": "=", "value": True},
    "arrayOptions": {"operator": "any of", "value": ["x"]},
    "categoryOptions": {"operator": "any of", "value": ["x"], "key": "k"},
    "stringObject": {"operator": "=", "value": "x", "key": "k"},
    "numberObject": {"operator": "<", "value": 1, "key": "k"},
}


def description(path: str) -> str:
    parameters = published.document()["operations"][published.route(f"GET /api/public{path}")]["parameters"]
    return str(next(each["description"] for each in parameters if each["name"] == "filter"))


def documented(path: str) -> Iterator[tuple[str, str]]:
    """Column and type."""
    for name, kinds, said in COLUMN.findall(description(path)):
        for kind in kinds.split("/"):
            yield from ((column, kind) for column in (name, *ALIAS.findall(said)))


@pytest.mark.parametrize("path", PATHS)
async def test_every_documented_column_can_be_asked(project: Project, path: str):
    columns = list(documented(path))
    assert len(columns) > 25, columns
    refused = {}
    for column, kind in columns:
        condition = {"type": kind, "column": column, **ASKED[kind]}
        answer = await project.send("GET", path, query={"filter": json.dumps([condition])})
        if answer.status_code != 200:
            refused[column, kind] = answer.text
    assert refused == {}


@pytest.mark.parametrize("path", PATHS)
async def test_every_operator_of_every_type_can_be_asked(project: Project, path: str):
    columns = {kind: column for column, kind in reversed(list(documented(path)))}
    refused, asked = {}, 0
    for kind, listed in re.findall(r"// - (\w+): (\".*\")", description(path)):
        for operator in re.findall(r'"([^"]+)"', listed):
            if kind not in columns and kind not in ("stringOptions", "null"):
                continue
            column = columns.get(kind, "name")
            condition = {**ASKED.get(kind, {"value": ["x"]}), "type": kind, "column": column, "operator": operator}
            answer = await project.send("GET", path, query={"filter": json.dumps([condition])})
            asked += 1
            if answer.status_code != 200:
                refused[kind, operator] = answer.text
    assert refused == {}
    assert asked > 25
