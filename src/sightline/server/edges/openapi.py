"""The page API's OpenAPI document: `python -m sightline.server.edges.openapi > web/openapi.json`.

TypeScript types are generated from the committed file; a test fails when it is not what the code says.
"""

import json
import sys
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic.json_schema import models_json_schema

from sightline.server.edges import web
from sightline.server.edges.web import shapes

EVENTS = (shapes.HintEvent, shapes.TokenEvent, shapes.DoneEvent, shapes.ErrorEvent)
"""Payloads of server-sent events (SSE): OpenAPI 3.1 cannot attach them to a route, so they are components."""


def document() -> dict[str, Any]:
    app = FastAPI(title="Sightline page API", version="1", telemetry={"tracing": False})
    app.include_router(web.router)
    made = get_openapi(
        title=app.title,
        version=app.version,
        description="What the page asks its own server. Sessions are cookies; unsafe calls must be same-origin.",
        routes=list(iter_route_contexts(app.routes)),
    )
    _, events = models_json_schema(
        [(event, "serialization") for event in EVENTS], ref_template="#/components/schemas/{model}"
    )
    made["components"]["schemas"] |= {
        name: schema for name, schema in events["$defs"].items() if name not in made["components"]["schemas"]
    }
    return made


def text() -> str:
    """As committed: sorted, indented, with a final newline."""
    return json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
