"""The project's API keys."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from sightline.server.accounts.records import Access, ApiKey
from sightline.server.edges.bodies import PlainJson
from sightline.server.edges.access import member_for
from sightline.server.edges.services import Served, base_url
from sightline.server.edges.web import shapes

router = APIRouter(route_class=PlainJson, prefix="/projects/{projectId}/keys")

Reader = Annotated[Access, member_for("keys.read")]
Manager = Annotated[Access, member_for("keys.manage")]


@router.get("")
async def keys(who: Reader, request: Request, services: Served) -> shapes.Keys:
    listed = await services.accounts.keys(who.project_id)
    return shapes.Keys(data=[_key(each) for each in listed], base_url=base_url(request, services))


@router.post("", status_code=201)
async def create(who: Manager, services: Served, body: shapes.KeyDraft | None = None) -> shapes.NewKey:
    """Create a key pair. Only this answer has its secret: the database keeps a hash."""
    made = await services.accounts.create_key(who.project_id, (body or shapes.KeyDraft()).draft())
    return shapes.NewKey(**_key(made.key).model_dump(), secret_key=made.secret_key)


@router.delete("/{publicKey}", status_code=204)
async def delete(public_key: Annotated[str, Path(alias="publicKey")], who: Manager, services: Served) -> Response:
    """Revoke a key pair: requests with it are refused from now on."""
    await services.accounts.delete_key(who.project_id, public_key)
    return Response(status_code=204)


def _key(key: ApiKey) -> shapes.Key:
    return shapes.Key(
        public_key=key.public_key,
        display_secret_key=key.display_secret_key,
        note=key.note,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        scopes=sorted(key.scopes),
    )
