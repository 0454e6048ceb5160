"""Extracts base64 files from texts and replaces each by Langfuse's media token (content-addressed).

Found are data URIs anywhere in a text, and base64 beside a media type or a format. Other content stays byte for byte
as it came.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from sightline.server.runtime.json_reading import NotJson, loads
from sightline.server.runtime.media_tokens import MARK, media_token, tokens_in
from sightline.server.tracing.actions.encoded import encoded_in, may_be_encoded
from sightline.server.tracing.records import MediaId, Observation

_DATA_URI = re.compile(
    r"data:((?:image|audio|video)\\?/[\w.+-]+|application\\?/pdf)(?:;[\w=.+-]+)*;base64,([A-Za-z0-9+/\\=_-]{16,})"
)


@dataclass(frozen=True)
class InlineFile:
    """A file found in a text."""

    id: MediaId
    sha256_base64: str
    content_type: str
    body: bytes


@dataclass
class Found:
    """Observations without the files that were inside them, and those files by id."""

    observations: list[Observation] = field(default_factory=list)
    files: dict[MediaId, InlineFile] = field(default_factory=dict)


def holds_files(observation: Observation) -> bool:
    """Prefilter: whether parsing may find a file; cheap enough for every span."""
    return any(_may_hold(text) for text in _texts(observation))


def take_out(observations: Sequence[Observation]) -> Found:
    """Replace every inline file by its media token. CPU-bound: call it in a thread."""
    found = Found()
    for observation in observations:
        found.observations.append(_without_files(observation, found.files) if holds_files(observation) else observation)
    return found


def image_ids(observation: Observation) -> list[MediaId]:
    """Images an observation refers to, in the order of input, output, metadata, trace; each once."""
    marked = [text for text in _texts(observation) if MARK in text]
    if not marked:
        return []
    tokens = (token for text in marked for token in tokens_in(text))
    return list(dict.fromkeys(MediaId(token.id) for token in tokens if token.content_type.startswith("image/")))


def media_id(sha256: bytes) -> MediaId:
    """The content-addressed id of a file: Langfuse's clients compute the same."""
    return MediaId(base64.urlsafe_b64encode(sha256).decode()[:22])


def _texts(observation: Observation) -> list[str]:
    trace = observation.trace
    texts = [text for text in (observation.input, observation.output, trace.input, trace.output) if text]
    texts += observation.metadata.values()
    if trace.metadata:
        texts += trace.metadata.values()
    return texts


def _may_hold(text: str) -> bool:
    return "base64" in text or may_be_encoded(text)


def _without_files(observation: Observation, files: dict[MediaId, InlineFile]) -> Observation:
    def clean(text: str | None) -> str | None:
        return _clean(text, files) if text and _may_hold(text) else text

    def clean_all(texts: Mapping[str, str]) -> dict[str, str]:
        return {key: clean(text) or "" for key, text in texts.items()}

    trace = observation.trace
    return replace(
        observation,
        input=clean(observation.input),
        output=clean(observation.output),
        metadata=clean_all(observation.metadata),
        trace=replace(trace, input=clean(trace.input), output=clean(trace.output), metadata=clean_all(trace.metadata)),
    )


def _clean(text: str, files: dict[MediaId, InlineFile]) -> str:
    def token_of(match: re.Match[str]) -> str:
        kind, content = match[1].replace("\\", ""), match[2].replace("\\", "")
        return _kept(kind, content, "base64_data_uri", files) or match[0]

    text = _DATA_URI.sub(token_of, text)
    if not may_be_encoded(text):
        return text
    try:
        tree = loads(text)
    except NotJson:
        return text
    return orjson.dumps(tree).decode() if _clean_parts(tree, files) else text


def _clean_parts(tree: Any, files: dict[MediaId, InlineFile]) -> bool:
    """Replace the content of message parts, in place; True when there was any."""
    changed = False
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            changed |= _clean_part(item, files)
            stack.extend(item.values())
    return changed


def _clean_part(part: dict[str, Any], files: dict[MediaId, InlineFile]) -> bool:
    changed = False
    for found in list(encoded_in(part)):
        token = _kept(found.content_type, found.content, "bytes", files)
        if token is not None:
            found.place[found.key] = token
            changed = True
    return changed


def _kept(content_type: str, content: str, source: str, files: dict[MediaId, InlineFile]) -> str | None:
    """Keep a decoded file and return its token; None when the content is not base64."""
    try:
        padded = content.replace("-", "+").replace("_", "/").rstrip("=")
        body = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    digest = hashlib.sha256(body).digest()
    file = InlineFile(media_id(digest), base64.b64encode(digest).decode(), content_type, body)
    files[file.id] = file
    return media_token(content_type, file.id, source)
