"""Media: announce a file, upload it to a signed URL of this server, download it from another signed URL."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator

from sightline.server.accounts.records import Access
from sightline.server.edges.access import SignedUrl, key_for
from sightline.server.edges.answers import Json, iso
from sightline.server.edges.bodies import BOUNDED_HERE, PlainJson, read_body
from sightline.server.edges.files import file_answer
from sightline.server.edges.langfuse.media.types import MEDIA_TYPES
from sightline.server.edges.params import LARGEST, Moment, Params
from sightline.server.edges.services import Served, Services, base_url
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import InvalidRequest
from sightline.server.tracing.records import MediaId, MediaUpload, ObservationId, ProjectId, TraceId

router = APIRouter(route_class=PlainJson, prefix="/api/public/media")

Reader = Annotated[Access, key_for("media.read")]
Writer = Annotated[Access, key_for("media.write")]

URL_LIFETIME = timedelta(hours=1)
"""Expiry of a signed URL."""
LONGEST_ID = 128
"""Characters of the id of a trace or observation that a file is linked to."""
Verb = Literal["GET", "PUT"]


class Announcement(Params):
    content_type: str
    content_length: int = Field(gt=0)
    sha256_hash: str = Field(alias="sha256Hash", pattern=r"^[A-Za-z0-9+/]{43}=$")
    field: Literal["input", "output", "metadata", "expectedOutput"]
    trace_id: str | None = Field(None, min_length=1, max_length=LONGEST_ID)
    observation_id: str | None = Field(None, max_length=LONGEST_ID)
    dataset_id: str | None = Field(None, min_length=1)
    dataset_item_id: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _has_one_place(self) -> "Announcement":
        in_dataset = self.dataset_id is not None and self.dataset_item_id is not None
        if (self.trace_id is not None) == in_dataset:
            raise ValueError("a file is used in one place: give traceId, or datasetId and datasetItemId")
        if self.field == "expectedOutput" and not in_dataset:
            raise ValueError("field expectedOutput belongs to dataset items: give datasetId and datasetItemId")
        return self

    @model_validator(mode="after")
    def _type_is_known(self) -> "Announcement":
        if self.content_type not in MEDIA_TYPES:
            raise ValueError(f"contentType {self.content_type!r} is not one of {', '.join(sorted(MEDIA_TYPES))}")
        return self


class Finished(Params):
    uploaded_at: Moment
    upload_http_status: int = Field(ge=0, le=LARGEST)
    upload_http_error: str | None = None
    upload_time_ms: int | None = None


class Signature(Params):
    project: str
    expires: int
    """Seconds since 1970."""
    signature: str


@router.post("")
async def announce(body: Announcement, request: Request, who: Writer, services: Served) -> Json:
    """Announce a file by its SHA-256: 201 with a signed upload URL, or null when it is stored already (dedup)."""
    if body.content_length > services.limits.media_bytes:
        raise InvalidRequest(
            f"the file has {body.content_length:,} bytes, {services.limits.media_bytes:,} are allowed "
            "(SIGHTLINE_MAX_MEDIA_BYTES)"
        )
    upload = MediaUpload(
        sha256_base64=body.sha256_hash,
        content_type=body.content_type,
        content_length=body.content_length,
        field=body.field,
        trace_id=TraceId(body.trace_id) if body.trace_id else None,
        observation_id=ObservationId(body.observation_id) if body.observation_id else None,
    )
    media, needs_upload = await services.tracing.register_media(who.project_id, upload)
    url = signed_address(request, services, (who.project_id, media.id), "PUT")[0] if needs_upload else None
    return Json({"mediaId": media.id, "uploadUrl": url}, status_code=201)


@router.patch("/{mediaId}")
async def finish(mediaId: str, body: Finished, who: Writer, services: Served) -> Response:
    await services.tracing.finish_media(
        who.project_id, MediaId(mediaId), body.upload_http_status, body.upload_http_error
    )
    return Response(status_code=204)


@router.get("/{mediaId}")
async def read(mediaId: str, request: Request, who: Reader, services: Served) -> Json:
    media = await services.tracing.media(who.project_id, MediaId(mediaId))
    url, expires = signed_address(request, services, (who.project_id, media.id), "GET")
    return Json(
        {
            "mediaId": media.id,
            "contentType": media.content_type,
            "contentLength": media.content_length,
            "uploadedAt": iso(media.uploaded_at),
            "url": url,
            "urlExpiry": iso(expires),
        }
    )


@router.put("/{mediaId}/content", dependencies=[SignedUrl], max_body_size=BOUNDED_HERE)
async def upload(mediaId: str, request: Request, services: Served, signed: Annotated[Signature, Query()]) -> Response:
    """Upload the bytes; refused when their length or SHA-256 is not what was announced."""
    project_id, media_id = _checked(services, signed, mediaId, "PUT")
    body = await read_body(request, services.limits.media_bytes)
    await services.tracing.upload_media(project_id, media_id, body)
    return Response(status_code=200)


@router.get("/{mediaId}/content", dependencies=[SignedUrl])
async def download(mediaId: str, services: Served, signed: Annotated[Signature, Query()]) -> Response:
    project_id, media_id = _checked(services, signed, mediaId, "GET")
    content, content_type = await services.tracing.media_bytes(project_id, media_id)
    return file_answer(content, content_type)


def signed_address(
    request: Request, services: Services, file: tuple[ProjectId, MediaId], verb: Verb
) -> tuple[str, datetime]:
    """A signed URL (HMAC), which needs no key, and when it expires."""
    project_id, media_id = file
    expires = (now() + URL_LIFETIME).replace(microsecond=0)
    signature = services.tracing.sign(project_id, media_id, verb, expires)
    query = f"project={project_id}&expires={int(expires.timestamp())}&signature={signature}"
    return f"{base_url(request, services)}/api/public/media/{media_id}/content?{query}", expires


def _checked(services: Services, signed: Signature, media_id: str, verb: Verb) -> tuple[ProjectId, MediaId]:
    expires = datetime.fromtimestamp(signed.expires, tz=now().tzinfo)
    services.tracing.check_signature(ProjectId(signed.project), MediaId(media_id), verb, expires, signed.signature)
    return ProjectId(signed.project), MediaId(media_id)
