"""The public API's operations as tools: named, described and bounded by the same OpenAPI document.

A tool is called by sending its request through the application itself, with the caller's own credentials: what a key
may not do by HTTP, it may not do as a tool.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx2
from fastapi import Request

from sightline.server.accounts.permissions import Verb
from sightline.server.edges.mcp.prompts import KNOWN, Known
from sightline.server.edges.public_openapi import VERB, committed
from sightline.server.runtime.errors import InvalidRequest

LEFT_OUT = ("/v1/traces", "/api/public/otel", "/api/public/ingestion", "/api/public/media", "/api/public/health")
"""Paths that are no tools: SDKs and exporters call them, not agents."""
REFERENCE = "#/components/schemas/"
"""Prefix of a JSON Schema `$ref` into the document."""
BODY = "body"
"""Argument that holds the request body, where its fields are not arguments of their own."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One operation."""

    name: str
    description: str
    method: str
    path: str
    path_parameters: tuple[str, ...]
    query_parameters: tuple[str, ...]
    schema: Mapping[str, Any]
    verb: Verb
    """What the operation needs: the route that is called checks it."""
    body_fields: frozenset[str] | None = None
    """Arguments that are fields of the body; None where the body is one argument."""
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def shape(self) -> dict[str, Any]:
        """As a client reads it."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": self.schema,
            "annotations": {
                "title": self.name.replace("_", " "),
                "readOnlyHint": self.method == "get",
                "destructiveHint": self.method == "delete",
                "idempotentHint": self.method in ("get", "put", "delete"),
                "openWorldHint": False,
            },
        }


@cache
def tools() -> Mapping[str, Tool]:
    """Every operation that a project's key may call, by name."""
    document = json.loads(committed())
    found: dict[str, Tool] = {}
    for path, operations in sorted(document["paths"].items()):
        for method, operation in sorted(operations.items()):
            if {"ProjectKey": []} in operation["security"] and not path.startswith(LEFT_OUT):
                tool = _tool(path, method, operation, document["components"]["schemas"])
                found[tool.name] = tool
    by_operation = {(tool.method, tool.path): tool for tool in found.values()}
    return found | {name: _known(name, known, by_operation[known.operation]) for name, known in KNOWN.items()}


def _known(name: str, known: Known, tool: Tool) -> Tool:
    """The operation under Langfuse's name, with its fields side by side."""
    properties = {each: tool.schema["properties"][each] for each in known.parameters} | dict(known.body)
    return replace(
        tool,
        name=name,
        description=f"{known.description}\n{tool.method.upper()} {tool.path}",
        query_parameters=tuple(each for each in tool.query_parameters if each in known.parameters),
        schema={"type": "object", "properties": properties, "required": list(known.required)},
        body_fields=frozenset(known.body),
        fixed=known.fixed,
    )


async def call(request: Request, tool: Tool, arguments: Mapping[str, Any]) -> httpx2.Response:
    """The answer of the application to the tool's request."""
    known = {*tool.path_parameters, *tool.query_parameters, *({BODY} if tool.body_fields is None else tool.body_fields)}
    unknown = sorted(set(arguments) - known)
    missing = [name for name in tool.path_parameters if arguments.get(name) in (None, "")]
    if unknown or missing:
        raise InvalidRequest(
            f"tool {tool.name} does not take {', '.join(unknown) or 'this'}; "
            f"it needs {', '.join(missing) or 'nothing more'} and takes {', '.join(sorted(known))}"
        )
    path = tool.path
    for name in tool.path_parameters:
        path = path.replace(f"{{{name}}}", quote(str(arguments[name]), safe=""))
    query = {name: _text(arguments[name]) for name in tool.query_parameters if arguments.get(name) is not None}
    body = arguments.get(BODY)
    if tool.body_fields:
        body = {name: arguments[name] for name in tool.body_fields if name in arguments} | dict(tool.fixed)
    elif tool.fixed:
        query |= {name: _text(value) for name, value in tool.fixed.items()}
    address = (request.client.host, request.client.port) if request.client else ("", 0)
    transport = httpx2.ASGITransport(app=request.app, raise_app_exceptions=False, client=address)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tools.invalid") as client:
        return await client.request(
            tool.method.upper(),
            path,
            params=query,
            json=body,
            headers={"Authorization": request.headers["authorization"]},
        )


def _tool(path: str, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Tool:
    parameters = operation.get("parameters", ())
    properties = {each["name"]: each["schema"] for each in parameters if each["in"] in ("path", "query")}
    required = [each["name"] for each in parameters if each.get("required")]
    if method in ("post", "put", "patch"):
        described = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        properties[BODY] = described.get("schema", {"type": "object", "description": "As Langfuse's API takes it."})
        required.append(BODY)
    said = [operation["summary"], operation.get("description", ""), f"{method.upper()} {path}"]
    return Tool(
        name=_name(path, method),
        description="\n".join(text for text in said if text),
        method=method,
        path=path,
        path_parameters=tuple(each["name"] for each in parameters if each["in"] == "path"),
        query_parameters=tuple(each["name"] for each in parameters if each["in"] == "query"),
        schema=_standing_alone({"type": "object", "properties": properties, "required": required}, schemas),
        verb=operation[VERB],
    )


def _name(path: str, method: str) -> str:
    """`GET /api/public/v2/prompts/{name}` is `get_v2_prompts_by_name`."""
    words = [word for word in path.strip("/").split("/") if word not in ("api", "public", "unstable")]
    named = [f"by_{word[1:-1]}" if word.startswith("{") else word.replace("-", "_") for word in words]
    return "_".join([method, *named])


def _standing_alone(schema: dict[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A self-contained schema: everything its `$ref`s lead to, under `$defs`."""
    needed: dict[str, Any] = {}
    texts = [json.dumps(schema)]
    while texts:
        text = texts.pop()
        for name in schemas:
            if name not in needed and f'"{REFERENCE}{name}"' in text:
                needed[name] = schemas[name]
                texts.append(json.dumps(schemas[name]))
    whole = schema | ({"$defs": needed} if needed else {})
    alone: dict[str, Any] = json.loads(json.dumps(whole).replace(REFERENCE, "#/$defs/"))
    return alone


def _text(value: Any) -> str:
    """A query parameter: lists with commas, objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return json.dumps(value)
