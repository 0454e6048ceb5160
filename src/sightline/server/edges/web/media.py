"""Pictures and other files of a project, for its members."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for
from sightline.server.edges.files import file_answer, picture_answer
from sightline.server.edges.services import Served
from sightline.server.tracing.records import MediaId

router = APIRouter(prefix="/projects/{projectId}/media")

Reader = Annotated[Access, member_for("media.read")]

FOREVER_S = 365 * 86_400
"""Cache lifetime of a year: files are content-addressed, so immutable."""


@router.get("/{mediaId}", response_class=Response, responses={200: {"content": {"image/*": {}}}})
async def read(
    media_id: Annotated[str, Path(alias="mediaId")],
    request: Request,
    who: Reader,
    services: Served,
    size: Annotated[Literal["thumb"] | None, Query()] = None,
) -> Response:
    """The file as uploaded, or a WebP thumbnail."""
    if size == "thumb":
        small = await services.tracing.thumbnail(who.project_id, MediaId(media_id))
        return picture_answer(small, "image/webp", FOREVER_S)
    media = await services.tracing.media(who.project_id, MediaId(media_id))
    blocks = services.tracing.media_blocks
    return await file_answer(media, blocks, request.headers, name=media_id, max_age_s=FOREVER_S)


@router.head("/{mediaId}", include_in_schema=False)
async def size(media_id: Annotated[str, Path(alias="mediaId")], who: Reader, services: Served) -> Response:
    """How large a file is and of which type, without reading it."""
    media = await services.tracing.media(who.project_id, MediaId(media_id))
    return Response(headers={"Content-Length": str(media.content_length), "Content-Type": media.content_type})
