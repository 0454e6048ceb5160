"""Blob storage: a folder, or any bucket `obstore` can open. Keys are our ids, never client input (path traversal)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from sightline.server.runtime.errors import NotFound, Unavailable

log = structlog.get_logger()

RETRY_AFTER_S = 10
"""Seconds of Retry-After while the store fails."""


class Blobs:
    """A key-value store of files. `url` is an absolute folder path or a bucket's URL (`s3://…`, `gs://…`, `az://…`)."""

    def __init__(self, url: str) -> None:
        # obstore takes 40 ms to import; a start without media should not pay for it twice.
        from obstore.store import LocalStore, from_url

        self._folder = None if "://" in url else Path(url)
        self._store: Any = LocalStore(url, mkdir=True) if self._folder else from_url(url)

    async def put(self, key: str, body: bytes) -> None:
        """Upsert `body` under `key`: atomic, and durable (fsync) on return."""
        import obstore

        with _told("stored"):
            await obstore.put_async(self._store, key, body)
            if self._folder:
                _sync(self._folder / key)

    async def get(self, key: str) -> bytes:
        """The bytes under `key`; NotFound when there are none."""
        import obstore

        try:
            with _told("read"):
                answer = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            raise NotFound(
                f"no file is stored under {key}: it was never uploaded, or the media store was moved"
            ) from None
        return bytes(await answer.bytes_async())

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


def _sync(path: Path) -> None:
    """fsync a file and its directory entry: the local store of obstore does neither."""
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
