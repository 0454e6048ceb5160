"""The public API's own description, where Langfuse serves its."""

from importlib.resources import files

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


def _document() -> bytes:
    return files("sightline.server.edges").joinpath("public_openapi.json").read_bytes()
