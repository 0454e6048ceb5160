"""ClickHouse embedded in the process (chdb). One process per folder, one connection per thread.

Queries run in a small pool of reader threads and release the GIL; inserts run on whatever thread calls `insert`,
which in the product is the writer's. Every cache has an explicit size: by default, eight readers hold 1.6 GB.
"""

import asyncio
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sightline.server.runtime.folder_lock import FolderLock
from sightline.server.runtime.observations import engine
from sightline.server.runtime.observations.engine import MIB, not_stored, plain_name, rows_of, translated
from sightline.server.runtime.observations.failed_writes import FailedWrites
from sightline.server.runtime.observations.handing import readable
from sightline.server.runtime.observations.parameters import parameter

SERVER_SETTINGS: Mapping[str, int] = {
    "max_server_memory_usage": 3072 * MIB,
    "mark_cache_size": 64 * MIB,
    "index_mark_cache_size": 16 * MIB,
    "primary_index_cache_size": 32 * MIB,
    "uncompressed_cache_size": 0,
    "query_condition_cache_size": 16 * MIB,
    "text_index_tokens_cache_size": 8 * MIB,
    "text_index_header_cache_size": 8 * MIB,
    "text_index_postings_cache_size": 8 * MIB,
    "compiled_expression_cache_size": 8 * MIB,
    "parquet_metadata_cache_size": 0,
    "unique_key_index_cache_size_bytes": 0,
    "vector_similarity_index_cache_size": 0,
    "background_pool_size": 2,
    "background_schedule_pool_size": 2,
    "os_threads_nice_value_merge_mutate": 10,
}
"""Server settings, applied when the first connection opens the folder: cache sizes, and low-priority (nice) merges."""

READERS = 3
"""Threads that run queries, each with a connection."""


class EmbeddedEngine:
    """`await open()` before use, `await close()` at the end; `FolderInUse` names the process that holds the folder."""

    is_shared = False
    """No other process writes to the folder."""

    def __init__(self, folder: Path, *, database: str = "sightline") -> None:
        self.folder = folder
        self.database = plain_name(database)
        self._lock = FolderLock(folder)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="observations-reader")
        self._mine = threading.local()
        self._connections: list[Any] = []
        self._failed_writes = FailedWrites(self._ask)

    async def open(self) -> None:
        """Take the folder and create the database in it; about 0.1 s."""
        self._lock.acquire()
        try:
            await self._in_reader(self._create_database)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Wait for running queries, close every connection, release the folder."""
        await asyncio.to_thread(self._readers.shutdown, cancel_futures=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._lock.release()

    async def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a SELECT, each a dict by column name. `params` fill `{name:Type}` places."""
        return rows_of(await self._in_reader(self._run, sql, "JSONEachRow", params or {}))

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """A statement without an answer: DDL, DELETE."""
        await self._in_reader(self._write, sql, params or {})

    def insert(self, table: str, lines: Iterable[bytes]) -> None:
        """Insert JSON rows as one part, on the calling thread; returns once they are durable (fsync) and readable.

        Atomic: all lines must belong to one partition, and on an error none is stored.
        """
        seen = self._failed_writes.seen
        try:
            with readable(b"\n".join(lines)) as path:
                self._connection().query(
                    f"INSERT INTO {table} FROM INFILE '{path}' SETTINGS {engine.INSERT_SETTINGS} FORMAT JSONEachRow",
                    "Null",
                )
            self._failed_writes.check(seen)
        except (RuntimeError, OSError) as failure:
            raise not_stored(failure) from failure

    async def _in_reader(self, act: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, act, *arguments)
        except RuntimeError as failure:
            raise translated(failure) from failure

    def _run(self, sql: str, answer_format: str, params: Mapping[str, Any]) -> bytes:
        texts = {name: parameter(value) for name, value in params.items()}
        result = self._connection().query(sql, answer_format, params=texts)
        return bytes(result.bytes())

    def _ask(self, sql: str) -> list[dict[str, Any]]:
        return rows_of(self._run(sql, "JSONEachRow", {}))

    def _write(self, sql: str, params: Mapping[str, Any]) -> None:
        seen = self._failed_writes.seen
        self._run(sql, "Null", params)
        self._failed_writes.check(seen)

    def _create_database(self) -> None:
        self._connect(use=False).query(f"CREATE DATABASE IF NOT EXISTS {self.database}", "Null")
        self._failed_writes.open()

    def _connection(self) -> Any:
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._connect(use=True)
        return connection

    def _connect(self, *, use: bool) -> Any:
        # chdb loads half a gigabyte of library: only a process that opens a folder should pay for it.
        from chdb import _chdb

        arguments = "&".join(f"{name}={value}" for name, value in SERVER_SETTINGS.items())
        connection = _chdb.connect(f"{self.folder}?{arguments}")  # type: ignore[attr-defined]  # compiled, untyped
        self._connections.append(connection)
        for name, value in engine.SESSION_SETTINGS.items():
            connection.query(f"SET {name} = '{value}'", "Null")
        if use:
            connection.query(f"USE {self.database}", "Null")
        return connection
