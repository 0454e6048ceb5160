"""Who reads a row to write it again waits for whoever does so with the same row; nobody waits for another row."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from sightline.server.tracing.records import ProjectId


class Turns:
    """One holder at a time for each id of a project."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[ProjectId, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, project_id: ProjectId, ids: Iterable[str]) -> AsyncIterator[None]:
        """Hold the turn of all these ids, taken in one order: two holders never wait for each other."""
        async with AsyncExitStack() as held:
            for each in sorted(set(ids)):
                await held.enter_async_context(self._locks.setdefault((project_id, each), asyncio.Lock()))
            yield
