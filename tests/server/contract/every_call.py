"""All calls, and the operations that are not served with the reason why."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from server.contract import calls_boards, calls_organization, calls_review, calls_tracing, published
from sightline.server.edges.public_openapi import committed

CALLS = calls_tracing.CALLS + calls_review.CALLS + calls_boards.CALLS + calls_organization.CALLS

_BUCKETS = "there are no scheduled exports to buckets: `sightline backup` and object storage do what they are for"
NOT_SERVED: Mapping[str, str] = dict.fromkeys(
    (
        "GET /api/public/integrations/blob-storage",
        "PUT /api/public/integrations/blob-storage",
        "GET /api/public/integrations/blob-storage/{id}",
        "DELETE /api/public/integrations/blob-storage/{id}",
    ),
    _BUCKETS,
)
"""Operations of the contract by key, with why this server has none of them."""

IGNORED_PARAMETERS: Mapping[str, Mapping[str, str]] = {}
"""Query parameters of the contract by operation, with why they are not read."""

BEYOND_THE_CONTRACT: frozenset[str] = frozenset()
"""Routes that the SDK calls and the contract, which is of an earlier server, does not list."""


@cache
def ours() -> Mapping[str, Any]:
    """The operations that this server describes, by their route."""
    paths = json.loads(committed())["paths"]
    return {
        published.route(f"{method.upper()} {path}"): described
        for path, methods in paths.items()
        for method, described in methods.items()
    }
