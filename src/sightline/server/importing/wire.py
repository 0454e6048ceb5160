"""HTTP client for either side: retries with exponential backoff and jitter, and honours Retry-After."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2
import stamina

from sightline.server.importing.records import Place
from sightline.server.runtime.clock import now
from sightline.server.runtime.errors import SightlineError, Unavailable
from sightline.server.runtime.json_reading import loads
from sightline.server.runtime.outbound import operators_client

BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Transient statuses, worth a retry."""
ABSENT = frozenset((400, 404, 405, 410, 501))
"""Statuses by which other versions of Langfuse say that an endpoint does not exist."""
ATTEMPTS = 10
"""Tries of a call."""
FIRST_ATTEMPTS = 3
"""Tries of the first call, which finds a wrong address soon."""
LONGEST_WAIT_S = 60.0
"""Cap of the backoff."""
TIMEOUT = httpx2.Timeout(120.0, connect=15.0)
"""Per request, in seconds."""

Answer = TypeVar("Answer")


class Refused(SightlineError):  # noqa: N818 - named like the rest of its family
    """Permanent failure: the other side refused; a retry will not help."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Unsettled(SightlineError):  # noqa: N818 - named like the rest of its family
    """Transient failure: no response, or "later". The outcome is unknown: the call may or may not have happened."""

    status = 503

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        """Seconds of Retry-After."""


def wait_before_repeating(problem: Exception) -> bool | float:
    """Retry policy for stamina: no; yes, with exponential backoff; or yes after so many seconds."""
    if not isinstance(problem, Unsettled):
        return False
    return True if problem.wait_s is None else min(problem.wait_s, 10 * LONGEST_WAIT_S)


async def again(act: Callable[[], Awaitable[Answer]], attempts: int = ATTEMPTS) -> Answer:
    """Retry `act` with backoff and jitter while its outcome is unknown: it must be idempotent, or check first."""
    async for attempt in stamina.retry_context(
        on=wait_before_repeating, attempts=attempts, timeout=None, wait_initial=0.5, wait_max=LONGEST_WAIT_S
    ):
        with attempt:
            return await act()
    raise AssertionError("stamina ended without an outcome")


class Api:
    """A project's public API. `async with` opens and closes its connections."""

    def __init__(self, place: Place, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """`transport` replaces the network in tests."""
        self.place = place
        self._base = place.url.rstrip("/")
        auth = httpx2.BasicAuth(place.public_key, place.secret_key)
        self._client = operators_client(auth=auth, timeout=TIMEOUT, transport=transport)
        self._files = operators_client(timeout=TIMEOUT, transport=transport, redirects=True)
        """A client without credentials: a signed URL may lead to another host."""

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._files.aclose()

    async def greet(self) -> Any:
        """Whose keys these are; fewer retries, so that a wrong address fails soon."""
        return await again(lambda: self._call("GET", "/projects"), FIRST_ATTEMPTS)

    async def read(self, path: str, **params: Any) -> Any:
        """The JSON under a path of the public API."""
        given = {name: value for name, value in params.items() if value is not None}
        return await again(lambda: self._call("GET", path, params=given))

    async def has(self, path: str, **params: Any) -> bool:
        """Feature detection: whether the source has that endpoint."""
        try:
            await self.read(path, **params)
        except Refused as problem:
            if problem.status in ABSENT:
                return False
            raise
        return True

    async def write(self, method: str, path: str, body: Any) -> Any:
        """An idempotent call, retried with backoff."""
        return await again(lambda: self._call(method, path, json=body))

    async def write_once(self, method: str, path: str, body: Any) -> Any:
        """A call that is not idempotent, so not retried: `Unsettled` when its outcome is unknown."""
        return await self._call(method, path, json=body)

    async def file(self, url: str) -> bytes:
        """Download a file. Not retried: its signed URL may have expired, so the caller asks for a new one."""
        answer = await _heard(self._files.get(self._absolute(url)), url)
        if answer.status_code >= 400:
            raise _problem(answer, url.partition("?")[0])
        return answer.content

    async def put_file(self, url: str, content: bytes, headers: dict[str, str]) -> None:
        async def act() -> None:
            answer = await _heard(self._files.put(self._absolute(url), content=content, headers=headers), url)
            if answer.status_code >= 400:
                raise _problem(answer, url)

        await again(act)

    async def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = await _heard(self._client.request(method, f"{self._base}/api/public{path}", **more), self._base)
        if answer.status_code >= 400:
            raise _problem(answer, f"{method} {path}")
        if not answer.content:
            return None
        try:
            return loads(answer.content)
        except ValueError as problem:
            raise Refused(
                502, f"{method} {path} of {self._base} answers with no JSON: is the address right?"
            ) from problem

    def _absolute(self, url: str) -> str:
        return url if "://" in url else f"{self._base}/{url.lstrip('/')}"


async def _heard(asked: Awaitable[httpx2.Response], whom: str) -> httpx2.Response:
    try:
        return await asked
    except httpx2.TransportError as problem:
        raise Unsettled(f"{whom} does not answer: {problem or type(problem).__name__}") from problem


def _problem(answer: httpx2.Response, what: str) -> SightlineError:
    message = f"{what}: {answer.status_code} {_message(answer)}"
    if answer.status_code in BUSY:
        return Unsettled(message, _retry_after_s(answer.headers.get("retry-after")))
    if answer.status_code in (401, 403):
        return Unavailable(f"{message}: check the key pair; a project's keys are needed")
    return Refused(answer.status_code, message)


def _message(answer: httpx2.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return ""
    said = document.get("message") if isinstance(document, dict) else None
    return str(said or "")[:300]


def _retry_after_s(given: str | None) -> float | None:
    """Seconds from either form of the header."""
    if given is None:
        return None
    try:
        return max(0.0, float(given))
    except ValueError:
        pass
    try:
        moment: datetime = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - now()).total_seconds())
