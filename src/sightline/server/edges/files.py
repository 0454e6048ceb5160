"""User uploads, served so that a browser never executes them: `Content-Disposition`, `nosniff`, a sandbox CSP."""

import re
from collections.abc import Mapping
from mimetypes import MimeTypes

from starlette.responses import Response

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


def file_answer(
    content: bytes, content_type: str, *, name: str | None = None, max_age_s: int = 3600, asked: str | None = None
) -> Response:
    """The file, or the one range of it that is `asked` for, as players do to seek."""
    is_pdf = content_type == PDF and content.startswith(PDF_MARK)
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": PDF_POLICY if is_pdf else SANDBOX,
        "Cross-Origin-Resource-Policy": "same-site",
        "Cache-Control": f"private, max-age={max_age_s}, immutable",
        "Content-Disposition": _disposition(content_type, name, inline=is_pdf or content_type in INLINE_TYPES),
        "Accept-Ranges": "bytes",
    }
    part = _part(asked, len(content)) if asked else None
    if part is None:
        return Response(content, media_type=content_type, headers=headers)
    return _partial(content, part, {**headers, "Content-Type": content_type})


def _disposition(content_type: str, name: str | None, *, inline: bool) -> str:
    kind = "inline" if inline else "attachment"
    if name is None:
        return kind
    short = SHORT_SUBTYPE.fullmatch(content_type)
    extension = EXTENSIONS.guess_extension(content_type) or (f".{short[1]}" if short else "")
    return f'{kind}; filename="{name}{extension}"'


def _part(asked: str, length: int) -> range | None:
    """The bytes of a `Range` header; None where it is to be ignored, as several ranges are."""
    found = RANGE.fullmatch(asked.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        return range(max(0, length - int(last)), length)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, length) if last else length)


def _partial(content: bytes, part: range, headers: Mapping[str, str]) -> Response:
    if not part:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    span = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    return Response(content[part.start : part.stop], 206, {**headers, "Content-Range": span})
