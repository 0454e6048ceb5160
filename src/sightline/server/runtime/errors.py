# ruff: noqa: N818  (named for what happened, as people and the edges read them)
"""The one error family: what the product refuses, with the HTTP status and the name Langfuse's clients look for."""

import errno
import os

OUT_OF_MEANS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
)
"""Errors of the operating system that are nobody's mistake, and pass."""


class SightlineError(Exception):
    """A refusal a person can act on; the edges translate it once into `{message, error}`."""

    status: int = 500
    error: str = "InternalServerError"
    retry_after_s: int | None = None
    """Seconds of the Retry-After header, for transient errors."""

    @property
    def message(self) -> str:
        return str(self)


class InvalidRequest(SightlineError):
    status = 400
    error = "InvalidRequestError"


class Unauthorized(SightlineError):
    status = 401
    error = "UnauthorizedError"


class Forbidden(SightlineError):
    status = 403
    error = "ForbiddenError"


class NotFound(SightlineError):
    status = 404
    error = "LangfuseNotFoundError"


class MethodNotAllowed(SightlineError):
    status = 405
    error = "MethodNotAllowedError"


class Conflict(SightlineError):
    status = 409
    error = "LangfuseConflictError"


class TooLarge(SightlineError):
    status = 413
    error = "PayloadTooLargeError"


class Unprocessable(SightlineError):
    """Well-formed, but the content is not what it claims to be: a broken picture, a wrong hash."""

    status = 422
    error = "UnprocessableContentError"


class TooBusy(SightlineError):
    """Backpressure, or a rate limit: a bounded queue is full. Nothing was stored; retry after `retry_after_s`."""

    status = 429
    error = "TooManyRequestsError"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(SightlineError):
    status = 503
    error = "ServiceUnavailableError"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Crowded(Unavailable):
    """Load shedding of large requests. 503, because not all exporters retry after 429."""


class FolderInUse(Unavailable):
    """Another process holds the data folder; `pid` says which, when it could be read."""

    def __init__(self, folder: str, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"data folder {folder} is in use by {holder}: stop it, or choose another folder with --data-dir"
        )
        self.pid = pid


def out_of_means(problem: Exception) -> Unavailable | None:
    """What clients are told when the disk or the system has no more to give: to come again. None for other errors."""
    if not isinstance(problem, OSError) or problem.errno not in OUT_OF_MEANS:
        return None
    return Unavailable(
        f"the server cannot store or read files now ({os.strerror(problem.errno)}): send it again; the log says more",
        retry_after_s=10,
    )
