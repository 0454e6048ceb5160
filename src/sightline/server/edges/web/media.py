"""Pictures and other files of a project, for its members."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response

from sightline.server.accounts.records import Access
from sightline.server.edges.access import member_for
from sightline.server.edges.files import file_answer
from sightline.server.edges.services import Served
from sightline.server.tracing.records import MediaId

router = APIRouter(prefix="/projects/{projectId}/media")

Reader = Annotated[Access, member_for("media.read")]

FOREVER_S = 365 * 86_400
"""Cache lifetime of a year: files are content-addressed, so immutable."""


@router.get("/{mediaId}", response_class=Response, responses={200: {"content": {"image/*": {}}}})
async def read(
    media_id: Annotated[str, Path(alias="mediaId")],
    who: Reader,
    services: Served,
    size: Annotated[Literal["thumb"] | None, Query()] = None,
    asked: Annotated[str | None, Header(alias="Range", include_in_schema=False)] = None,
) -> Response:
    """The file as uploaded, or a WebP thumbnail."""
    if size == "thumb":
        small = await services.tracing.thumbnail(who.project_id, MediaId(media_id))
        return file_answer(small, "image/webp", max_age_s=FOREVER_S)
    content, content_type = await services.tracing.media_bytes(who.project_id, MediaId(media_id))
    return file_answer(content, content_type, name=media_id, max_age_s=FOREVER_S, asked=asked)


@router.head("/{mediaId}", include_in_schema=False)
async def size(media_id: Annotated[str, Path(alias="mediaId")], who: Reader, services: Served) -> Response:
    """How large a file is and of which type, without reading it."""
    media = await services.tracing.media(who.project_id, MediaId(media_id))
    return Response(headers={"Content-Length": str(media.content_length), "Content-Type": media.content_type})
