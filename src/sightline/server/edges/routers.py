"""Combines routers: matched in the order given."""

from typing import Any

from fastapi import APIRouter

Responses = dict[int | str, dict[str, Any]]


def joined(*routers: APIRouter, prefix: str = "", responses: Responses | None = None) -> APIRouter:
    whole = APIRouter(prefix=prefix, responses=responses)
    for router in routers:
        whole.include_router(router)
    return whole
