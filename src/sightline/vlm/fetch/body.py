"""A small body in memory: bounded in bytes and in time, whatever the server does."""

import time

from sightline.vlm.fetch.errors import FetchError
from sightline.vlm.fetch.http import opened
from sightline.vlm.fetch.places import offline

WHOLE_S = 60.0
"""Overall deadline for one body: read timeouts alone would let a slow server hold us for ever."""


class TooLargeError(FetchError):
    """More bytes than were asked for."""


def body(url: str, most: int, within_s: float = WHOLE_S) -> bytes:
    """What is behind an http(s) URL.

    Args:
        url: Redirects are followed, a few.
        most: Bytes; as soon as there are more, the connection is closed.
        within_s: Seconds for the whole of it, so that a server cannot hold us by sending a byte at a time.

    Raises:
        TooLargeError: It is larger.
        FetchError: It cannot be had, or not in that time, or the network may not be used.
    """
    if variable := offline():
        raise FetchError(f"the network is off ({variable} is set)")
    ends = time.monotonic() + within_s
    with opened(url) as response:
        if int(response.headers.get("content-length", "0") or 0) > most:
            raise TooLargeError(f"it has {int(response.headers['content-length']):,} bytes, the limit is {most:,}")
        read = bytearray()
        for chunk in response.iter_bytes():
            read += chunk
            if len(read) > most:
                raise TooLargeError(f"it has more than {most:,} bytes, the limit")
            if time.monotonic() > ends:
                raise FetchError(f"it was not complete after {within_s:g} s ({len(read):,} bytes came)")
    return bytes(read)
