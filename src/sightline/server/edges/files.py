"""User uploads, served so that a browser never executes them: `Content-Disposition`, `nosniff`, a sandbox CSP.

They are streamed a block at a time, whole or the range that is asked for (RFC 9110), and never held in memory.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from mimetypes import MimeTypes

from starlette.responses import Response, StreamingResponse

from sightline.server.tracing.records import Media, MediaId, ProjectId

INLINE_TYPES = frozenset(("image/png", "image/jpeg", "image/webp", "image/gif"))
"""Pictures a browser may show in place; everything else but a PDF is offered as a download."""
PDF = "application/pdf"
PDF_MARK = b"%PDF-"
"""How every PDF begins: what only calls itself one is a download."""
SANDBOX = "sandbox; default-src 'none'"
PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"
"""Browsers show no PDF in a sandbox. Their viewers run a PDF's scripts outside of the page's origin, and `nosniff`
keeps a PDF from being read as anything else."""
EXTENSIONS = MimeTypes()
"""Those that Python knows by itself: the same on every machine."""
SHORT_SUBTYPE = re.compile(r"\w+/(?:x-)?([a-z0-9]{2,5})")
"""A type whose second half serves as the extension, as in `audio/wav`."""
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
Read = Callable[[ProjectId, MediaId, range], Awaitable[AsyncIterator[bytes]]]
"""Streams a part of a file's content."""


async def file_answer(
    media: Media, read: Read, asked: Mapping[str, str], *, name: str | None = None, max_age_s: int = 3600
) -> Response:
    """The file, or the one range of it that the request's headers ask for, as players do to seek."""
    length = media.content_length
    is_pdf = media.content_type == PDF and await _begins(media, read, PDF_MARK)
    inline = is_pdf or media.content_type in INLINE_TYPES
    headers = {
        **_kept_from_running(PDF_POLICY if is_pdf else SANDBOX, max_age_s),
        "Content-Disposition": _disposition(media.content_type, name, inline=inline),
        "Accept-Ranges": "bytes",
        # Files are content-addressed: the id is as good a validator as there is.
        "ETag": f'"{media.id}"',
    }
    part = _part(asked, headers["ETag"], length)
    if part is not None and not part:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{length}"})
    span = range(length) if part is None else part
    headers |= {"Content-Length": str(len(span)), "Content-Type": media.content_type}
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{length}"
    return StreamingResponse(await read(media.project_id, media.id, span), 200 if part is None else 206, headers)


def picture_answer(content: bytes, content_type: str, max_age_s: int = 3600) -> Response:
    """A small picture that is in memory: a thumbnail, a sample of a model."""
    place = _disposition(content_type, None, inline=content_type in INLINE_TYPES)
    headers = {**_kept_from_running(SANDBOX, max_age_s), "Content-Disposition": place}
    return Response(content, media_type=content_type, headers=headers)


def _kept_from_running(policy: str, max_age_s: int) -> dict[str, str]:
    return {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "same-site",
        "Cache-Control": f"private, max-age={max_age_s}, immutable",
    }


async def _begins(media: Media, read: Read, mark: bytes) -> bool:
    first = range(min(len(mark), media.content_length))
    return b"".join([block async for block in await read(media.project_id, media.id, first)]) == mark


def _disposition(content_type: str, name: str | None, *, inline: bool) -> str:
    kind = "inline" if inline else "attachment"
    if name is None:
        return kind
    short = SHORT_SUBTYPE.fullmatch(content_type)
    extension = EXTENSIONS.guess_extension(content_type) or (f".{short[1]}" if short else "")
    return f'{kind}; filename="{name}{extension}"'


def _part(asked: Mapping[str, str], etag: str, length: int) -> range | None:
    """The bytes of a `Range` header; None where it is to be ignored: several ranges, or `If-Range` of another file."""
    found = RANGE.fullmatch(asked.get("range", "").strip())
    if found is None or found[0] == "bytes=-" or asked.get("if-range", etag) != etag:
        return None
    first, last = found[1], found[2]
    if not first:
        return range(max(0, length - int(last)), length)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, length) if last else length)
