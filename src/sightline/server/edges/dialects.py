"""Error responses in the dialect of the clients of a path: Langfuse's, its newer contract's, or SCIM's."""

from collections.abc import Mapping
from typing import Any

SCIM = "/api/public/scim/"
"""Paths whose errors are SCIM's."""
NEWER = ("/api/public/unstable/", "/api/public/v2/evaluators", "/api/public/v2/evaluation-rules")
"""Paths whose errors have a `code`."""
CODES: Mapping[int, str] = {
    400: "invalid_request",
    401: "authentication_failed",
    403: "access_denied",
    404: "resource_not_found",
    405: "method_not_allowed",
    409: "conflict",
    422: "invalid_request",
    429: "rate_limited",
}
"""HTTP status to the newer contract's `code`."""


def refusal_body(path: str, status: int, message: str, error: Any) -> dict[str, Any]:
    """`{message, error}`, and what else the clients of this path look for."""
    body: dict[str, Any] = {"message": message, "error": error}
    if path.startswith(SCIM):
        detail = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": message, "status": str(status)}
        return body | detail
    if path.startswith(NEWER):
        return body | _newer(status, error)
    return body


def _newer(status: int, error: Any) -> dict[str, Any]:
    """A code, and for a validation error the fields it is about."""
    if not isinstance(error, list):
        return {"code": CODES.get(status, "internal_error")}
    in_query = all(issue["path"][:1] == ["query"] for issue in error)
    return {"code": "invalid_query" if in_query else "invalid_body", "details": {"issues": error}}
