"""Langfuse's published API description: what each operation takes, and what its answers look like.

The list of operations is that of server 4.35.0. The OpenAPI document is of a release before it, the last that was
published whole; where it knows an operation its answers count, and the SDK's types (`sdk_answers`) count for all that
the SDK still reads.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.contract.schemas import JsonSchema, from_openapi

FOLDER = Path(__file__).parents[3] / ".cache" / "langfuse-contract"
FETCH = "run scripts/contract.sh, which needs npm and its registry once"

_KINDS = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT", "CORRECTION")


def _unions(tag: str, pattern: str, kinds: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    return tag, {kind: pattern.format(kind.capitalize()) for kind in kinds}


UNIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Score": _unions("dataType", "{}Score", _KINDS),
    "ScoreV1": _unions("dataType", "{}ScoreV1", _KINDS[:4]),
    "ScoreV3": _unions("dataType", "{}ScoreV3", _KINDS),
    "GetScoresResponseData": _unions("dataType", "GetScoresResponseData{}", _KINDS),
    "ScoreSubjectV3": _unions("kind", "ScoreSubject{}V3", ("trace", "observation", "session", "experiment")),
    "IngestionEvent": (
        "type",
        {
            "trace-create": "TraceEvent",
            "score-create": "ScoreEvent",
            "span-create": "CreateSpanEvent",
            "span-update": "UpdateSpanEvent",
            "generation-create": "CreateGenerationEvent",
            "generation-update": "UpdateGenerationEvent",
            "event-create": "CreateEventEvent",
            "observation-create": "CreateObservationEvent",
            "observation-update": "UpdateObservationEvent",
            "sdk-log": "SDKLogEvent",
        },
    ),
    "Prompt": _unions("type", "{}Prompt", ("text", "chat")),
}
"""Unions that the document was published without: only their tag is left of them, beside their parts."""


OUTDATED: Mapping[str, str] = {
    "PricingTierCondition": "knows no conditions on attributes, which came with 4.16; the SDK reads both kinds",
    "unstableCreateDashboardWidgetRequest": "needs what later servers fill in",
    "unstableDashboardWidget": "has minVersion, which went with 4.16; the SDK does not read it",
}
"""Parts of the document that a later server answers otherwise, and how; the SDK's types are the judge there."""


@dataclass(frozen=True)
class Field:
    name: str
    required: bool
    words: tuple[str, ...] = ()
    """What it may be, where that is a choice of words."""


@dataclass(frozen=True)
class Operation:
    key: str
    """Method and path, as the contract writes them."""
    queries: frozenset[str]
    bodies: Mapping[str, tuple[Field, ...]]
    """The body's fields, for each of its variants; one without a name where there is but one."""
    untagged: bool = False
    """Whether the body is a union without a tag: which of the listed fields a variant needs is not said."""


def route(key: str) -> str:
    """An operation's key without the names of its path parameters, which are everybody's own."""
    return re.sub(r"\{[^}]*\}", "{}", key)


@cache
def operations() -> Mapping[str, Operation]:
    """Every operation by its route."""
    listed = json.loads(_read("operations.json"))["operations"]
    return {route(each["key"]): _operation(each) for each in listed}


@cache
def document() -> Mapping[str, Any]:
    """The OpenAPI document, with its unions put together again."""
    made = yaml.load(_read("openapi.yml"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    schemas = made["components"]["schemas"]
    for name, (tag, parts) in UNIONS.items():
        schemas[name] = {"oneOf": [_tagged(tag, value, part) for value, part in parts.items()]}
    schemas |= {name: {} for name in OUTDATED}
    return {"components": made["components"], "operations": _by_route(made["paths"])}


@cache
def success(key: str) -> tuple[int, JsonSchema] | None:
    """The status that the document wants of an operation and the schema of its body; None where it has none."""
    described = document()["operations"].get(route(key))
    if described is None:
        return None
    status = next(code for code in described["responses"] if code.startswith("2"))
    return int(status), _schema(described["responses"][status])


@cache
def component(name: str) -> JsonSchema:
    """A named part of the document, as a schema that stands alone; `name[]` is the data of a page of them."""
    one: JsonSchema = {"$ref": f"#/components/schemas/{name.removesuffix('[]')}"}
    if name.endswith("[]"):
        rows = {"type": "object", "properties": {"data": {"type": "array", "items": one}}, "required": ["data", "meta"]}
        return from_openapi(rows, document()["components"])
    return from_openapi(one, document()["components"])


@cache
def refusal(key: str, status: int) -> JsonSchema | None:
    """The schema of a refusal, where the document says anything of it."""
    described = document()["operations"].get(route(key), {"responses": {}})["responses"].get(str(status))
    return _schema(described) if described else None


@cache
def request(key: str) -> JsonSchema | None:
    """The schema of an operation's body in the document."""
    described = document()["operations"].get(route(key), {})
    return _schema(described["requestBody"]) if "requestBody" in described else None


def _read(name: str) -> str:
    try:
        return (FOLDER / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        pytest.fail(f"{FOLDER / name} is missing: {FETCH}", pytrace=False)


def _operation(listed: Mapping[str, Any]) -> Operation:
    body = listed.get("requestBody") or {"fields": []}
    variants = body.get("discriminator", {}).get("variants") or {"": body["fields"]}
    return Operation(
        key=listed["key"],
        queries=frozenset(each["name"] for each in listed["parameters"] if each["location"] == "query"),
        bodies={
            name: tuple(Field(each["name"], each["required"], tuple(each.get("enum", ()))) for each in of)
            for name, of in variants.items()
        },
        untagged=bool(body.get("union")) and "discriminator" not in body,
    )


def _by_route(paths: Mapping[str, Any]) -> dict[str, Any]:
    return {
        route(f"{method.upper()} {path}"): operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def _tagged(tag: str, value: str, part: str) -> dict[str, Any]:
    own = {"type": "object", "properties": {tag: {"enum": [value]}}, "required": [tag]}
    return {"allOf": [own, {"$ref": f"#/components/schemas/{part}"}]}


def _schema(described: Mapping[str, Any]) -> JsonSchema:
    media = described.get("content", {}).get("application/json", {})
    return from_openapi(media.get("schema", {}), document()["components"])
