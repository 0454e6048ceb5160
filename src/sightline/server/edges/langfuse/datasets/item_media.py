"""The media that a dataset item's texts refer to, with signed URLs to download them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from fastapi import Request

from sightline.server.edges.answers import iso
from sightline.server.edges.langfuse.media.routes import signed_address
from sightline.server.edges.services import Services
from sightline.server.evals.records import Item
from sightline.server.runtime.errors import NotFound
from sightline.server.runtime.media_tokens import tokens_in
from sightline.server.tracing.records import Media, MediaId, ProjectId


async def media_references(item: Item, request: Request, services: Services) -> list[dict[str, Any]]:
    """One entry per reference to an uploaded file; dangling references are left out."""
    fields = {"input": item.input, "expectedOutput": item.expected_output, "metadata": item.metadata}
    places = [
        (field, token, path)
        for field, value in fields.items()
        for text, path in _texts(value, "$")
        for token in tokens_in(text)
    ]
    files = await _files({token.id for _, token, _ in places}, item.project_id, services)
    return [
        {
            "field": field,
            "referenceString": token.text,
            "jsonPath": path,
            "media": _media(files[token.id], request, services),
        }
        for field, token, path in places
        if token.id in files
    ]


async def _files(ids: set[str], project_id: ProjectId, services: Services) -> dict[str, Media]:
    found: dict[str, Media] = {}
    for media_id in ids:
        with suppress(NotFound):
            found[media_id] = await services.tracing.media(project_id, MediaId(media_id))
    return found


def _media(media: Media, request: Request, services: Services) -> dict[str, Any]:
    url, expires = signed_address(request, services, (media.project_id, media.id), "GET")
    return {
        "mediaId": media.id,
        "contentType": media.content_type,
        "contentLength": media.content_length,
        "url": url,
        "urlExpiry": iso(expires),
    }


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text inside a JSON value with its JSONPath."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict):
        for key, inner in value.items():
            escaped = key.replace("\\", "\\\\").replace("'", "\\'")
            yield from _texts(inner, f"{path}['{escaped}']")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]")
