"""All calls, and the operations that are not served with the reason why."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from server.contract import (
    calls_besides,
    calls_boards,
    calls_exports,
    calls_organization,
    calls_review,
    calls_skills,
    calls_tracing,
    published,
)
from sightline.server.edges.public_openapi import committed

CALLS = (
    *(*calls_tracing.CALLS, *calls_review.CALLS, *calls_boards.CALLS),
    *(*calls_organization.CALLS, *calls_exports.CALLS, *calls_skills.CALLS),
)

NOT_SERVED: Mapping[str, str] = {}
"""Operations of the contract, and of the SDK where it knows more, by key, with why this server has none of them."""

IGNORED_PARAMETERS: Mapping[str, Mapping[str, str]] = {}
"""Query parameters of the contract by operation, with why they are not read."""

BESIDES = calls_besides.CALLS
"""Calls of what is served and the contract does not list."""


@cache
def ours() -> Mapping[str, Any]:
    """The operations that this server describes, by their route."""
    paths = json.loads(committed())["paths"]
    return {
        published.route(f"{method.upper()} {path}"): described
        for path, methods in paths.items()
        for method, described in methods.items()
    }
