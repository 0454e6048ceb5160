"""Identifiers, lower-case hexadecimal: new ones are random."""

import hashlib
import secrets
from typing import Any

import orjson


def new_id() -> str:
    """128 random bits as 32 hex digits, for rows of ours."""
    return secrets.token_hex(16)


def digest_of(*parts: Any) -> str:
    """64 hex digits that follow from these values: SHA-256 of their JSON as a list, as JSON.stringify writes it."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()
