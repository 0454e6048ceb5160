"""Fine-grained locks for read-modify-write: writers of one row are serialised, writers of different rows are not."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from sightline.server.tracing.records import ProjectId


class Turns:
    """A lock (mutex) per id of a project, in this process; unused ones are garbage-collected."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[ProjectId, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, project_id: ProjectId, ids: Iterable[str]) -> AsyncIterator[None]:
        """Hold the locks of all these ids, acquired in sorted order against deadlock."""
        async with AsyncExitStack() as held:
            for each in sorted(set(ids)):
                await held.enter_async_context(self._locks.setdefault((project_id, each), asyncio.Lock()))
            yield
