"""Reading all of a list, a batch at a time, by page numbers, cursors, or time windows.

A batch's `place` is the checkpoint once it was carried; None while resuming from there would lose rows.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sightline.server.importing.wire import Api

Row = dict[str, Any]
LIMIT = 100
"""Page size."""
WINDOW_ROWS = 2_000
"""Offset pagination costs more with every page, so a time window holds about this many rows at most."""
FIRST_WINDOW = timedelta(days=1)
"""Initial width of a time window; it adapts to the density of rows."""
SHORTEST_WINDOW = timedelta(seconds=1)
"""Minimum width of a time window."""
WIDEN = 4
"""Growth factor of a window that holds few rows."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    rows: list[Row]
    place: Mapping[str, Any] | None


class Reader(Protocol):
    async def total(self) -> int | None:
        """The total count of rows; None where the source does not report it."""
        ...

    def batches(self, place: Mapping[str, Any]) -> AsyncIterator[Batch]:
        """Batches after a checkpoint; an empty one is the beginning."""
        ...


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Page-number (offset) pagination: `page`, `limit`, `meta.totalPages`. For short lists."""

    api: Api
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)

    async def total(self) -> int | None:
        answer = await self.api.read(self.path, **self.params, limit=1)
        return int(answer["meta"]["totalItems"])

    async def batches(self, place: Mapping[str, Any]) -> AsyncIterator[Batch]:
        page = int(place.get("page", 1))
        while True:
            answer = await self.api.read(self.path, **self.params, page=page, limit=LIMIT)
            page += 1
            yield Batch(rows=answer["data"], place={"page": page})
            if not answer["data"] or page > answer["meta"]["totalPages"]:
                return


@dataclass(frozen=True, kw_only=True)
class Cursors:
    """Cursor (keyset) pagination: deep pages cost no more than the first."""

    api: Api
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    limit: int = LIMIT

    async def total(self) -> int | None:
        return None

    async def batches(self, place: Mapping[str, Any]) -> AsyncIterator[Batch]:
        cursor = place.get("cursor")
        while True:
            answer = await self.read(cursor)
            cursor = answer["meta"].get("cursor")
            yield Batch(rows=answer["data"], place={"cursor": cursor} if cursor else None)
            if not cursor:
                return

    async def read(self, cursor: str | None) -> Any:
        return await self.api.read(self.path, **self.params, cursor=cursor, limit=self.limit)


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Offset pagination within time windows, from the end backwards: for long lists without cursors."""

    api: Api
    path: str
    bounds: tuple[str, str]
    """Names of the parameters of the window: from (inclusive), to (exclusive)."""
    since: datetime | None
    until: datetime
    params: Mapping[str, Any] = field(default_factory=dict)

    async def total(self) -> int | None:
        return await self._count(self.since, self.until)

    async def after(self, moment: datetime) -> int:
        """How many rows are of a later time."""
        since = {self.bounds[0]: _written(moment)}
        return int((await self.api.read(self.path, **self.params, **since, limit=1))["meta"]["totalItems"])

    async def batches(self, place: Mapping[str, Any]) -> AsyncIterator[Batch]:
        end = datetime.fromisoformat(place["end"]) if "end" in place else self.until
        width = FIRST_WINDOW
        while self.since is None or end > self.since:
            remaining = await self._count(self.since, end)
            if remaining == 0:
                return
            start = self.since
            if remaining > WINDOW_ROWS:
                width = await self._fitting(end, width)
                start = end - width if self.since is None else max(self.since, end - width)
            async for rows, last in self._pages(start, end):
                yield Batch(rows=rows, place={"end": start.isoformat()} if last and start else None)
            if start is None:
                return
            end = start

    async def _fitting(self, end: datetime, width: timedelta) -> timedelta:
        """Adapt the width until the window holds some rows and at most `WINDOW_ROWS`; there are some before `end`."""
        count = await self._count(end - width, end)
        while count == 0:
            width *= WIDEN
            count = await self._count(end - width, end)
        while count > WINDOW_ROWS and width > SHORTEST_WINDOW:
            width /= 2
            count = await self._count(end - width, end)
        return width

    async def _pages(self, start: datetime | None, end: datetime) -> AsyncIterator[tuple[list[Row], bool]]:
        page = 1
        while True:
            answer = await self._read(start, end, page=page, limit=LIMIT)
            last = not answer["data"] or page >= answer["meta"]["totalPages"]
            yield answer["data"], last
            if last:
                return
            page += 1

    async def _count(self, start: datetime | None, end: datetime) -> int:
        return int((await self._read(start, end, limit=1))["meta"]["totalItems"])

    async def _read(self, start: datetime | None, end: datetime, **paging: int) -> Any:
        times = dict(zip(self.bounds, (start and _written(start), _written(end)), strict=True))
        return await self.api.read(self.path, **self.params, **times, **paging)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def one_ahead(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    """Prefetch: the next batch is read while one is carried."""
    coming = asyncio.ensure_future(anext(batches, None))
    try:
        while (batch := await coming) is not None:
            coming = asyncio.ensure_future(anext(batches, None))
            yield batch
    finally:
        coming.cancel()
