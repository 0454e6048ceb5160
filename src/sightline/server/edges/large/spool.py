"""Spooling of large bodies to disk, a concurrency limit for them, and streaming decompression."""

import asyncio
import io
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from fastapi import Request

from sightline.server.edges.bodies import GZIP_OR_ZLIB, inflated_too_large, known_encoding, too_large
from sightline.server.runtime.errors import Crowded, InvalidRequest
from sightline.server.runtime.space import FreeSpace

SMALL_BYTES = 4 * 1024 * 1024
"""Spool threshold: up to this size a body stays in memory and is decoded in one go."""
SMALL_INFLATED_BYTES = 4 * SMALL_BYTES
"""The same threshold after decompression."""
BATCH_BYTES = 8 * 1024 * 1024
"""Target batch size: about so much of a large body is decoded and stored at a time."""
BLOCK_BYTES = 1024 * 1024
"""Read buffer."""
AT_ONCE = 2
"""Concurrency limit (semaphore) of large bodies: each holds some batches in memory."""
PATIENCE_S = 5.0
"""Wait for the semaphore before 503 (load shedding); OpenTelemetry's exporters time out after 10 seconds."""

Body = bytes | IO[bytes]


class Spool:
    """Unlinked temporary files for large bodies: the system removes them with the process, even after a crash."""

    def __init__(
        self, folder: Path, space: FreeSpace, *, at_once: int = AT_ONCE, patience_s: float = PATIENCE_S
    ) -> None:
        self._folder = folder
        self._space = space
        self._turns = asyncio.Semaphore(at_once)
        self._patience_s = patience_s

    @asynccontextmanager
    async def received(self, request: Request, limit_bytes: int) -> AsyncIterator[Body]:
        """The body as sent, chunked or not: in memory up to `SMALL_BYTES`, else in a temporary file. TooLarge early."""
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit_bytes:
            raise too_large(int(announced), limit_bytes, "SIGHTLINE_MAX_EXPORT_BYTES")
        chunks: list[bytes] = []
        held = size = 0
        file: IO[bytes] | None = None
        try:
            async for chunk in request.stream():
                size += len(chunk)
                held += len(chunk)
                if size > limit_bytes:
                    raise too_large(size, limit_bytes, "SIGHTLINE_MAX_EXPORT_BYTES")
                chunks.append(chunk)
                if held >= (BLOCK_BYTES if file else SMALL_BYTES):
                    self._space.require(held)
                    file = file or self._file()
                    await asyncio.to_thread(file.writelines, chunks)
                    chunks, held = [], 0
            if file is None:
                yield b"".join(chunks)
                return
            await asyncio.to_thread(file.writelines, chunks)
            yield file
        finally:
            if file is not None:
                file.close()

    @asynccontextmanager
    async def inflated(self, body: Body, encoding: str, limit_bytes: int) -> AsyncIterator[IO[bytes]]:
        """Hold the semaphore, and decompress the body to a file. Crowded (503) when no slot is free in time."""
        file = io.BytesIO(body) if isinstance(body, bytes) else body
        async with self._turn():
            if not known_encoding(encoding):
                yield file
                return
            with self._file() as plain:
                await asyncio.to_thread(_inflate, file, plain, encoding, limit_bytes, self._space)
                yield plain

    def _file(self) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder, buffering=BLOCK_BYTES)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._turns.acquire()
        except TimeoutError:
            raise Crowded(
                "as many large requests as fit in memory are being stored: send it again in a moment, or send "
                "smaller batches",
                retry_after_s=5,
            ) from None
        try:
            yield
        finally:
            self._turns.release()


def _inflate(packed: IO[bytes], plain: IO[bytes], encoding: str, limit_bytes: int, space: FreeSpace) -> None:
    """Decompress from file to file; a zip bomb is refused at the limit, and before it fills the disk."""
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    size = 0
    try:
        for block in _blocks(packed):
            rest = block
            space.require(len(block))
            while rest and not inflater.eof:
                inflated = inflater.decompress(rest, BLOCK_BYTES)
                rest = inflater.unconsumed_tail
                size += plain.write(inflated)
                if size > limit_bytes:
                    raise inflated_too_large(packed.seek(0, io.SEEK_END), limit_bytes)
        plain.write(inflater.flush())
    except zlib.error as problem:
        raise InvalidRequest(f"the body is not valid {encoding}: {problem}") from problem
    if not inflater.eof:
        raise InvalidRequest(f"the {encoding} body is cut off after {packed.tell():,} bytes")


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        yield block
