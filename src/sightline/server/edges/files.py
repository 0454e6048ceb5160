"""User uploads, served so that a browser never executes them: `Content-Disposition`, `nosniff`, a sandbox CSP."""

from starlette.responses import Response

INLINE_TYPES = frozenset(("image/png", "image/jpeg", "image/webp", "image/gif"))
"""Images with disposition `inline`; everything else is an `attachment`."""


def file_answer(content: bytes, content_type: str, *, max_age_s: int = 3600) -> Response:
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-site",
        "Cache-Control": f"private, max-age={max_age_s}, immutable",
        "Content-Disposition": "inline" if content_type in INLINE_TYPES else "attachment",
    }
    return Response(content, media_type=content_type, headers=headers)
