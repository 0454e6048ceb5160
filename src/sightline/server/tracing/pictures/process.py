"""The server's end of the worker process: started when a picture is asked for, killed when it takes too long."""

import asyncio
import atexit
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from sightline.server.runtime.errors import TooLarge, Unprocessable
from sightline.server.tracing.pictures.protocol import DONE, REPLY, REQUEST, TOO_LARGE

CONTENT_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif")
"""MIME types that get a thumbnail."""
LONGEST_S = 20.0
"""Time limit of one picture."""
MODULE = "sightline.server.tracing.pictures.worker"


@dataclass
class Running:
    """A worker process and the line to it."""

    pid: int
    line: socket.socket

    def end(self) -> None:
        self.line.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


class Worker:
    """One process at a time, and one picture: that bounds the memory of all of them."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._running: Running | None = None

    async def asked(self, file: IO[bytes], side: int) -> bytes:
        """The thumbnail, or nothing for side 0. TooLarge or Unprocessable."""
        outcome, said = await asyncio.get_running_loop().run_in_executor(self._turns, self._ask, file, side)
        if outcome == DONE:
            return said
        raise (TooLarge if outcome == TOO_LARGE else Unprocessable)(said.decode())

    def close(self) -> None:
        if self._running is not None:
            self._running.end()
            self._running = None

    def _ask(self, file: IO[bytes], side: int) -> tuple[int, bytes]:
        for is_last in (False, True):
            reused = self._running is not None
            running = self._running = self._running or _started()
            running.line.settimeout(self._longest_s)
            try:
                return _exchanged(running.line, file, side)
            except TimeoutError:
                self.close()
                raise Unprocessable(f"there is no preview: decoding takes over {self._longest_s:g} seconds") from None
            except (OSError, EOFError):
                self.close()
                if not reused or is_last:
                    break  # A fresh one that is gone was killed for what it did; one that idled had ended by itself.
        raise Unprocessable("there is no preview: the picture could not be decoded")


def _started() -> Running:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.set_inheritable(True)
        # -P: no module is taken from the folder that the server was started in.
        arguments = [sys.executable, "-P", "-m", MODULE, str(theirs.fileno())]
        return Running(os.posix_spawn(sys.executable, arguments, os.environ), ours)


def _exchanged(line: socket.socket, file: IO[bytes], side: int) -> tuple[int, bytes]:
    socket.send_fds(line, [REQUEST.pack(side)], [file.fileno()])
    outcome, length = REPLY.unpack(_received(line, REPLY.size))
    return outcome, _received(line, length)


def _received(line: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        block = line.recv(length - len(data))
        if not block:
            raise EOFError
        data += block
    return bytes(data)


_WORKER = Worker()
atexit.register(_WORKER.close)


async def thumbnail(file: IO[bytes], side: int) -> bytes:
    """A WebP of at most `side` pixels each way, upright. TooLarge for a bomb, Unprocessable for a broken file."""
    return await _WORKER.asked(file, side)


async def check_bounds(file: IO[bytes]) -> None:
    """TooLarge when the file says it is a picture beyond the bounds; other files pass, whatever they are."""
    with suppress(Unprocessable):  # Stored as it came: nothing decodes it but the thumbnail, which refuses it.
        await _WORKER.asked(file, 0)
