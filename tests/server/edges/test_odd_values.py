"""What nobody means to send: NUL characters and numbers beyond every column, anywhere. Refused, never a 500."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from server.edges.running_site import HERE, Site, basic
from sightline.server.accounts.records import InitialAccounts
from sightline.server.edges.cursors import cursor_text
from sightline.server.edges.public_openapi import committed

pytestmark = pytest.mark.asyncio(loop_scope="module")

LAB = basic("pk-lf-odd-lab", "sk-lf-odd-lab")
HUGE = 10**30
DOCUMENT: dict[str, Any] = json.loads(committed())
METHODS = sorted((method, path) for path, operations in DOCUMENT["paths"].items() for method in operations)


def _operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _resolved(next((each for each in schema[choice] if each.get("type") != "null"), {}))
    return schema


def _example(schema: dict[str, Any], depth: int = 0) -> Any:
    """A body that fits well enough to get past the first check."""
    schema = _resolved(schema)
    if "enum" in schema or "const" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    match schema.get("type"):
        case "object":
            return {name: _example(each, depth + 1) for name, each in schema.get("properties", {}).items() if depth < 5}
        case "array":
            return [_example(schema.get("items", {}), depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else "word"
        case _:
            return "anything"


def _spoilt(value: Any, kind: type, odd: Any) -> Iterator[Any]:
    """Copies of the value, each with one text, or one number, replaced."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from ({**value, name: other} for other in _spoilt(each, kind, odd))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in _spoilt(each, kind, odd))
    elif isinstance(value, kind) and not isinstance(value, bool):
        yield odd


def _bodies(operation: dict[str, Any]) -> Iterator[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        example = _example(content["schema"])
        yield from _spoilt(example, str, "a\0b")
        yield from _spoilt(example, int, HUGE)


async def _status(
    site: Site, method: str, address: str, headers: dict[str, str], query: dict[str, Any] | None, body: Any
) -> int:
    response = await site.client.request(method.upper(), address, params=query, json=body, headers=headers)
    assert response.status_code < 500, (method, address, query, body, response.text)
    return response.status_code


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def organization(site: Site) -> None:
    lab = InitialAccounts(org_id="odd-lab", org_public_key="pk-lf-odd-lab", org_secret_key="sk-lf-odd-lab")
    await site.app.state.services.accounts.seed(lab)


@pytest.mark.parametrize(("method", "path"), METHODS)
async def test_no_parameter_brings_the_server_down(site: Site, method: str, path: str):
    operation = _operation(method, path)
    parameters = operation.get("parameters", ())
    names = {each["name"] for each in parameters if each["in"] == "path"}
    headers = LAB if {"OrganizationKey": []} in operation["security"] else HERE
    for odd in ("a\0b", str(HUGE), "-1", "\ud7ff" * 3):
        for each in parameters:
            plain = path
            for name in names:
                plain = plain.replace(f"{{{name}}}", quote(odd if name == each["name"] else "none", safe=""))
            query = {each["name"]: odd} if each["in"] == "query" else None
            status = await _status(site, method, plain, headers, query, None)
            assert status >= 400 or "\0" not in odd, (method, plain, query)


@pytest.mark.parametrize(("method", "path"), [each for each in METHODS if "requestBody" in _operation(*each)])
async def test_no_body_brings_the_server_down(site: Site, method: str, path: str):
    headers = LAB if {"OrganizationKey": []} in _operation(method, path)["security"] else HERE
    address = path.replace("{", "").replace("}", "")
    for body in _bodies(_operation(method, path)):
        status = await _status(site, method, address, headers, None, body)
        assert status >= 400 or "\\u0000" not in json.dumps(body), (method, path, body)


BIG_FILTER = {"column": "latency", "operator": "=", "type": "number", "value": HUGE}
KEPT: list[tuple[str, dict[str, Any]]] = [
    (
        "/v2/evaluation-rules",
        {"name": "big", "enabled": False, "sampling": 1, "filter": [BIG_FILTER], "evaluatorAssignments": []},
    ),
    (
        "/models",
        {"modelName": "big", "matchPattern": "big", "inputPrice": 1, "tokenizerConfig": {"a": HUGE}},
    ),
    (
        "/unstable/dashboard-widgets",
        {
            "name": "big",
            "description": "",
            "view": "observations",
            "dimensions": [],
            "metrics": [{"measure": "count", "agg": "count"}],
            "filters": [BIG_FILTER],
            "chartType": "NUMBER",
            "chartConfig": {"type": "NUMBER"},
        },
    ),
]


@pytest.mark.parametrize(("path", "body"), KEPT)
async def test_what_was_kept_can_be_listed(site: Site, path: str, body: dict[str, Any]):
    made = await site.client.post(f"/api/public{path}", json=body, headers=HERE)
    assert made.status_code in (200, 201), made.text
    assert "1e+30" in made.text or "1e30" in made.text
    await site.get(path)


async def test_other_numbers_than_json_has_are_refused(site: Site):
    for number in ("NaN", "Infinity", "1e999"):
        text = f'{{"modelName": "n", "matchPattern": "n", "inputPrice": 1, "tokenizerConfig": {{"a": {number}}}}}'
        headers = HERE | {"Content-Type": "application/json"}
        answer = await site.client.post("/api/public/models", content=text, headers=headers)
        assert answer.status_code == 400, number


async def test_a_nul_refuses_its_event_and_not_the_batch(site: Site):
    def event(number: int, kind: str, **body: Any) -> dict[str, Any]:
        return {"id": f"odd-{number}", "type": kind, "timestamp": "2026-01-01T00:00:00Z", "body": body}

    batch = [
        event(1, "score-create", traceId="t", name="n", value=1, configId="\0"),
        event(2, "trace-create", id="odd\0"),
        event(3, "trace-create", id="odd-trace", input="a\0b"),
    ]
    answer = await site.client.post("/api/public/ingestion", json={"batch": batch}, headers=HERE)
    assert answer.status_code == 207
    assert [each["id"] for each in answer.json()["successes"]] == ["odd-3"]
    assert {each["status"] for each in answer.json()["errors"]} == {400}
    assert (await site.get("/traces/odd-trace"))["input"] == "a\0b"


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
@pytest.mark.parametrize("body", [{"resourceSpans": 5}, {"resourceSpans": [{"scopeSpans": 5}]}])
async def test_exports_whose_lists_are_none_are_refused(site: Site, path: str, body: dict[str, Any]):
    assert (await site.client.post(path, json=body, headers=HERE)).status_code == 400


async def test_ids_that_a_file_cannot_be_linked_to_are_refused(site: Site):
    body = {"contentType": "image/png", "contentLength": 1, "sha256Hash": "A" * 43 + "=", "field": "input"}
    for ids in ({"traceId": "t" * 900}, {"traceId": "t", "observationId": "o" * 900}):
        assert (await site.client.post("/api/public/media", json=body | ids, headers=HERE)).status_code == 400


def _condition(column: str, kind: str, operator: str, value: Any) -> dict[str, Any]:
    return {"column": column, "type": kind, "operator": operator, "value": value}


@pytest.mark.parametrize(
    "condition",
    [
        _condition("name", "string", "=", "a\0b"),
        _condition("name", "stringOptions", "any of", ["a\0b"]),
        _condition("version", "number", ">", HUGE),
        _condition("version", "number", "<", 1.5),
    ],
)
async def test_no_filter_brings_the_server_down(site: Site, condition: dict[str, Any]):
    query = {"filter": json.dumps([condition])}
    status = await _status(site, "get", "/api/public/v2/prompts", HERE, query, None)
    assert (status == 400) == ("\\u0000" in query["filter"])


async def test_no_cursor_brings_the_server_down(site: Site):
    cursor = cursor_text({"createdAt": "2026-01-01T00:00:00Z", "id": "a\0b", "t": "\0"})
    for path in ("/v2/evaluators", "/v2/evaluation-rules", "/v2/observations", "/v3/scores"):
        assert await _status(site, "get", f"/api/public{path}", HERE, {"cursor": cursor}, None) == 400
