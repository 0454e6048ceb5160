"""One HTTP request, with timeouts and limits on what a server may do to us."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sightline.vlm.fetch.errors import FetchError

CONNECT_S = 10.0
"""Timeout of opening a connection."""
READ_S = 30.0
"""Read timeout: longest silence in the middle of an answer."""
REDIRECTS = 5
"""Redirects followed before giving up: a loop is an error."""


class Unreachable(FetchError):  # noqa: N818 - it ends in a FetchError, this kind may pass
    """A transient failure (no connection, broken off, 429, 5xx): worth a retry."""


class Refused(FetchError):  # noqa: N818 - as above
    """A permanent failure: a retry would be answered the same."""


@contextmanager
def opened(url: str, headers: Mapping[str, str] | None = None, *, allow: tuple[int, ...] = (200,)) -> Iterator[Any]:
    """The response to a GET, its body unread; raises `Unreachable` or `Refused`, also while the body is read."""
    import httpx2  # late: only a URL needs a client

    timeout = httpx2.Timeout(READ_S, connect=CONNECT_S)
    try:
        with (
            httpx2.Client(timeout=timeout, follow_redirects=True, max_redirects=REDIRECTS) as client,
            client.stream("GET", url, headers=dict(headers or {})) as response,
        ):
            if url.lower().startswith("https:") and response.url.scheme != "https":
                raise Refused(f"it leads to {response.url}, which is not encrypted")
            if response.status_code not in allow:
                passing = response.status_code == 429 or response.status_code >= 500
                kind = Unreachable if passing else Refused
                raise kind(f"the server answered {response.status_code} {response.reason_phrase}")
            yield response
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.TooManyRedirects, httpx2.DecodingError) as problem:
        raise Refused(str(problem)) from problem
    except httpx2.HTTPError as problem:
        raise Unreachable(str(problem) or type(problem).__name__) from problem
