"""The analytics engine: ClickHouse's dialect, embedded (chdb). One process per folder, one connection per thread."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ObservationsEngine:
    """`await open()` before use, `await close()` at the end; `FolderInUse` names the process that holds the folder."""

    def __init__(self, folder: Path, *, database: str = "sightline") -> None:
        self.folder = folder
        self.database = database

    async def open(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        raise NotImplementedError
