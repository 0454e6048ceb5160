"""Base64 content beside a media type or a format, in the shapes that providers and libraries give to a file.

OpenAI's `input_audio {data, format}`, Gemini's `inline_data {mime_type, data}`, Bedrock's
`image {format, source {bytes}}`, the AI SDK's `file {mediaType, data}`, Anthropic's sources, OpenTelemetry's blobs:
one rule reads them all. What a file is follows from the structure alone; base64 of unknown content stays text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TYPE_KEYS = ("mime_type", "mimeType", "media_type", "mediaType", "content_type", "contentType")
"""Keys of a MIME type."""
FORMAT_KEYS = ("format", "output_format")
"""Keys of a format, such as `png`."""
CONTENT_KEYS = frozenset(
    ("data", "bytes", "content", "body", "base64", "b64_json", "file_data", "image", "audio", "video", "file", "blob")
)
"""Keys of a file's content; under another name only what is too long for a word counts."""
SOURCES = ("source", "data", "content")
"""Keys of an object inside that holds the content."""
SAYS_SO = ("blob", "base64")
"""Types of parts whose content is base64 whatever it is."""
SHORTEST, SHORTEST_UNNAMED = 16, 256
"""Minimum characters of base64, under a known key and under any other."""
JSON_BEGINS = frozenset("[{ \n\r\t")
"""What an object or a list begins with: in no other text is there anything beside a type."""
BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
"""Base64 text, of either alphabet."""
MEDIA = re.compile(r"(?:image|audio|video)/[\w.+-]+|application/pdf")
"""MIME types that become media."""
FORMATS = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "pcm16": "audio/pcm",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
    "pdf": "application/pdf",
}
"""Format to its MIME type."""


@dataclass(frozen=True)
class Encoded:
    """Where a file's content stands, and what it is."""

    place: dict[str, Any]
    key: str
    content_type: str
    content: str


def may_be_encoded(text: str) -> bool:
    """Prefilter: whether a text is JSON that names a type or a format at all; cheap enough for every span."""
    return text[:1] in JSON_BEGINS and (
        '"format"' in text
        or '_format"' in text
        or 'ime_type"' in text
        or 'imeType"' in text
        or 'edia_type"' in text
        or 'ediaType"' in text
        or 'ontent_type"' in text
        or 'ontentType"' in text
    )


def encoded_in(part: dict[str, Any]) -> Iterator[Encoded]:
    """The files of one object: beside its type, or in an object right inside it."""
    content_type = _content_type(part)
    if content_type is None:
        return
    yield from _contents(part, content_type)
    for key in SOURCES:
        inner = part.get(key)
        if isinstance(inner, dict) and _content_type(inner) is None:
            yield from _contents(inner, content_type)


def _content_type(part: dict[str, Any]) -> str | None:
    for key in TYPE_KEYS:
        if isinstance(named := part.get(key), str):
            base = named.partition(";")[0].strip().lower()
            known = part.get("type") in SAYS_SO or MEDIA.fullmatch(base)
            return base if known else None
    for key in FORMAT_KEYS:
        if isinstance(named := part.get(key), str) and named.lower() in FORMATS:
            return FORMATS[named.lower()]
    return None


def _contents(place: dict[str, Any], content_type: str) -> Iterator[Encoded]:
    for key, value in place.items():
        shortest = SHORTEST if key in CONTENT_KEYS else SHORTEST_UNNAMED
        if isinstance(value, str) and len(value) >= shortest and BASE64.fullmatch(value):
            yield Encoded(place, key, content_type, value)
