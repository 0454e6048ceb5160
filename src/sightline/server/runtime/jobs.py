"""Background work that is done again and again: a named object with a start and a stop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import structlog

log = structlog.get_logger()


class Job(Protocol):
    """Anything that works in the background between its start and its stop."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


class RecurringJob:
    """Calls `act` every so many seconds, the first time after as many. A failure is logged; the next call follows."""

    def __init__(self, name: str, act: Callable[[], Awaitable[object]], *, every_s: float) -> None:
        self.name = name
        self._act = act
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Interrupt what is being done; it is done again after the next start."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._act()
            except Exception:
                log.exception("a job failed and will be tried again", job=self.name, in_s=self._every_s)
