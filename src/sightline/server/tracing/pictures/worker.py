"""The process that decodes pictures, one after another: `python -m sightline.server.tracing.pictures.worker SOCKET`.

Its memory is bounded (RLIMIT_AS), and it ends after a large picture, when it idles, and with the server.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from typing import IO

from sightline.server.tracing.pictures.protocol import BROKEN, DONE, REPLY, REQUEST, TOO_LARGE

MEMORY_BYTES = 640 * 1024 * 1024
"""Address space, the interpreter and its libraries included."""
IDLE_S = 20.0
"""Then it ends, and its memory is free."""
LARGE_PIXELS = 4_000_000
"""A picture after which it ends: the allocator gives back little of what that took."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, whose end is ours.
    line = socket.socket(fileno=int(sys.argv[1]))
    line.settimeout(IDLE_S)
    _bound_memory()
    with suppress(OSError), line:  # The server is gone, or nothing was asked for a while.
        while _serve(line):
            pass


def _bound_memory() -> None:
    import resource  # Here: tests import this module where there is no such thing.

    with suppress(OSError, ValueError):  # macOS has no such limit.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _serve(line: socket.socket) -> bool:
    """One picture; False where it was the last one."""
    asked, descriptors, *_ = socket.recv_fds(line, REQUEST.size, 1)
    if not asked:
        return False
    with os.fdopen(descriptors[0], "rb") as file:
        outcome, said, pixels = _outcome(file, *REQUEST.unpack(asked))
    line.sendall(REPLY.pack(outcome, len(said)) + said)
    return pixels <= LARGE_PIXELS


def _outcome(file: IO[bytes], side: int) -> tuple[int, bytes, int]:
    from sightline.server.tracing.pictures import decoding  # After the bound on memory: Pillow is part of it.

    pixels = 0
    try:
        with decoding.opened(file) as picture:
            pixels = picture.width * picture.height
            return DONE, decoding.thumbnail(picture, file, side) if side else b"", pixels
    except decoding.TooLargePictureError as problem:
        return TOO_LARGE, str(problem).encode(), 0
    except decoding.BrokenPictureError as problem:
        return BROKEN, str(problem).encode(), pixels
    except MemoryError:
        return TOO_LARGE, b"there is no preview: decoding the picture takes too much memory", LARGE_PIXELS + 1
    except Exception as problem:  # Decoders raise all sorts of errors for what is broken.
        return BROKEN, f"the picture is broken ({problem}): upload it again".encode(), pixels


if __name__ == "__main__":
    main()
