"""One thread that runs the model, with a bounded queue in front: full means refused (backpressure), never unbounded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sightline.vlm.config import SightlineVlmError

Result = TypeVar("Result")


class BusyError(SightlineVlmError):
    """The queue is full: answered 429 with Retry-After."""


class Worker:
    """Runs jobs one after the other; `places` of them at once, the running one included."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0
        self._thread: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Opens the thread."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    async def stop(self) -> None:
        """Drops what waits, ends what runs, closes the thread."""
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)
            self._thread = None

    def submit(self, job: Callable[[], Result]) -> asyncio.Future[Result]:
        """The job's result to come; raises `BusyError` when all places are taken. Only from the event loop."""
        if self._thread is None:
            raise BusyError("the model is not running")
        if self.taken >= self.places:
            raise BusyError(f"{self.taken} requests are waiting or running, the limit is {self.places}: try again soon")
        self.taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._thread, job)
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _: object) -> None:
        self.taken -= 1
