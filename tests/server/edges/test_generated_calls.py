"""The short twin of `make campaign-schemathesis`: generated calls of what is described, none answered by a 5xx."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.edges.running_site import HERE, ORIGIN, Site
from sightline.server.edges.public_openapi import document as public_document

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = 240
LEFT_OUT = {("get", "/api/web/projects/{projectId}/live"), ("delete", "/api/web/session")}
"""A stream without an end, and the end of the session."""
MEANT = {"failIfNoRecentEvents": "false"}
"""A parameter that asks for 503."""
PAGE = json.loads((Path(__file__).parents[3] / "web/openapi.json").read_text())
KEYS = st.sampled_from(["id", "name", "traceId", "type", "value", "timestamp", "batch", "body", "filter", "metadata"])
ODD = st.sampled_from(
    [
        "",
        "NaN",
        "null",
        "-1",
        "0",
        str(10**30),
        "1e400",
        "2026-01-01T00:00:00Z",
        "9" * 400,
        "%00",
        "🜚",
        "[" * 300,
        "a/b",
    ]
)
TEXT = ODD | st.text(max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXT, inner, max_size=5), max_leaves=12
)
PLAIN = {
    "integer": st.integers(),
    "number": st.floats(allow_nan=False) | st.integers(),
    "boolean": st.booleans(),
    "string": TEXT,
}
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    parameters: tuple[tuple[str, str, Any], ...]
    """Where it is, its name and its schema."""
    has_body: bool
    body: Any

    @property
    def is_of_the_page(self) -> bool:
        return self.path.startswith("/api/web/")


def operations() -> list[Operation]:
    found = []
    for described in (public_document(), PAGE):
        for path, methods in described["paths"].items():
            for method, each in methods.items():
                if (method, path) in LEFT_OUT:
                    continue
                given_in = tuple((p["in"], p["name"], p.get("schema", {})) for p in each.get("parameters", ()))
                content = each.get("requestBody", {}).get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                schemas = described.get("components", {}).get("schemas", {})
                found.append(Operation(method, path, given_in, bool(content), _whole(schema, schemas, 4)))
    return found


def _whole(schema: Any, schemas: dict[str, Any], depth: int) -> Any:
    """The schema with what its references lead to, some levels deep."""
    if isinstance(schema, dict) and "$ref" in schema:
        return _whole(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth - 1) if depth else {}
    if isinstance(schema, dict):
        return {name: _whole(each, schemas, depth) for name, each in schema.items()}
    return [_whole(each, schemas, depth) for each in schema] if isinstance(schema, list) else schema


@st.composite
def fitting(draw: st.DrawFn, schema: Any, depth: int = 3) -> Any:
    """Mostly what the schema describes."""
    if not isinstance(schema, dict) or not schema or not depth or draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return draw(fitting(draw(st.sampled_from(choices)), depth))
    if choices := schema.get("enum") or ("const" in schema and [schema["const"]]):
        return draw(st.sampled_from(choices))
    if schema.get("type") == "object":
        names = schema.get("properties", {})
        wanted = [name for name in names if name in schema.get("required", ()) or draw(st.booleans())]
        return {name: draw(fitting(names[name], depth - 1)) for name in wanted}
    if schema.get("type") == "array":
        return [draw(fitting(schema.get("items", {}), depth - 1)) for _ in range(draw(st.integers(0, 2)))]
    return draw(PLAIN.get(schema.get("type", ""), JSON))


@st.composite
def calls(draw: st.DrawFn) -> tuple[Operation, str, dict[str, str], bytes]:
    operation = draw(st.sampled_from(OPERATIONS))
    path, query = operation.path, {}
    for where, name, schema in operation.parameters:
        if where == "path":
            value = "here" if name == "projectId" else draw(TEXT) or "x"
            path = path.replace(f"{{{name}}}", _quoted(value))
        elif where == "query" and (name in MEANT or draw(st.booleans())):
            value = draw(fitting(schema))
            query[name] = MEANT.get(name) or (value if isinstance(value, str) else json.dumps(value))
    body = b""
    if operation.has_body:
        fits = fitting(operation.body).map(lambda value: json.dumps(value).encode())
        body = draw(fits | BODIES)
    return operation, path, query, body


def _quoted(value: str) -> str:
    return quote(value.encode("utf-8", "replace"), safe="")


OPERATIONS = operations()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def callers(site: Site) -> AsyncIterator[dict[bool, httpx2.AsyncClient]]:
    """Who calls: a key for the public API, a person for the page's. Whatever fails inside is an answer."""
    transport = httpx2.ASGITransport(app=site.app, raise_app_exceptions=False)
    async with (
        httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=HERE) as program,
        httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN}) as page,
    ):
        signed_in = await page.post(
            "/api/web/session", json={"email": "ada@example.org", "password": "correct horse battery staple"}
        )
        assert signed_in.status_code == 200
        yield {False: program, True: page}


@settings(
    max_examples=CALLS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(call=calls())
async def test_no_generated_call_is_answered_by_a_failure(
    callers: dict[bool, httpx2.AsyncClient], call: tuple[Operation, str, dict[str, str], bytes]
):
    operation, path, query, body = call
    headers = {"Content-Type": "application/json"} if operation.has_body else {}
    answer = await callers[operation.is_of_the_page].request(
        operation.method.upper(), path, params=query, content=body, headers=headers
    )
    assert answer.status_code < 500, (operation.method, path, query, body[:500], answer.text[:500])
