"""Format of a media token: Langfuse's reference to a file, in place of its inline content."""

import re
from collections.abc import Iterator
from typing import NamedTuple

MARK = "@@@langfuseMedia:"
"""Prefilter: a substring of every token, cheaper to look for than the regular expression."""
TOKEN = re.compile(
    r"@@@langfuseMedia:type=(?P<type>(?P<family>\w+)[^|@]*)\|id=(?P<id>[\w-]{1,64})\|source=(?P<source>[^|@]+)@@@",
    re.ASCII,
)
"""Its type may have the slash as JSON of PHP escapes it, `image\\/png`. The pages' `media-token.ts` reads the
same texts alike: both are held against `tests/server/runtime/media_tokens.json`."""


class MediaToken(NamedTuple):
    text: str
    """As it stands in the text."""
    content_type: str
    id: str
    source: str
    """What the file was before: `base64_data_uri`, `bytes` or `file`."""


def media_token(content_type: str, media_id: str, source: str) -> str:
    return f"{MARK}type={content_type}|id={media_id}|source={source}@@@"


def tokens_in(text: str | None) -> Iterator[MediaToken]:
    if not text or MARK not in text:
        return
    for match in TOKEN.finditer(text):
        content_type = match["type"].replace("\\", "")
        yield MediaToken(match[0], content_type, match["id"], match["source"])
