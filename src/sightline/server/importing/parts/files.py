"""Media that texts refer to: fetched once, linked wherever they are used. Content-addressed: the id is the hash."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sightline.server.importing.parts.part import Part
from sightline.server.importing.reading import Row
from sightline.server.importing.wire import Refused, again
from sightline.server.runtime.media_tokens import tokens_in


class Files:
    """The files of one part; what cannot be had is one of that part's remarks."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._known = part.state.files()

    async def carry(self, row: Row, fields: Sequence[str], place: Mapping[str, str]) -> None:
        """Every file that these fields refer to, and that it is used at this place."""
        for field in fields:
            for media_id in dict.fromkeys(_references(row.get(field))):
                try:
                    await self._carry(media_id, {"field": field, **place})
                except Refused as problem:
                    self._part.state.remark("media", problem.message, media_id, lost=True)

    async def _carry(self, media_id: str, place: dict[str, str]) -> None:
        known = self._known.get(media_id)
        content: bytes | None = None
        if known is None:
            known, content = await self._fetch(media_id)
        announced = await self._part.target.write("POST", "/media", {**known, **place})
        if announced["uploadUrl"] is not None:
            if content is None:
                _, content = await self._fetch(media_id)
            await self._upload(announced, known, content)
        self._known[media_id] = known

    async def _fetch(self, media_id: str) -> tuple[dict[str, Any], bytes]:
        """What is to be announced of a file, and its content."""
        source = self._part.source

        async def act() -> tuple[dict[str, Any], bytes]:
            described = await source.read(f"/media/{media_id}")
            content = await source.file(described["url"])
            announced = {
                "contentType": described["contentType"],
                "contentLength": len(content),
                "sha256Hash": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            }
            return announced, content

        return await again(act)

    async def _upload(self, announced: Row, known: Row, content: bytes) -> None:
        headers = {"Content-Type": known["contentType"], "x-amz-checksum-sha256": known["sha256Hash"]}
        await self._part.target.put_file(announced["uploadUrl"], content, headers)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (token.id for token in tokens_in(value))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
