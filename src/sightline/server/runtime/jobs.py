"""Recurring background jobs: named objects with a start and a stop."""

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
    """Calls `act` every `every_s` seconds, after an initial delay of as many. Failures are logged, not fatal."""

    def __init__(self, name: str, act: Callable[[], Awaitable[object]], *, every_s: float) -> None:
        self.name = name
        self._act = act
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Cancel the current call. Jobs are idempotent: the next start does it again."""
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
