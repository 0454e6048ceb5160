"""The public API's OpenAPI document: `python -m sightline.server.edges.public_openapi > DOCUMENT`.

It is made from the routes, committed beside this module, and served as it lies there; a test fails when it has
drifted. Paths, parameters, bodies, credentials and errors are described; answers have Langfuse's published shapes.
"""

import json
import sys
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from sightline.server.edges import langfuse, otlp, otlp_logs
from sightline.server.edges.access import Caller, Declared, declared
from sightline.server.edges.routers import joined

NAME = "public_openapi.json"
"""File of the committed document, beside this module."""
SECURITY: dict[Caller, list[dict[str, list[str]]]] = {
    "anyone": [],
    "project key": [{"ProjectKey": []}],
    "scores key": [{"ProjectKey": []}, {"PublicKey": []}],
    "organization key": [{"OrganizationKey": []}],
    "signed url": [],
}
"""Caller of a route to its OpenAPI security requirement."""
SCHEMES = {
    "ProjectKey": {
        "type": "http",
        "scheme": "basic",
        "description": "A project's key pair: public key as user name, secret key as password.",
    },
    "PublicKey": {"type": "http", "scheme": "bearer", "description": "The public key alone: creates scores only."},
    "OrganizationKey": {"type": "http", "scheme": "basic", "description": "An organisation's key pair."},
}
"""OpenAPI security schemes."""
VERB = "x-sightline-verb"
"""Extension of an operation: the verb of `accounts/permissions.py` that its caller needs."""
REFUSAL = {
    "title": "Refusal",
    "type": "object",
    "required": ["message", "error"],
    "properties": {
        "message": {"type": "string", "description": "What is wrong, and what would be right."},
        "error": {
            "description": "A name of the error, or a list of what does not fit.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}],
        },
        "code": {"type": "string", "description": "On newer paths."},
        "details": {"type": "object", "description": "On newer paths."},
    },
}
"""Schema of an error response."""


def document() -> dict[str, Any]:
    app = FastAPI(title="Sightline public API", version="1", telemetry={"tracing": False}, openapi_url=None)
    app.router.routes.clear()
    app.include_router(joined(otlp.router, otlp_logs.router, langfuse.router))
    made = get_openapi(
        title=app.title,
        version=app.version,
        description="Langfuse's public API, as this server answers it.",
        routes=list(iter_route_contexts(app.routes)),
    )
    declarations = {
        ((route.path or "").replace(":path}", "}"), method.lower()): declaration
        for route, declaration in declared(app)
        for method in route.methods or ()
    }
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _describe(operation, declarations[path, method])
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Refusal"] = REFUSAL
    made["components"]["securitySchemes"] = SCHEMES
    return made


def text() -> str:
    """As committed: sorted, indented, with a final newline."""
    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def committed() -> str:
    """The document as it lies in the package."""
    return files("sightline.server.edges").joinpath(NAME).read_text(encoding="utf-8")


def _describe(operation: dict[str, Any], declaration: Declared) -> None:
    """Add credentials, the verb and error responses: 400 instead of the framework's 422."""
    operation["security"] = SECURITY[declaration.caller]
    operation[VERB] = declaration.verb
    answers = operation["responses"]
    answers.pop("422", None)
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    answers["4XX"] = {"description": "Refused", "content": content}


if __name__ == "__main__":
    sys.stdout.write(text())
