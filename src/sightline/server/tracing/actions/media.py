"""Media of observations: announce, upload, download, thumbnail. Content-addressed and deduplicated within a project."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Literal

from sightline.server.runtime.blobs import Blobs
from sightline.server.runtime.cache import ExpiringCache
from sightline.server.runtime.clock import now
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import Forbidden, InvalidRequest, NotFound, TooLarge, Unprocessable
from sightline.server.tracing.actions import pictures
from sightline.server.tracing.actions.inline import InlineFile, media_id
from sightline.server.tracing.records import Media, MediaId, MediaUpload, ProjectId
from sightline.server.tracing.store import MediaStore
from sightline.server.tracing.store.media import MediaUse

MAX_BYTES = 100 * 1024 * 1024
"""Size limit of a file."""
THUMBNAILS_KEPT = 500
"""Cached thumbnails before eviction."""
Verb = Literal["GET", "PUT"]


class MediaShelf:
    """The media of one installation; every method is scoped to the project it is given."""

    def __init__(self, database: Database, blobs: Blobs, signing_secret: bytes) -> None:
        self._database = database
        self._blobs = blobs
        self._signing_secret = signing_secret
        self._thumbnails: ExpiringCache[tuple[str, str, int], bytes] = ExpiringCache(
            size=THUMBNAILS_KEPT, keep_s=3600.0
        )

    async def register(self, project_id: ProjectId, upload: MediaUpload) -> tuple[Media, bool]:
        """Announce a file and where it is used; False when its content is stored already (dedup). TooLarge."""
        digest = _digest(upload.sha256_base64)
        if not 0 < upload.content_length <= MAX_BYTES:
            raise TooLarge(f"the file has {upload.content_length:,} bytes, allowed are 1 to {MAX_BYTES:,}")
        item = Media(
            project_id=project_id,
            id=media_id(digest),
            sha256_base64=upload.sha256_base64,
            content_type=upload.content_type,
            content_length=upload.content_length,
            uploaded_at=None,
        )
        async with self._database.work() as work:
            store = MediaStore(work.connection)
            await store.put(item)
            await store.use(project_id, [item.id])
            await store.link(project_id, item.id, upload)
            known = await store.one(project_id, item.id) or item
        return known, known.uploaded_at is None

    async def upload(self, project_id: ProjectId, identity: MediaId, body: bytes) -> None:
        """Store an announced file. TooLarge, InvalidRequest or Unprocessable when its length or SHA-256 differs."""
        announced = await self._one(project_id, identity)
        if len(body) > announced.content_length:
            raise TooLarge(f"{len(body):,} bytes arrived, {announced.content_length:,} were announced: announce again")
        if len(body) < announced.content_length:
            raise InvalidRequest(f"{len(body):,} of {announced.content_length:,} bytes arrived: upload again")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if not hmac.compare_digest(digest, announced.sha256_base64):
            raise Unprocessable(
                f"the content's SHA-256 is {digest}, announced was {announced.sha256_base64}: announce and upload again"
            )
        if announced.content_type in pictures.CONTENT_TYPES:
            await pictures.check_bounds(body)
        await self._blobs.put(key_of(project_id, identity), body)
        async with self._database.work() as work:
            if not await MediaStore(work.connection).mark_uploaded(project_id, identity):
                await self._blobs.delete(key_of(project_id, identity))
                raise _unknown(identity)
        await self._put_where_missing(project_id, {identity: body})

    async def finish(self, project_id: ProjectId, identity: MediaId, status: int, error: str | None) -> None:
        """Keep the HTTP status and error a client reports for its upload."""
        async with self._database.work() as work:
            if not await MediaStore(work.connection).mark_finished(project_id, identity, status, error):
                raise _unknown(identity)

    async def keep(
        self, project_id: ProjectId, files: Iterable[InlineFile], uses: Collection[MediaUse] = frozenset()
    ) -> None:
        """Store files that arrived inside spans, deduplicated, and which traces refer to files (reference count).

        A file may be deleted with its last trace meanwhile. Its row then is not there any more when the links are
        inserted, so it is inserted anew; from then on the content stays, and is written again where it is missing.
        """
        by_id = {file.id: file for file in files}
        if not by_id and not uses:
            return
        async with self._database.reading() as connection:
            store = MediaStore(connection)
            known = await store.uploaded(project_id, by_id)
            unused = await store.unused_lately(project_id, known)
            fresh_uses = await store.unlinked(project_id, uses)
        fresh = by_id.keys() - known
        for identity in fresh:
            await self._blobs.put(key_of(project_id, identity), by_id[identity].body)
        if fresh or unused or fresh_uses:
            put = await self._know(project_id, by_id, unused, fresh_uses)
            await self._put_where_missing(project_id, {each: by_id[each].body for each in put})

    async def one(self, project_id: ProjectId, identity: MediaId) -> Media:
        """Metadata of a file. NotFound until its content is uploaded."""
        item = await self._one(project_id, identity)
        if item.uploaded_at is None:
            raise NotFound(f"media {identity} was announced but not uploaded yet: upload it first")
        return item

    async def content(self, project_id: ProjectId, identity: MediaId) -> tuple[bytes, str]:
        item = await self.one(project_id, identity)
        return await self._blobs.get(key_of(project_id, identity)), item.content_type

    async def thumbnail(self, project_id: ProjectId, identity: MediaId, side: int) -> bytes:
        await self.one(project_id, identity)  # A deleted file has no thumbnail, whatever this process' cache holds.
        cached = self._thumbnails.get((project_id, identity, side))
        if cached:
            return cached[0]
        body, _ = await self.content(project_id, identity)
        small = await pictures.thumbnail(body, side)
        self._thumbnails.put((project_id, identity, side), small)
        return small

    def sign(self, project_id: ProjectId, identity: MediaId, verb: Verb, expires: datetime) -> str:
        message = "\n".join((verb, project_id, identity, str(int(expires.timestamp()))))
        return hmac.new(self._signing_secret, message.encode(), hashlib.sha256).hexdigest()

    def check_signature(
        self, project_id: ProjectId, identity: MediaId, verb: Verb, expires: datetime, signature: str
    ) -> None:
        expected = self.sign(project_id, identity, verb, expires)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise Forbidden("the signature of this media URL is wrong: ask for a new URL")
        if expires <= now():
            raise Forbidden(f"this media URL expired at {expires.isoformat()}: ask for a new URL")

    async def _one(self, project_id: ProjectId, identity: MediaId) -> Media:
        async with self._database.reading() as connection:
            item = await MediaStore(connection).one(project_id, identity)
        if item is None:
            raise _unknown(identity)
        return item

    async def _know(
        self,
        project_id: ProjectId,
        files: Mapping[MediaId, InlineFile],
        used: Collection[MediaId],
        uses: Collection[MediaUse],
    ) -> set[MediaId]:
        """Upsert the files' rows and their links; returns those whose row was not there or not uploaded."""
        async with self._database.work() as work:
            store = MediaStore(work.connection)
            await store.use(project_id, {*used, *(media_id for media_id, _ in uses)})
            missing = files.keys() - await store.uploaded(project_id, files)
            for identity in sorted(missing):
                file = files[identity]
                item = Media(
                    project_id=project_id,
                    id=identity,
                    sha256_base64=file.sha256_base64,
                    content_type=file.content_type,
                    content_length=len(file.body),
                    uploaded_at=now(),
                )
                await store.put(item)
                await store.mark_uploaded(project_id, identity)
            await store.link_texts(project_id, uses)
        return missing

    async def _put_where_missing(self, project_id: ProjectId, bodies: Mapping[MediaId, bytes]) -> None:
        """A deletion may have taken the content between its upload and the row that keeps it."""
        for identity, body in bodies.items():
            if not await self._blobs.exists(key_of(project_id, identity)):
                await self._blobs.put(key_of(project_id, identity), body)


def _digest(sha256_base64: str) -> bytes:
    try:
        digest = base64.b64decode(sha256_base64, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 32:
        raise InvalidRequest(f"sha256Hash {sha256_base64[:64]!r} is not the base64 of 32 bytes: send the SHA-256 so")
    return digest


def folder_of(project_id: ProjectId) -> str:
    """Key prefix of a project's files. Its id may be any text, so its hash names the folder (path traversal)."""
    return hashlib.sha256(project_id.encode()).hexdigest()[:16]


def key_of(project_id: ProjectId, identity: MediaId) -> str:
    """Key of a file in the blob store."""
    return f"{folder_of(project_id)}/{identity}"


def _unknown(identity: MediaId) -> NotFound:
    return NotFound(f"media {identity} is not known in this project: announce it with POST /api/public/media")
