"""The public API's OpenAPI document where Langfuse serves its own: as JSON, YAML, and an HTML page."""

import json
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Response

from sightline.server.edges.access import Anyone

router = APIRouter(prefix="/api", include_in_schema=False)


@router.get("/openapi.json", dependencies=[Anyone])
async def as_json() -> Response:
    return Response(_document(), media_type="application/json")


@router.get("/openapi.yaml", dependencies=[Anyone])
async def as_yaml() -> Response:
    """The same text: JSON is YAML."""
    return Response(_document(), media_type="application/yaml")


@router.get("/docs", dependencies=[Anyone])
async def as_page() -> Response:
    """Every operation with its parameters, without scripts or styles."""
    return Response(_page(), media_type="text/html")


@cache
def _page() -> str:
    document = json.loads(_document())
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(document['info']['title'])}</title></head><body>"
        f"<h1>{escape(document['info']['title'])}</h1><p>{escape(document['info']['description'])} "
        'For programs: <a href="/api/openapi.json">openapi.json</a>, <a href="/api/openapi.yaml">openapi.yaml</a>.</p>'
        f"{''.join(operations)}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    said = [operation.get("summary", ""), operation.get("description", "")]
    if operation.get("parameters"):
        said.append(f"Parameters: {', '.join(each['name'] for each in operation['parameters'])}")
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in said if text)
    return f"<h2><code>{method.upper()} {escape(path)}</code></h2>{paragraphs}"


def _document() -> bytes:
    return files("sightline.server.edges").joinpath("public_openapi.json").read_bytes()
