"""Answers and refusals in the shapes Langfuse's clients read."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sightline.server.edges.dialects import refusal_body
from sightline.server.runtime.errors import SightlineError, out_of_means

log = structlog.get_logger()

ERRORS_BY_STATUS = {
    400: "InvalidRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "LangfuseNotFoundError",
    405: "MethodNotAllowedError",
    413: "PayloadTooLargeError",
    415: "InvalidRequestError",
}
"""HTTP status to the `error` name that Langfuse's clients look for."""


class Json(Response):
    """JSON response serialised by orjson, for answers that are built by hand."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        try:
            return orjson.dumps(content, default=_plain, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:  # Nested more than 254 levels deep: what was stored is answered all the same.
            return json.dumps(content, default=_plain_or_text, ensure_ascii=False, separators=(",", ":")).encode()


def _plain_or_text(value: Any) -> Any:
    """As orjson writes what the standard library does not know."""
    return value.isoformat() if isinstance(value, datetime) else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def iso(moment: datetime | None) -> str | None:
    """UTC with milliseconds and a Z, as Langfuse writes times."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    # Not strftime: it writes years before 1000 with fewer than four digits.
    return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def issues(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """Validation failures, one entry a field, without echoing the input."""
    return [{"code": e["type"], "message": e["msg"], "path": list(e["loc"])} for e in errors]


def refusal(status: int, message: str, error: Any, headers: Mapping[str, str] | None = None, path: str = "") -> Json:
    """An error response in the dialect of the clients of that path."""
    return Json(refusal_body(path, status, message, error), status_code=status, headers=dict(headers or {}))


async def _refused(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, SightlineError):
        raise problem
    if problem.status == 500:
        log.error("a request failed", method=request.method, path=request.url.path, exc_info=problem)
    headers = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
    if problem.status == 401 and not request.url.path.startswith("/api/web"):
        # Not for the page's calls: a browser would open its own password box over our sign-in.
        headers["WWW-Authenticate"] = 'Basic realm="sightline", charset="UTF-8"'
    return refusal(problem.status, problem.message, problem.error, headers, request.url.path)


async def _invalid(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, RequestValidationError):
        raise problem
    return refusal(400, "Invalid request data", issues(problem.errors()), path=request.url.path)


async def _http(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, HTTPException):
        raise problem
    message = str(problem.detail)
    if problem.status_code in (404, 405):
        message = f"{request.method} {request.url.path}: {message}"
    error = ERRORS_BY_STATUS.get(problem.status_code, "HTTPError")
    return refusal(problem.status_code, message, error, problem.headers, request.url.path)


async def _failing_system(request: Request, problem: Exception) -> Response:
    """503 when the disk or the system has no more to give; anything else is unexpected."""
    refused = out_of_means(problem)
    if refused is None:
        raise problem
    log.error("the disk or the system failed", method=request.method, path=request.url.path, problem=str(problem))
    return await _refused(request, refused)


async def _unexpected(request: Request, problem: Exception) -> Response:
    log.error("a request failed", method=request.method, path=request.url.path, exc_info=problem)
    return refusal(500, "Something failed inside the server; its log says what", "InternalServerError")


def translate_errors(app: FastAPI) -> None:
    """Every refusal leaves as `{message, error}` with its status."""
    app.add_exception_handler(SightlineError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _failing_system)
    app.add_exception_handler(Exception, _unexpected)
