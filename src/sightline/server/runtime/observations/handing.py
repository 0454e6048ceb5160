"""Bytes handed to the embedded engine as a file it can read, without a copy on the disk where the system has memfd."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def readable(body: bytes) -> Iterator[str]:
    """A path under which this process can read `body`, inside the `with`."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("rows")
        try:
            left = memoryview(body)
            while left:  # One write takes at most 2 GiB, and may fall short.
                left = left[os.write(descriptor, left) :]
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            yield file.name
