"""Blob storage: a folder, or any bucket `obstore` can open. Keys are our ids, never client input (path traversal)."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import structlog

from sightline.server.runtime.errors import NotFound, Unavailable

log = structlog.get_logger()

RETRY_AFTER_S = 10
"""Seconds of Retry-After while the store fails."""

PART_BYTES = 5 * 1024 * 1024
"""Part of an upload (S3's multipart has no smaller ones)."""
PARTS_AT_ONCE = 2
"""Parts of one upload in memory."""
BLOCK_BYTES = 256 * 1024
"""Block of a download."""


class Blobs:
    """A key-value store of files. `url` is an absolute folder path or a bucket's URL (`s3://…`, `gs://…`, `az://…`)."""

    def __init__(self, url: str) -> None:
        # obstore takes 40 ms to import; a start without media should not pay for it twice.
        from obstore.store import LocalStore, from_url

        self._folder = None if "://" in url else Path(url)
        self._store: Any = LocalStore(url, mkdir=True) if self._folder else from_url(url)

    async def open(self) -> None:
        """Have the driver start its threads now: without a free descriptor later that fails once and for all."""
        import obstore
        from obstore.store import MemoryStore

        with suppress(FileNotFoundError):
            await obstore.head_async(MemoryStore(), "nothing")

    async def put(self, key: str, body: bytes | IO[bytes]) -> None:
        """Upsert `body` under `key`: atomic, and durable (fsync) on return. A file is read a part at a time."""
        import obstore

        if not isinstance(body, bytes):
            body.seek(0)
        with _told("stored"):
            await obstore.put_async(self._store, key, body, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
            if self._folder:
                _sync(self._folder / key)

    async def blocks(self, key: str, part: range) -> AsyncIterator[bytes]:
        """Stream some of the bytes under `key`, which is looked up before the first block is asked for.

        NotFound when there is no such file.
        """
        import obstore

        if not part:  # No store has an empty range.
            return _plain(())
        try:
            with _told("read"):
                answer = await obstore.get_async(self._store, key, options={"range": (part.start, part.stop)})
        except FileNotFoundError:
            raise _missing(key) from None
        return _plain(answer.stream(min_chunk_size=BLOCK_BYTES))

    async def file(self, key: str, length: int) -> IO[bytes]:
        """The bytes under `key` as an open file: of a bucket, a temporary copy. NotFound when there are none."""
        if self._folder:
            try:
                return (self._folder / key).open("rb")
            except FileNotFoundError:
                raise _missing(key) from None
        blocks = await self.blocks(key, range(length))
        with ExitStack() as stack:
            copy: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            async for block in blocks:
                await asyncio.to_thread(copy.write, block)
            copy.flush()
            stack.pop_all()
            return copy

    async def delete(self, key: str) -> None:
        """Delete the file under `key`. Idempotent."""
        import obstore

        with suppress(FileNotFoundError):
            await obstore.delete_async(self._store, key)

    async def delete_under(self, folder: str) -> None:
        """Delete every file whose key begins with `folder/`. Idempotent."""
        import obstore

        async for batch in obstore.list(self._store, prefix=folder):
            await obstore.delete_async(self._store, [entry["path"] for entry in batch])

    async def exists(self, key: str) -> bool:
        import obstore

        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        return True


@contextmanager
def _told(verb: str) -> Iterator[None]:
    """Unavailable (503) when the disk, the system or the bucket fails; a missing file stays FileNotFoundError."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BaseError) as failure:
        log.error("the media store failed", problem=str(failure).partition("\n")[0])
        raise Unavailable(
            f"the file could not be {verb}: the media store fails just now; send it again, and see the server's log "
            "if it lasts",
            retry_after_s=RETRY_AFTER_S,
        ) from failure


async def _plain(blocks: AsyncIterable[Any] | tuple[()]) -> AsyncIterator[bytes]:
    """In Python's own bytes, which the server's protocol wants."""
    if isinstance(blocks, tuple):
        return
    async for block in blocks:
        yield bytes(block)


def _missing(key: str) -> NotFound:
    return NotFound(f"no file is stored under {key}: it was never uploaded, or the media store was moved")


def _sync(path: Path) -> None:
    """fsync a file and its directory entry: the local store of obstore does neither."""
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
