"""What the installed Langfuse SDK reads from each operation: its types as JSON Schema.

The SDK's low-level client is generated from Langfuse's published definition. Each of its methods sends one request
and parses the answer, by status, into one type; both stand in its source.
"""

import ast
import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from server.contract.published import route
from server.contract.schemas import JsonSchema

Types = Mapping[int, str]
"""Of a status the expression for the type of its body; 200 stands for every success."""


class _AsSent(GenerateJsonSchema):
    """Fields under the names they have on the wire, which the SDK keeps beside its own."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        names = {name: _alias(field.metadata) or name for name, field in schema["cls"].model_fields.items()}
        if "properties" in made:
            made["properties"] = {names.get(name, name): of for name, of in made["properties"].items()}
        # A tag has a default for those who make such objects; who reads one needs it there.
        tags = [name for name, field in schema["cls"].model_fields.items() if get_origin(field.annotation) is Literal]
        required = [names.get(name, name) for name in (*made.get("required", ()), *tags)]
        if required:
            made["required"] = sorted(set(required))
        return made


@cache
def answers() -> Mapping[str, tuple[str, Types]]:
    """For every route the SDK knows: the module that reads its answers, and the types it reads them as."""
    spec = find_spec("langfuse.api")
    assert spec is not None
    [folder] = spec.submodule_search_locations or []
    found: dict[str, tuple[str, Types]] = {}
    for path in sorted(Path(folder).rglob("raw_client.py")):
        module = ".".join(("langfuse.api", *path.relative_to(folder).with_suffix("").parts))
        found |= {key: (module, types) for key, types in _methods(ast.parse(path.read_text(encoding="utf-8")))}
    return found


@cache
def answer(key: str, status: int) -> JsonSchema | None:
    """The schema of an operation's answer of that status; None where the SDK reads no body."""
    module, types = answers().get(route(key), ("", {}))
    expression = types.get(200 if 200 <= status < 300 else status)
    if expression is None:
        return None
    kind = eval(expression, vars(importlib.import_module(module)))
    return TypeAdapter(kind).json_schema(schema_generator=_AsSent, mode="validation")


def _alias(metadata: list[Any]) -> str | None:
    return next((each.alias for each in metadata if hasattr(each, "alias")), None)


def _methods(source: ast.Module) -> Iterator[tuple[str, Types]]:
    for node in ast.walk(source):
        if isinstance(node, ast.FunctionDef) and (sent := _request(node)) is not None:
            yield sent, dict(_types(node))


def _request(function: ast.FunctionDef) -> str | None:
    """Method and path of the one request that a function sends."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "request":
            [method] = [each.value.value for each in node.keywords if each.arg == "method"]  # type: ignore[attr-defined]
            return route(f"{method} /{_path(node.args[0])}")
    return None


def _path(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def _types(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if not isinstance(node, ast.If) or "_response.status_code" not in ast.unparse(node.test):
            continue
        status = max(each.value for each in ast.walk(node.test) if isinstance(each, ast.Constant))
        for call in (each for body in node.body for each in ast.walk(body)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "parse_obj_as":
                [kind] = [ast.unparse(each.value) for each in call.keywords if each.arg == "type_"]
                yield (200 if status == 300 else int(status)), kind
