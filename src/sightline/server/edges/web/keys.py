"""The project's API keys, for the ready snippet on empty pages."""

from fastapi import APIRouter, Request

from sightline.server.accounts.records import ApiKey
from sightline.server.edges.access import Editor, Member
from sightline.server.edges.services import Served, base_url
from sightline.server.edges.web import shapes

router = APIRouter(prefix="/projects/{projectId}/keys")


@router.get("")
async def keys(who: Member, request: Request, services: Served) -> shapes.Keys:
    listed = await services.accounts.keys(who.project_id)
    return shapes.Keys(data=[_key(each) for each in listed], base_url=base_url(request, services))


@router.post("", status_code=201)
async def create(who: Editor, services: Served) -> shapes.NewKey:
    """A new pair; its secret is in this answer and never again."""
    made = await services.accounts.create_key(who.project_id)
    return shapes.NewKey(**_key(made.key).model_dump(), secret_key=made.secret_key)


def _key(key: ApiKey) -> shapes.Key:
    return shapes.Key(
        public_key=key.public_key,
        display_secret_key=key.display_secret_key,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
    )
